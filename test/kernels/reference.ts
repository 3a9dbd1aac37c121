/** What the kernels must do, in plain loops over float64; and rows to do it on. */
import type { ColumnReduction } from '../../core/aggregation/rule.ts'
import type { Block, Kernels } from '../../kernels/index.ts'

export type Row = Float32Array

/** Lengths around vectors, tiles, strips and chunks. */
export const lengths = [1, 2, 3, 4, 5, 7, 8, 9, 63, 127, 129, 1023, 1024, 1025, 2047, 4099, 8193] as const

/** Deterministic values, some of them equal, some zero, in orders of magnitude that differ. */
export function rowsOf(n: number, length: number, seed: number): Row[] {
  let state = (seed * 2_654_435_761 + 1) | 0
  return Array.from({ length: n }, () =>
    Float32Array.from({ length }, () => {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      const value = state / 2 ** 31
      if (state % 11 === 0) return Math.round(value * 2)
      return state % 7 === 0 ? value * 1e4 : value
    }),
  )
}

/** The rows in the kernels' memory, at any multiple of 16, with values around them that would show in every result. */
export function placed(kernels: Kernels, rows: readonly Row[]): { addresses: number[]; release: () => void } {
  const blocks: Block[] = []
  const addresses = rows.map((row, i) => {
    const shift = (i % 3) * 4
    const block = kernels.allocate(4 * (row.length + shift + 8))
    const values = block.float32().fill(Number.NaN)
    values.set(row, shift)
    blocks.push(block)
    return block.address + 4 * shift
  })
  return {
    addresses,
    release: () => {
      for (const block of blocks) block.release()
    },
  }
}

/** Runs a job with an output of `length` float64 values between two that must stay as they are. */
export async function output(
  kernels: Kernels,
  length: number,
  job: (address: number) => Promise<void>,
): Promise<Float64Array> {
  const block = kernels.allocate(8 * (length + 4))
  const values = block.float64().fill(12345)
  await job(block.address + 16)
  const result = values.slice(2, length + 2)
  const around = [values[0], values[1], values[length + 2], values[length + 3]]
  block.release()
  if (around.some((value) => value !== 12345)) throw new Error('written beside the output')
  return result
}

export function gramOf(rows: readonly Row[]): { values: Float64Array; scale: Float64Array } {
  const n = rows.length
  const values = new Float64Array(n * n)
  const scale = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const x = rows[i]!
      const y = rows[j]!
      let sum = 0
      let size = 0
      for (let c = 0; c < x.length; c++) {
        sum += x[c]! * y[c]!
        size += Math.abs(x[c]! * y[c]!)
      }
      values[i * n + j] = values[j * n + i] = sum
      scale[i * n + j] = scale[j * n + i] = size
    }
  }
  return { values, scale }
}

export function combinationOf(rows: readonly Row[], weights: Float64Array, length: number): Float64Array {
  const out = new Float64Array(length)
  rows.forEach((row, i) => {
    for (let c = 0; c < length; c++) out[c] = out[c]! + weights[i]! * row[c]!
  })
  return out
}

/** Mixed rows as the contract has them, to the bit: float32 products added up in float32, in the order of the rows. */
export function mixOf(rows: readonly Row[], mix: { rows: number; values: Float64Array }, length: number): Row[] {
  return Array.from({ length: mix.rows }, (_, k) => {
    const out = new Float32Array(length)
    rows.forEach((row, i) => {
      const weight = Math.fround(mix.values[k * rows.length + i]!)
      for (let c = 0; c < length; c++) out[c] = out[c]! + Math.fround(weight * row[c]!)
    })
    return out
  })
}

export function reducedColumns(rows: readonly Row[], reduce: ColumnReduction, length: number): Float64Array {
  return Float64Array.from({ length }, (_, c) => {
    const column = rows.map((row) => row[c]!).sort((a, b) => a - b)
    const kept = reduce.kind === 'trimmed-mean' ? middleOf(column, reduce.drop) : nearestOf(column, reduce.keep)
    return kept.reduce((sum, value) => sum + value, 0) / kept.length
  })
}

function middleOf(sorted: readonly number[], drop: number): readonly number[] {
  return sorted.slice(drop, sorted.length - drop)
}

function nearestOf(sorted: readonly number[], keep: number): readonly number[] {
  const m = sorted.length
  const median = (sorted[(m - 1) >> 1]! + sorted[m >> 1]!) / 2
  const byDistance = [...sorted].sort((a, b) => Math.abs(a - median) - Math.abs(b - median) || a - b)
  return byDistance.slice(0, keep).sort((a, b) => a - b)
}

/** Sums of absolute values, by which differences of rounding are measured. */
export function columnScale(rows: readonly Row[], length: number): Float64Array {
  return Float64Array.from({ length }, (_, c) => rows.reduce((sum, row) => sum + Math.abs(row[c]!), 0))
}

/** The largest |a − b| in units of `scale`; 0 where both are the same. */
export function worst(a: ArrayLike<number>, b: ArrayLike<number>, scale: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  let found = 0
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!)
    if (difference === 0) continue
    const units = difference / scale[i]!
    // NaN counts as far away.
    found = units <= found ? found : Number.isNaN(units) ? Number.POSITIVE_INFINITY : units
  }
  return found
}

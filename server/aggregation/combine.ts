import type { Decision } from '../../core/aggregation/decide.ts'
import type { Gram } from '../../core/aggregation/gram.ts'
import { type FrozenTensor, zeroFrozen } from '../../core/plan/freeze.ts'
import type { Block, Kernels } from '../../kernels/index.ts'
import { keptShares } from './kept.ts'
import type { NextModel } from './next-model.ts'
import { addNoise, type Release } from './release.ts'
import { TILE, type Tile, TileReader, tileCount } from './tiles.ts'
import type { VectorRow } from './update-row.ts'

export type CombineInput = {
  readonly parameters: number
  readonly updates: readonly VectorRow[]
  readonly extra: readonly VectorRow[]
  readonly decision: Decision
  readonly gram: Gram | undefined
  readonly next: Pick<NextModel, 'wantsUpdates' | 'prefetch' | 'write'>
  /** Whether the report is wanted: a rule that has no inner products costs one more look at the updates then. */
  readonly report: boolean
  /** The aggregate is given noise before anything is made of it. */
  readonly release?: Release
  /** Of these the aggregate is exactly zero, whatever the rule and the noise make of them. */
  readonly frozen?: readonly FrozenTensor[]
}

export type Combined = {
  /** ⟨xᵢ, aggregate⟩ and ‖aggregate‖², where they do not follow from the inner products. */
  readonly products: Float64Array | undefined
  readonly squaredNorm: number
  /** For each update, see `keptShares`; where the updates themselves were reduced. */
  readonly kept: readonly number[] | undefined
}

/** Coordinates that are looked at for the shares that were kept. */
const SAMPLED = 512

/** Makes the aggregate as decided, tile by tile, and hands it to the next model. */
export async function combine(kernels: Kernels, input: CombineInput): Promise<Combined> {
  const { parameters, updates, decision, gram, next, report } = input
  const { result } = decision
  const aligned = !report || (result.kind === 'combination' && gram !== undefined)
  const pass = passOf(kernels, input, !aligned || next.wantsUpdates)
  const reader = new TileReader(kernels, pass.rows, parameters)
  const out = kernels.allocate(8 * Math.min(TILE, parameters))
  const products = aligned ? undefined : new Float64Array(updates.length)
  const sampled: Float32Array[] = []
  let squaredNorm = 0
  try {
    await next.prefetch(0)
    for await (const tile of reader.tiles()) {
      const reading = next.prefetch(tile.index + 1)
      reading.catch(() => {})
      const dotted = aligned ? [] : tile.rows.slice(0, updates.length)
      const dots = await pass.make(tile, out, dotted)
      const aggregated = out.float64().subarray(0, tile.length)
      if (products !== undefined) {
        squaredNorm += sumOfSquares(aggregated)
        for (let i = 0; i < products.length; i++) products[i] = (products[i] as number) + (dots[i] as number)
      }
      if (report && result.kind === 'reduction' && result.points !== undefined)
        sample(sampled, tile, result.points, parameters)
      if (input.release !== undefined) addNoise(input.release, aggregated)
      zeroFrozen(aggregated, tile.index * TILE, input.frozen ?? [])
      await next.write(tile, aggregated)
      await reading
    }
  } finally {
    reader.release()
    out.release()
  }
  return {
    products,
    squaredNorm,
    kept: report && result.kind === 'reduction' ? keptOf(sampled, result, updates.length) : undefined,
  }
}

type Pass = {
  /** The updates first where all of them are read. */
  readonly rows: readonly VectorRow[]
  /** Makes the tile of the aggregate, and gives its products with `dotted`. */
  readonly make: (tile: Tile, out: Block, dotted: readonly number[]) => Promise<Float64Array>
}

/** Which rows are read, and what is done with a tile of them. Rows without a part are left on the disk unless `all`. */
function passOf(kernels: Kernels, { updates, extra, decision }: CombineInput, all: boolean): Pass {
  const candidates = [...updates, ...extra]
  const { result } = decision
  if (result.kind === 'combination') {
    const used = candidates.map((_, i) => i).filter((i) => (all && i < updates.length) || result.coefficients[i] !== 0)
    const weights = Float64Array.from(used, (i) => result.coefficients[i] as number)
    return {
      rows: used.map((i) => candidates[i] as VectorRow),
      make: ({ rows, length }, out, products) => kernels.combine({ rows, weights, length, out: out.address, products }),
    }
  }
  const { mix, points, reduce } = result
  if (points !== undefined) {
    return {
      rows: updates,
      make: async ({ rows, length }, out, dotted) => {
        const reduced = points.map((point) => rows[point] as number)
        await kernels.columns({ rows: reduced, reduce, length, out: out.address })
        return kernels.dots({ rows: dotted, vector: out.address, length })
      },
    }
  }
  return {
    rows: candidates,
    make: async ({ rows, length }, out, dotted) => {
      await kernels.columns({ rows, mix, reduce, length, out: out.address })
      return kernels.dots({ rows: dotted, vector: out.address, length })
    },
  }
}

function sample(sampled: Float32Array[], tile: Tile, points: readonly number[], parameters: number): void {
  const count = Math.min(tile.length, Math.max(1, Math.floor(SAMPLED / tileCount(parameters))))
  const values = points.map((point) => tile.values(point))
  for (let k = 0; k < count; k++) {
    const j = Math.floor((k * tile.length) / count)
    sampled.push(Float32Array.from(values, (row) => row[j] as number))
  }
}

function keptOf(
  sampled: readonly Float32Array[],
  { points, reduce }: Extract<Decision['result'], { kind: 'reduction' }>,
  updates: number,
): number[] | undefined {
  if (points === undefined) return undefined
  const shares = keptShares(sampled, reduce)
  const kept = Array<number>(updates).fill(0)
  points.forEach((point, k) => {
    kept[point] = shares[k] as number
  })
  return kept
}

function sumOfSquares(values: Float64Array): number {
  let sum = 0
  for (let j = 0; j < values.length; j++) sum += (values[j] as number) ** 2
  return sum
}

import { RANGE_UNITS } from '../../core/metrics/numeric.ts'
import type { DataEnds, Split } from '../../core/plan/data.ts'
import { randomOf } from '../../core/random/random.ts'

export type SplitRows = { readonly train: Uint32Array; readonly test: Uint32Array }

/** Equal parts of the range of a numeric label that stand for classes where rows are dealt by them. */
export const LABEL_PARTS = 10

/** The class of each row, from 0 on; of a numeric label the tenth of its range. */
export function classesOf(labels: Int32Array, { numeric }: Pick<DataEnds, 'numeric'>): Int32Array {
  if (numeric === undefined) return labels
  return labels.map((label) => Math.min(LABEL_PARTS - 1, Math.floor((label * LABEL_PARTS) / RANGE_UNITS)))
}

/**
 * Divides rows into training and held-out rows, each in the order of the file. Held out are ⌈share · rows⌉ rows; stratified,
 * each class gives its share of them, rounded by largest remainders (the first class before a later one).
 *
 * - `labels`: class of each row, from 0 on.
 */
export function splitRows(labels: Int32Array, { test, stratified, seed }: Split): SplitRows {
  const random = randomOf(seed, 'split')
  const strata = stratified ? rowsByClass(labels) : [Array.from(labels.keys())]
  const quotas = largestRemainders(
    strata.map((rows) => rows.length),
    Math.ceil(roundedProduct(test, labels.length)),
  )
  const held = new Set<number>()
  strata.forEach((rows, i) => {
    for (const row of random.shuffle(rows).slice(0, quotas[i])) held.add(row)
  })
  const all = Array.from(labels.keys())
  return {
    train: Uint32Array.from(all.filter((row) => !held.has(row))),
    test: Uint32Array.from(all.filter((row) => held.has(row))),
  }
}

/** 0.07 · 100 is 7.000000000000001 in binary; that is not a reason to hold out an eighth row. */
function roundedProduct(share: number, rows: number): number {
  return Number((share * rows).toPrecision(12))
}

function rowsByClass(labels: Int32Array): number[][] {
  const strata = new Map<number, number[]>()
  labels.forEach((label, row) => {
    const rows = strata.get(label)
    if (rows === undefined) strata.set(label, [row])
    else rows.push(row)
  })
  return [...strata.entries()].sort(([a], [b]) => a - b).map(([, rows]) => rows)
}

function largestRemainders(sizes: readonly number[], total: number): number[] {
  const all = sizes.reduce((sum, size) => sum + size, 0)
  if (all === 0) return sizes.map(() => 0)
  const exact = sizes.map((size) => (total * size) / all)
  const quotas = exact.map(Math.floor)
  const order = exact
    .map((value, i) => ({ i, remainder: value - Math.floor(value) }))
    .sort((a, b) => b.remainder - a.remainder || a.i - b.i)
  let rest = total - quotas.reduce((sum, quota) => sum + quota, 0)
  for (const { i } of order) {
    if (rest-- <= 0) break
    quotas[i] = (quotas[i] as number) + 1
  }
  return quotas
}

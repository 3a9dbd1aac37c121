import type { EvaluationCounts, LabelRange } from './counts.ts'

/** What counts of one kind look like: 1 unit is a binary label, k units are k classes. */
export type CountShape = {
  readonly units: number
  /** Bins of scores, or of errors of a numeric label. */
  readonly scoreBins: number
  /** The range of a numeric label; undefined for others. */
  readonly numeric?: LabelRange | undefined
}

/**
 * Counts as lanes, integers that are summed modulo 2³²: the lanes of a sum are the sums of the lanes. Numbers that can be far
 * larger than the rows are cut into limbs of `LIMB_BITS`, so that no sum over 16,384 clients wraps round.
 */
const LIMB_BITS = 18
const LIMBS = 3
const LIMB = 2 ** LIMB_BITS

type Field = { readonly name: string; readonly length: number; readonly wide?: true }

const binaryTotals = ['truePositives', 'falsePositives', 'trueNegatives', 'falseNegatives'] as const

const numericSums = ['overMicros', 'underMicros', 'squaredErrors', 'labelMicros', 'squaredLabels'] as const

function fieldsOf({ units, scoreBins, numeric }: CountShape): Field[] {
  const rows: Field = { name: 'rows', length: 1 }
  if (numeric !== undefined) {
    const sums = numericSums.map((name): Field => ({ name, length: 1, wide: true }))
    return [rows, ...sums, { name: 'errorBins', length: scoreBins }]
  }
  const loss: Field = { name: 'lossMicros', length: 1, wide: true }
  if (units > 1) return [rows, loss, { name: 'confusion', length: units * units }]
  return [
    rows,
    loss,
    ...binaryTotals.map((name) => ({ name, length: 1 })),
    { name: 'positiveScores', length: scoreBins },
    { name: 'negativeScores', length: scoreBins },
  ]
}

/** How many lanes counts of a shape take. */
export function countLanes(shape: CountShape): number {
  return fieldsOf(shape).reduce((sum, { length, wide }) => sum + length * (wide ? LIMBS : 1), 0)
}

/**
 * Writes counts of `shape` to the beginning of `lanes`. RangeError where a count is above `max`, the largest number of which as
 * many as there are clients add up to less than 2³².
 */
export function countsToLanes(counts: EvaluationCounts, shape: CountShape, max: number, lanes: Uint32Array): void {
  let at = 0
  const values = counts as unknown as Readonly<Record<string, number | readonly number[]>>
  for (const { name, length, wide } of fieldsOf(shape)) {
    const value = values[name]
    const list = typeof value === 'number' ? [value] : (value ?? [])
    if (list.length !== length) throw new RangeError(`${name} has ${list.length} numbers, not ${length}`)
    for (const one of list) {
      if (wide) {
        for (let limb = 0; limb < LIMBS; limb++) lanes[at++] = Math.floor(one / LIMB ** limb) % LIMB
      } else {
        if (!(one <= max)) throw new RangeError(`${name} of ${one} is above ${max}`)
        lanes[at++] = one
      }
    }
  }
}

/** The counts that lanes, or a sum of lanes, stand for. What they say is for `invalidCounts` to judge. */
export function countsFromLanes(lanes: Uint32Array, shape: CountShape): EvaluationCounts {
  let at = 0
  const next = () => lanes[at++] ?? 0
  const read = ({ length, wide }: Field): number[] =>
    Array.from({ length }, () => (wide ? next() + next() * LIMB + next() * LIMB ** 2 : next()))
  const found = new Map(fieldsOf(shape).map((field) => [field.name, read(field)]))
  const one = (name: string) => found.get(name)?.[0] ?? 0
  const list = (name: string) => found.get(name) ?? []
  const rows = one('rows')
  if (shape.numeric !== undefined) {
    return {
      task: 'regression',
      ...shape.numeric,
      rows,
      overMicros: one('overMicros'),
      underMicros: one('underMicros'),
      squaredErrors: one('squaredErrors'),
      labelMicros: one('labelMicros'),
      squaredLabels: one('squaredLabels'),
      errorBins: list('errorBins'),
    }
  }
  const lossMicros = one('lossMicros')
  if (shape.units > 1) return { task: 'classes', rows, lossMicros, confusion: list('confusion') }
  return {
    task: 'binary',
    rows,
    truePositives: one('truePositives'),
    falsePositives: one('falsePositives'),
    trueNegatives: one('trueNegatives'),
    falseNegatives: one('falseNegatives'),
    lossMicros,
    positiveScores: list('positiveScores'),
    negativeScores: list('negativeScores'),
  }
}

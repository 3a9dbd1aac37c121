import { invalidNumeric, isCount, isCounts, unknownKey } from './check-numeric.ts'
import { type EvaluationCounts, type LabelRange, LOSS_CAP, SCORE_BINS } from './counts.ts'

export type CountLimits = {
  /** Most rows that one client may report. */
  readonly rows: number
  /** Outputs of the plan's model: 1 for a binary or a numeric label, the number of classes else. */
  readonly units: number
  /** The range of a numeric label; absent for others. */
  readonly numeric?: LabelRange | undefined
  /** Score bins of a binary task, and error bins of a numeric label; by default those of all rows of a client. */
  readonly scoreBins?: number
}

/**
 * Why a value is not the counts of one client's held-out rows, or `undefined` when it is. Everything that can be checked
 * without the rows is: the form, whole numbers from 0 on, the row limit, and that the parts add up.
 */
export function invalidCounts(value: unknown, limits: CountLimits): string | undefined {
  if (typeof value !== 'object' || value === null) return 'the counts are not an object'
  const counts = value as Record<string, unknown>
  const task = taskOf(limits)
  if (counts.task !== task) return `the task of the plan is ${task}`
  if (!isCount(counts.rows)) return 'rows is not a whole number from 0 on'
  if (counts.rows > limits.rows) return `rows is above the limit of ${limits.rows}`
  const bins = limits.scoreBins ?? SCORE_BINS
  if (limits.numeric !== undefined) return invalidNumeric(counts, counts.rows, limits.numeric, bins)
  if (!isCount(counts.lossMicros)) return 'lossMicros is not a whole number from 0 on'
  if (counts.lossMicros > counts.rows * LOSS_CAP * 1e6) return `lossMicros is above ${LOSS_CAP} a row`
  return task === 'binary'
    ? invalidBinary(counts, counts.rows, bins)
    : invalidClasses(counts, counts.rows, limits.units)
}

function taskOf({ units, numeric }: CountLimits): EvaluationCounts['task'] {
  if (numeric !== undefined) return 'regression'
  return units === 1 ? 'binary' : 'classes'
}

const binaryFields = ['truePositives', 'falsePositives', 'trueNegatives', 'falseNegatives'] as const

function invalidBinary(counts: Record<string, unknown>, rows: number, bins: number): string | undefined {
  const unknown = unknownKey(counts, ['lossMicros', ...binaryFields, 'positiveScores', 'negativeScores'])
  if (unknown !== undefined) return unknown
  const [tp, fp, tn, fn] = binaryFields.map((field) => counts[field])
  if (!isCount(tp) || !isCount(fp) || !isCount(tn) || !isCount(fn)) {
    return `${binaryFields.find((field) => !isCount(counts[field]))} is not a whole number from 0 on`
  }
  if (tp + fp + tn + fn !== rows) return 'the four outcomes do not add up to rows'
  const positive = tail(counts.positiveScores, bins)
  const negative = tail(counts.negativeScores, bins)
  if (positive === undefined || negative === undefined) return `a score list is not ${bins} whole numbers from 0 on`
  if (positive.all !== tp + fn) return 'positiveScores does not add up to the positive rows'
  if (negative.all !== fp + tn) return 'negativeScores does not add up to the negative rows'
  if (positive.upper !== tp || negative.upper !== fp) return 'the scores from 0.5 on are not the rows called positive'
  return undefined
}

function invalidClasses(counts: Record<string, unknown>, rows: number, classes: number): string | undefined {
  const unknown = unknownKey(counts, ['lossMicros', 'confusion'])
  if (unknown !== undefined) return unknown
  const { confusion } = counts
  if (!isCounts(confusion, classes * classes)) return `confusion is not ${classes} × ${classes} whole numbers from 0 on`
  return confusion.reduce((sum, cell) => sum + cell, 0) === rows ? undefined : 'confusion does not add up to rows'
}

function tail(scores: unknown, bins: number): { all: number; upper: number } | undefined {
  if (!isCounts(scores, bins)) return undefined
  const sum = (list: readonly number[]) => list.reduce((total, bin) => total + bin, 0)
  return { all: sum(scores), upper: sum(scores.slice(bins / 2)) }
}

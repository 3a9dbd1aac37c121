import type { BinaryCounts, ClassCounts, EvaluationCounts, NumericCounts } from './counts.ts'

/** A plain share of rows: `part` of `whole`. */
export type Share = { readonly part: number; readonly whole: number }

/** Bounds of one-sided intervals: each side by itself covers the true value with the confidence that was asked for. */
export type Interval = { readonly low: number; readonly high: number }

/** What is computed from counts: one file of `measures/`, and a line of `registry.ts`. */
export type Metric = {
  /** Which way a model becomes better. */
  readonly better: 'higher' | 'lower'
  /** The least and the largest value that it can have. */
  readonly range: readonly [least: number, largest: number]
  /** The value; null where it is not defined for these counts, or for their kind of task. */
  readonly value: (counts: EvaluationCounts) => number | null
  /** The rows that the value is a plain share of; undefined where it is none. */
  readonly share?: (counts: EvaluationCounts) => Share | undefined
  /**
   * Where a one-sided interval comes from, unless the value is a plain share (then it is Wilson's):
   * - `rows`: the jackknife over all rows, drawn together;
   * - `classes`: the jackknife over the rows of each true class, whose numbers are given;
   * - a function of its own, with α the error of one side;
   * - `none`: counts do not hold what would be needed.
   */
  readonly spread: 'rows' | 'classes' | 'none' | ((counts: EvaluationCounts, alpha: number) => Interval | undefined)
}

/** A part of a whole; null where there is no whole. */
export function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole
}

/** The value of a metric of binary tasks only. */
export function binaryOnly(value: (counts: BinaryCounts) => number | null): Metric['value'] {
  return (counts) => (counts.task === 'binary' ? value(counts) : null)
}

/** The value of a metric of numeric labels only; null without rows. */
export function numericOnly(value: (counts: NumericCounts) => number | null): Metric['value'] {
  return (counts) => (counts.task === 'regression' && counts.rows > 0 ? value(counts) : null)
}

/** Bounds of a metric of numeric labels. */
export function numericSpread(
  spread: (counts: NumericCounts, alpha: number) => Interval | undefined,
): Extract<Metric['spread'], (...given: never[]) => unknown> {
  return (counts, alpha) => (counts.task === 'regression' ? spread(counts, alpha) : undefined)
}

/** Bounds of what is `scale` times another figure. */
export function scaled(interval: Interval | undefined, scale: number): Interval | undefined {
  return interval === undefined ? undefined : { low: interval.low * scale, high: interval.high * scale }
}

/** A value that is a plain share in binary tasks, and something else in others. */
export function sharedValue(
  binary: (counts: BinaryCounts) => Share,
  classes: (counts: ClassCounts) => number | null,
): Pick<Metric, 'value' | 'share'> {
  return {
    value: (counts) => {
      if (counts.task === 'classes') return classes(counts)
      if (counts.task === 'regression') return null
      const { part, whole } = binary(counts)
      return ratio(part, whole)
    },
    share: (counts) => (counts.task === 'binary' ? binary(counts) : undefined),
  }
}

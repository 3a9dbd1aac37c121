/**
 * What a client says of its held-out rows: sums only, so that clients' counts add up to the pooled counts, and no row or
 * score leaves the client. All numbers are non-negative integers.
 */
export type BinaryCounts = {
  readonly task: 'binary'
  readonly rows: number
  readonly truePositives: number
  readonly falsePositives: number
  readonly trueNegatives: number
  readonly falseNegatives: number
  /** Sum of the log losses in millionths (natural logarithm), each row's capped at 100. */
  readonly lossMicros: number
  /**
   * Rows per score bin, for rows of the positive and of the negative class: equal bins over [0, 1], `SCORE_BINS` of them for all
   * rows of a client, `GROUP_BINS` for a group.
   */
  readonly positiveScores: readonly number[]
  readonly negativeScores: readonly number[]
}

export type ClassCounts = {
  readonly task: 'classes'
  readonly rows: number
  readonly lossMicros: number
  /** Row-major k × k: rows of true class i (row) that were given class j (column). */
  readonly confusion: readonly number[]
}

export type EvaluationCounts = BinaryCounts | ClassCounts

export const SCORE_BINS = 1024

/** Coarser for groups, so that an evaluation with many of them fits into a frame, and says less of single rows. */
export const GROUP_BINS = 256

/** Largest log loss of one row, in nats. */
export const LOSS_CAP = 100

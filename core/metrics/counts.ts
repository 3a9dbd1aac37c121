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

/**
 * Of a numeric label. Labels and predictions are shares of the label's declared range, (y − min) / (max − min), and a prediction
 * outside of it counts as its end: so that no row weighs more than the range lets it. An error is prediction − label.
 */
export type NumericCounts = {
  readonly task: 'regression'
  /** The declared range, a constant of the plan as `task` is: not summed. */
  readonly min: number
  readonly max: number
  readonly rows: number
  /** Sums of the errors above and, without their sign, below 0, in millionths of the range. */
  readonly overMicros: number
  readonly underMicros: number
  /** Sum of the squared errors in units of 10⁻⁸ of the squared range, each row's rounded. */
  readonly squaredErrors: number
  /** Sums of the labels and of their squares, in the same units. */
  readonly labelMicros: number
  readonly squaredLabels: number
  /** Rows per size of the error: `SCORE_BINS` or, for a group, `GROUP_BINS` bins that are equal in its square root. */
  readonly errorBins: readonly number[]
}

export type EvaluationCounts = BinaryCounts | ClassCounts | NumericCounts

/** The declared range of a numeric label. */
export type LabelRange = { readonly min: number; readonly max: number }

export const SCORE_BINS = 1024

/** Coarser for groups, so that an evaluation with many of them fits into a frame, and says less of single rows. */
export const GROUP_BINS = 256

/** Largest log loss of one row, in nats. */
export const LOSS_CAP = 100

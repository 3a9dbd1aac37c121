/** What a sweep came to: one row for each combination that was tried. */
export type SweepTable = {
  readonly description?: string
  /** What the score is: `accuracy`, `loss`, `attack success`, … */
  readonly metric: string
  /** Which end of the score is the good one; by default the lower one of a loss, and otherwise the higher. */
  readonly better?: 'higher' | 'lower'
  /** The fields that were varied, and the values in the order to show them in. */
  readonly axes: readonly SweepAxis[]
  readonly rows: readonly SweepRow[]
}

export type SweepAxis = { readonly name: string; readonly values: readonly string[] }

export type SweepRow = {
  /** The value of each axis by its name. */
  readonly values: Readonly<Record<string, string>>
  /** Mean over the seeds; null where there is none: it failed, or was not run yet. */
  readonly score: number | null
  /** Standard deviation over the seeds, or half a confidence interval: what stands behind a ±. */
  readonly spread?: number
  readonly seeds: number
  /** Digest of the weights, of the first seed. */
  readonly weights?: string
  readonly seconds?: number
  /** Why there is no score. */
  readonly failure?: string
  /** Where the score is the worst of several cases: the case. */
  readonly worst?: string
  /** Why only some of its simulations have a score. */
  readonly incomplete?: string
}

/** What in a client's update was out of the ordinary in one round. */
export type RobustnessMark =
  /** Its norm is more than three times the median norm. */
  | 'norm'
  /** It points away from the result: its cosine to the aggregate is below 0. */
  | 'direction'
  /** It is more than three times as far from the aggregate as the median update. */
  | 'distance'
  /** The rule, or a stage before it, gave it no part in the result. */
  | 'left-out'

/** What became of one client's update in a round. */
export type ClientRobustness = {
  readonly client: string
  /** Its coefficient in the aggregate; null where the rule works coordinate by coordinate. */
  readonly weight: number | null
  /** Of some sampled coordinates the share in which its value had a part; null where the rule weighs whole updates. */
  readonly kept: number | null
  readonly norm: number
  /** Euclidean distance to the aggregate. */
  readonly distance: number
  /** Cosine of the angle to the aggregate, from −1 to 1; 0 where one of them is zero. */
  readonly cosine: number
  /** By what the stages before the rule multiplied it: below 1 it was clipped; null where they mixed it with others. */
  readonly scale: number | null
  /** Why it has no part in the result. */
  readonly leftOut?: string
  readonly marks: readonly RobustnessMark[]
}

/** How the updates of one round were combined, and what each client had to do with it. */
export type RobustnessReport = {
  /** The stages and the rule by their names: `nnm, trimmed-mean`. */
  readonly rule: string
  /** Attackers that the plan assumes, where it says so. */
  readonly attackers: number | null
  /** Norm of the aggregate. */
  readonly norm: number
  /** In the order of client ids. */
  readonly clients: readonly ClientRobustness[]
}

/** A client that was marked so often that a person should look at it. */
export type Suspect = {
  readonly client: string
  /** Rounds in which it was marked for its norm, direction or distance, of the last ones that it took part in. */
  readonly marked: number
  readonly of: number
  readonly marks: readonly RobustnessMark[]
}

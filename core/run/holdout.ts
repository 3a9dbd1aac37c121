import type { EvaluationCounts } from '../metrics/counts.ts'
import type { GroupedCounts } from '../metrics/groups.ts'
import type { Cell } from '../plan/data.ts'
import type { Plan } from '../plan/plan.ts'

/** Rows that the coordinator holds: the SHA-256 of their file, lower-case hex, and how many of them can be used. */
export type HeldRows = {
  /** Of a pair of IDX files: the SHA-256 of their two digests, 64 bytes, images first. */
  readonly sha256: string
  readonly rows: number
}

/** What is known of a coordinator's rows before a model is evaluated on them. */
export type HoldoutFacts = HeldRows & {
  /** Definitions of `evaluation.groups` whose column the rows do not have. */
  readonly lacking: GroupedCounts['lacking']
}

/** Flat vectors without control variates, in the order of the layout that versions have. */
export type HoldoutModels = {
  readonly candidate: Float32Array
  /** The version in use, where something is compared with it. */
  readonly champion?: Float32Array
}

/** What an evaluation on the coordinator's rows counted: sums over rows, as those of clients. */
export type HoldoutCounts = HeldRows & {
  /** The candidate, then the version in use where there is one. */
  readonly models: readonly GroupedCounts[]
  /** The candidate on disturbed inputs, for each strength of noise that a gate of the plan asks for. */
  readonly perturbed: readonly { readonly noise: number; readonly counts: EvaluationCounts }[]
  /** Rows whose predicted class is another one than that of the version in use. */
  readonly changed?: number
  /** The candidate on rows that bear a trigger, with their true classes; where a gate asks for them. */
  readonly trigger?: HeldRows & { readonly counts: EvaluationCounts }
}

/** A coordinator's own rows, and an engine to evaluate models on them: a port, since only clients carry engines. */
export type Holdout = {
  /** Whether there are rows with a trigger. */
  readonly hasTrigger: boolean
  /**
   * Reads the rows by the plan's data section. Fails with `data.not-found`, `data.malformed`, `data.schema` or
   * `data.too-few-rows`, also those of the trigger where the plan has a probe for it.
   */
  readonly facts: (plan: Plan) => Promise<HoldoutFacts>
  /** The same plan, round, weights and rows give the same counts. Fails as `facts`, and as an evaluation does. */
  readonly evaluate: (plan: Plan, round: number, models: HoldoutModels) => Promise<HoldoutCounts>
}

/** What stands in the journal of a round that was evaluated on the coordinator's rows. */
export type HoldoutLook = HeldRows & {
  /** How often candidates of this model were evaluated on these rows, in all runs, this time included. */
  readonly looks: number
  /** The version that the second of `models` is. */
  readonly champion?: { readonly version: number }
  readonly models: readonly GroupedCounts[]
  readonly perturbed: HoldoutCounts['perturbed']
  readonly changed?: number
  /** Rows with a trigger, and for each target how many rows of other classes there are, and how many were given the target. */
  readonly trigger?: HeldRows & {
    readonly steered: readonly { readonly target: Cell; readonly others: number; readonly given: number }[]
  }
}

/** Why a round was not evaluated on the coordinator's rows, although its plan asks for it. */
export type HoldoutFailure = Partial<HeldRows> & { readonly failure: string; readonly looks?: number }

export type HoldoutResult = HoldoutLook | HoldoutFailure

/** So often, in words. */
export function inTimes(looks: number): string {
  return looks === 1 ? 'once' : `${looks} times`
}

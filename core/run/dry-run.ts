import type { ErrorCode } from '../errors/index.ts'
import type { RecordExample } from '../plan/record-examples.ts'
import type { StartedFrom } from './started-from.ts'
import type { PrivacyView } from './view.ts'

/** A client that could be asked. What its own policy says is known only when it is. */
export type DryRunClient = {
  readonly client: string
  readonly connected: boolean
  /** Why it must not take part now. */
  readonly refusal?: ErrorCode
}

/** What would become of a plan if it were started now; nothing of it is kept. */
export type DryRun = {
  readonly model: string
  /** SHA-256 of the canonical text, and the text: the plan with all values that it does not have itself. */
  readonly plan: string
  readonly canonical: string
  readonly start?: StartedFrom
  readonly parameters: number
  readonly rounds: number
  readonly clients: readonly DryRunClient[]
  readonly cohort: {
    /** Clients that a round asks at most. */
    readonly size: number
    /** Connected clients that it needs to open at once, and after `waitMs`. */
    readonly atOnce: number
    readonly later: number
    readonly waitMs: number
    /** Connected clients that may take part now. */
    readonly ready: number
  }
  /** Of one client in one round: the model, again where it is evaluated, and its update, without what messages and seals add. */
  readonly bytes: { readonly down: number; readonly evaluation: number; readonly up: number }
  /** After all rounds that are opened at most; absent where no noise is added. */
  readonly privacy?: PrivacyView
  /** What all rounds cost single rows, of clients with some numbers of them, by moments; absent where the plan hides none. */
  readonly records?: { readonly delta: number; readonly budget?: number; readonly examples: readonly RecordExample[] }
}

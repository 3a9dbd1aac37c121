import type { Plan } from '../../core/plan/plan.ts'
import type { RoundConfiguration } from '../../core/run/round-configuration.ts'
import type { EngineName } from '../training/engine-names.ts'

/** What of a task's signed configuration a policy looks at. */
export type TaskFacts = Pick<RoundConfiguration, 'kind' | 'run' | 'round' | 'rounds' | 'parameters' | 'cohort'> & {
  /** Largest norm of an update in this round, where the plan clips. */
  readonly clip?: number | undefined
}

/** What a coordinator asks of a client. */
export type Asked = {
  readonly plan: Plan
  /** SHA-256 of the plan's canonical text, lower-case hex. */
  readonly digest: string
  /** The coordinator's Ed25519 key, lower-case hex. */
  readonly coordinator: string
  readonly task: TaskFacts
}

/** What was really loaded for a task. */
export type Loaded = {
  readonly engine: string
  /** Undefined where the trainer does not say. */
  readonly rows: { readonly train: number; readonly heldOut: number } | undefined
}

/** What people at the site have decided about a plan, as it stands now. */
export type Standing =
  | { readonly kind: 'refused'; readonly reason: string }
  /** For a data set by itself, or in the study that asks for a review. */
  | { readonly kind: 'approved'; readonly data?: string | undefined; readonly study?: string | undefined }
  | { readonly kind: 'waiting'; readonly approved: number; readonly of: number }

export type Facts = {
  /** Before anything is loaded, once it is, or before an answer is sent. Hours and rounds are looked at in the first alone. */
  readonly moment: 'begin' | 'loaded' | 'leave'
  /** Milliseconds since the epoch. */
  readonly now: number
  /** What this client has done today: other rounds that it began to train, and bytes of answers that it sent. */
  readonly today: { readonly rounds: number; readonly bytes: number }
  /** The data set that is in use, once one is: then only what allows that one counts. */
  readonly data?: string | undefined
  /** Bytes of this task's answer: what is to be expected at first, then what it has. */
  readonly leaving: number
  /** At the moment `loaded`. */
  readonly loaded?: Loaded
  readonly standing?: Standing | undefined
}

export type Verdict =
  /** `study` is absent where a person allowed this plan by itself. */
  | {
      readonly kind: 'allow'
      readonly data: string
      readonly study?: string
      /** The engines that the study allows; absent: any. */
      readonly engines?: readonly EngineName[]
    }
  /** A person must look at it. `study` asks for that; absent where no study covers the plan. */
  | { readonly kind: 'hold'; readonly why: string; readonly study?: string }
  | { readonly kind: 'refuse'; readonly why: string }

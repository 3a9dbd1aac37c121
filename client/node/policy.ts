import { ParleyError } from '../../core/errors/index.ts'
import type { Plan } from '../../core/plan/plan.ts'
import type { Budget } from '../../core/privacy/index.ts'
import type { RoundConfiguration } from '../../core/run/round-configuration.ts'
import type { DataFiles } from '../data/load.ts'
import type { EngineName } from '../training/engine-names.ts'
import type { Trainer } from '../training/ports.ts'

/** A task of the pinned coordinator, with the plan that it names by digest. */
export type PolicyRequest = {
  /** The coordinator's Ed25519 key. */
  readonly coordinator: Uint8Array
  readonly task: RoundConfiguration
  readonly plan: Plan
  /** The plan as it came, whose SHA-256 is `task.plan.digest`. */
  readonly text: string
}

/** How far a task is allowed. */
export type Admission = {
  /** The data to train on, where the policy says so. */
  readonly data?: DataFiles
  /** What the client may spend of its privacy in its life. */
  readonly budget?: Budget
  /** What each of its rows may cost over that life, in plans that hide rows. */
  readonly recordBudget?: Budget
  /** The engines that may train; absent: any. */
  readonly engines?: readonly EngineName[]
  readonly resources?: { readonly cpuShare?: number; readonly memoryBytes?: number }
  /** To be awaited once data and engine are loaded, and before anything is made of them. Rejects as `admit`. */
  loaded(trainer: Pick<Trainer, 'engine' | 'rows'>): Promise<void>
  /** To be awaited before an answer of so many bytes is sent; by then it is counted. Rejects as `admit`. */
  leave(bytes: number): Promise<void>
}

/** What an institution allows its client to do, asked at each task before anything is loaded. */
export interface TaskPolicy {
  /** Rejects with `node.plan-refused`, or `node.plan-held` where a person must look. The coordinator is told the message. */
  admit(request: PolicyRequest): Promise<Admission>
  /** Whether a task that was held would still be; nothing is counted, and nothing kept. Without it, held tasks are not looked at again. */
  holds?(request: PolicyRequest): Promise<boolean>
}

/** Without a policy nothing is allowed. */
export const denyAll: TaskPolicy = {
  admit: async () => {
    throw new ParleyError('node.plan-refused', 'this client has no policy, and so allows nothing')
  },
}

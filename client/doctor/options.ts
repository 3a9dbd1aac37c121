import type { Clock } from '../../core/clock.ts'
import type { Crypto, SigningKey } from '../../core/crypto/primitives.ts'
import type { Plan } from '../../core/plan/plan.ts'
import type { Limits } from '../../core/wire/limits.ts'
import type { DialOptions } from '../carriers/options.ts'
import type { DataFiles } from '../data/load.ts'
import type { EngineName } from '../training/engine-names.ts'

export type DoctorOptions = {
  readonly crypto: Crypto
  readonly clock: Clock
  readonly limits: Limits
  /** Addresses of the coordinator's carriers, as `startClient` takes them. */
  readonly urls: readonly string[]
  readonly dial: Omit<DialOptions, 'limits'>
  readonly identity: SigningKey
  /** The coordinator's key that is pinned. */
  readonly coordinatorKey: Uint8Array
  /** The authority that has certified the coordinator, PEM, where that is known. */
  readonly authority?: string
  /** When the client's certificate began and ends, ms since the epoch; undefined where it is listed by hand. */
  readonly certificate?: { readonly from: number; readonly until: number }
  /** Undefined where the client is to run without one. */
  readonly policy?: { readonly path: string; readonly keyPath: string }
  /** What the client has spent of its privacy; throws where its ledger cannot be read. */
  readonly spent: () => Promise<{ readonly rounds: number; readonly epsilon: number }>
  /** Whether a client of this folder is running now. */
  readonly running: () => Promise<boolean>
  /** The folder of the client. */
  readonly home: string
  /** Free bytes: of the disk that a folder is on, and of memory. By default what the system says. */
  readonly free?: { readonly disk: (folder: string) => Promise<number>; readonly memory: () => number }
  /** The data that it is started with; else that of its policy. */
  readonly data?: DataFiles
  /** With it the data is read by its schema, and the machine measured against its model. */
  readonly plan?: Plan
  readonly engine?: EngineName
}

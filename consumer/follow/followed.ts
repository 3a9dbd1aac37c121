import type { EventListener } from '../events.ts'
import type { Reporting } from '../report/reporting.ts'
import type { OpenVersion } from '../version/open-version.ts'

/** A model that is followed: `open` gives it. */
export interface Followed {
  /**
   * The version in use. Who takes it keeps it: it never changes, and holds no file of another. Throws `version.withdrawn`
   * when it was withdrawn and there is none to fall back to, and `verify.failed` with `whenStale: 'refuse'` when its record
   * has expired.
   */
  readonly current: OpenVersion
  /** Each version that comes into use from now on; slow readers get the newest. Ends with `close`. */
  readonly changes: AsyncIterable<OpenVersion>
  /** Takes what the application counts of answers, and reports it; without `report` it does nothing. */
  readonly outcomes: Reporting
  /** Returns the function that ends it. */
  onEvent(listener: EventListener): () => void
  /**
   * Asks the registry now, and resolves with the version that is in use then. Rejects when the registry cannot be asked or its
   * answer is refused; what was in use stays in use.
   */
  refresh(): Promise<OpenVersion>
  /** Sends what was counted, for 5 seconds at most, and ends all requests and timers. `current` stays what it was. */
  close(): Promise<void>
}

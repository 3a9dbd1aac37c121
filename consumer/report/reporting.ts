import type { OpenVersion } from '../version/open-version.ts'
import type { Answered, Truth } from './counts.ts'

/**
 * What an application tells of the answers of a version while a rollout compares it. `version` is the one that answered, whatever
 * is in use by now. Of versions that are in no rollout nothing is counted; none of these calls waits or throws, but for `send`.
 */
export interface Reporting {
  /** A request was answered, or failed. */
  answered(version: OpenVersion, how?: Answered): void
  /** The truth of an answer has become known, now or later. */
  truth(version: OpenVersion, truth: Truth): void
  /** Somebody has said whether an answer was any good. */
  opinion(version: OpenVersion, good: boolean): void
  /** Reports now what was counted. Rejects when the registry does not take it; it is tried again by itself. */
  send(): Promise<void>
}

/** Of an application that does not report. */
export const silent: Reporting = { answered() {}, truth() {}, opinion() {}, async send() {} }

import type { ErrorCode } from '../core/errors/index.ts'
import type { Why } from './version/open-version.ts'

/** What happens to a followed model, for logs and for the people who watch. */
export type ConsumerEvent =
  /** A record of the alias was believed, and means this version for this consumer. */
  | {
      readonly type: 'following'
      readonly sequence: number
      readonly number: number
      readonly root: string
      readonly why: Why
      /** Records before it that were never seen. */
      readonly missed: number
    }
  /** Files of a version are not in the cache; `bytes` are to be downloaded. */
  | { readonly type: 'downloading'; readonly number: number; readonly bytes: number }
  /** `current` is another version from now on. */
  | { readonly type: 'switched'; readonly from: number | undefined; readonly to: number; readonly why: Why }
  /** Something that the registry or the cache gave is not used; what was in use stays in use. */
  | { readonly type: 'refused'; readonly code: ErrorCode; readonly reason: string }
  /** The record of the alias expired at this time, in milliseconds since the epoch, and there is none newer. */
  | { readonly type: 'stale'; readonly since: number }
  /** The registry does not answer. */
  | { readonly type: 'offline'; readonly code: ErrorCode; readonly reason: string }
  /** The registry has taken a report. */
  | {
      readonly type: 'reported'
      readonly rollout: string
      readonly sequence: number
      readonly number: number
      readonly requests: number
    }
  /** A report was not taken; it is kept and sent again. The same reason again is told once. */
  | { readonly type: 'unsent'; readonly code: ErrorCode; readonly reason: string }
  /** What was counted of so many requests is not reported: its rollout is over, or the registry refuses it for good. */
  | {
      readonly type: 'dropped'
      readonly rollout: string
      readonly requests: number
      readonly code: ErrorCode
      readonly reason: string
    }
  /** The registry answers again, or the record is fresh again. */
  | { readonly type: 'back' }

export type EventListener = (event: ConsumerEvent) => void

/** Tells every listener. What a listener throws is its own affair: following goes on. */
export class Listeners {
  readonly #listeners = new Set<EventListener>()

  /** Returns the function that ends it. */
  add(listener: EventListener): () => void {
    // A function of its own, so that one listener may be added twice.
    const own: EventListener = (event) => listener(event)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  tell(event: ConsumerEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event)
      } catch {
        // See above.
      }
    }
  }
}

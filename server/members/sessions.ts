import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { MemberStore, SessionRecord } from '../store/member-ports.ts'
import { HOUR_MS, MINUTE_MS, timeText } from './times.ts'

/** A session ends so long after its last request, and so long after its beginning whatever happens. */
export const SESSION_IDLE_MS = 30 * MINUTE_MS
export const SESSION_MOST_MS = 12 * HOUR_MS
/** The time of the last request is written down at most so often. */
const TOUCH_MS = MINUTE_MS

/** Browsers that are logged in. What a cookie holds is 256 random bits, of which the store has the hash. */
export class Sessions {
  readonly #store: MemberStore
  readonly #clock: Pick<Clock, 'now'>

  constructor(store: MemberStore, clock: Pick<Clock, 'now'>) {
    this.#store = store
    this.#clock = clock
  }

  /** Makes a session; returns what the cookie is to hold. Sessions that have ended leave the store. */
  async begin(member: string): Promise<{ readonly value: string; readonly session: SessionRecord }> {
    const now = this.#clock.now()
    await this.#store.pruneSessions({
      lastSeenAt: timeText(now - SESSION_IDLE_MS),
      createdAt: timeText(now - SESSION_MOST_MS),
    })
    const value = randomBytes(32).toString('base64url')
    const at = timeText(now)
    const session = { hash: hashOf(value), member, createdAt: at, lastSeenAt: at }
    await this.#store.saveSession(session)
    return { value, session }
  }

  /** The session of a cookie's value, if it goes on. */
  async find(value: string): Promise<SessionRecord | undefined> {
    if (!/^[A-Za-z0-9_-]{43}$/.test(value)) return undefined
    const session = await this.#store.session(hashOf(value))
    if (session === undefined) return undefined
    const now = this.#clock.now()
    const idle = now - Date.parse(session.lastSeenAt)
    if (idle >= SESSION_IDLE_MS || now - Date.parse(session.createdAt) >= SESSION_MOST_MS) {
      await this.#store.removeSession(session.hash)
      return undefined
    }
    if (idle >= TOUCH_MS) await this.#store.touchSession(session.hash, timeText(now))
    return session
  }

  end(hash: string): Promise<void> {
    return this.#store.removeSession(hash)
  }

  endValue(value: string): Promise<void> {
    return this.#store.removeSession(hashOf(value))
  }

  endAll(member: string): Promise<void> {
    return this.#store.removeSessions(member)
  }
}

function hashOf(value: string): string {
  return createHash('sha256').update(value).digest('hex')
}

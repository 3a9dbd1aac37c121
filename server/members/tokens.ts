import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { MemberStore, TokenRecord } from '../store/member-ports.ts'
import type { MemberCaller } from './caller.ts'
import { scopes as allScopes, type Permission } from './permissions.ts'
import { DAY_MS, MINUTE_MS, timeText } from './times.ts'

export const TOKEN_MOST_MS = 366 * DAY_MS
/** Tokens of one member that are neither over nor revoked. */
export const LIVE_TOKENS = 50
/** The time of the last use is written down at most so often. */
const TOUCH_MS = MINUTE_MS

export type TokenRequest = {
  readonly label: string
  readonly scopes: readonly Permission[]
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** A token without what proves it. */
export type TokenView = Omit<TokenRecord, 'hash'>

/** Keys of programs: `parley_ID_SECRET`, 256 secret bits, of which the store has the hash. */
export class Tokens {
  readonly #store: MemberStore
  readonly #clock: Pick<Clock, 'now'>

  constructor(store: MemberStore, clock: Pick<Clock, 'now'>) {
    this.#store = store
    this.#clock = clock
  }

  /**
   * Makes a token, which is shown this once. Throws `auth.forbidden` for scopes that the member has not now,
   * `request.invalid` for a time that is not within a year, `run.conflict` where there are too many.
   */
  async create(
    caller: MemberCaller,
    { label, scopes, expiresAt }: TokenRequest,
  ): Promise<{ readonly token: string; readonly view: TokenView }> {
    const now = this.#clock.now()
    const beyond = scopes.filter((scope) => !caller.permissions.has(scope) || !allScopes.includes(scope))
    if (beyond.length > 0) throw new ParleyError('auth.forbidden', `not yours to give: ${beyond.join(', ')}`)
    if (expiresAt <= now || expiresAt > now + TOKEN_MOST_MS) {
      throw new ParleyError('request.invalid', 'a token ends within a year from now')
    }
    const live = (await this.#store.tokens(caller.id)).filter((token) => this.#isLive(token))
    if (live.length >= LIVE_TOKENS) throw new ParleyError('run.conflict', `you have ${LIVE_TOKENS} tokens: revoke some`)
    const id = randomBytes(8).toString('hex')
    const secret = randomBytes(32).toString('hex')
    const record: TokenRecord = {
      id,
      member: caller.id,
      label,
      hash: hashOf(secret),
      scopes: [...new Set(scopes)],
      createdAt: timeText(now),
      expiresAt: timeText(expiresAt),
    }
    await this.#store.addToken(record)
    return { token: `parley_${id}_${secret}`, view: viewOf(record) }
  }

  /** The record of a token that holds. */
  async find(text: string): Promise<TokenRecord | undefined> {
    const [, id, secret] = /^parley_([0-9a-f]{16})_([0-9a-f]{64})$/.exec(text) ?? []
    if (id === undefined || secret === undefined) return undefined
    const token = await this.#store.token(id)
    if (token === undefined || !timingSafeEqual(Buffer.from(hashOf(secret)), Buffer.from(token.hash))) return undefined
    if (!this.#isLive(token)) return undefined
    return token
  }

  /** Writes down that it was used. */
  async used(token: TokenRecord): Promise<void> {
    const now = this.#clock.now()
    if (token.lastUsedAt === undefined || now - Date.parse(token.lastUsedAt) >= TOUCH_MS) {
      await this.#store.changeToken(token.id, (one) => ({ ...one, lastUsedAt: timeText(now) }))
    }
  }

  /** Of one member, oldest first. */
  async list(member: string): Promise<readonly TokenView[]> {
    return (await this.#store.tokens(member)).map(viewOf)
  }

  /** Ends a token of the member; one that was revoked stays as it is. Throws `object.not-found`. */
  async revoke(member: string, id: string): Promise<TokenView> {
    const at = timeText(this.#clock.now())
    const absent = new ParleyError('object.not-found', 'there is no such token')
    if ((await this.#store.token(id))?.member !== member) throw absent
    return viewOf(await this.#store.changeToken(id, (token) => ({ ...token, revokedAt: token.revokedAt ?? at })))
  }

  #isLive({ expiresAt, revokedAt }: TokenRecord): boolean {
    return revokedAt === undefined && Date.parse(expiresAt) > this.#clock.now()
  }
}

function viewOf({ hash: _, ...rest }: TokenRecord): TokenView {
  return rest
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

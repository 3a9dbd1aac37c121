import type { AuditAction } from '../../core/audit/actions.ts'
import type { Clock } from '../../core/clock.ts'
import type { MemberStore } from '../store/member-ports.ts'
import { Account } from './account.ts'
import { type Act, actorOf, type OnAct } from './acts.ts'
import type { KnownCaller, MemberCaller } from './caller.ts'
import type { MembersContext } from './context.ts'
import { Directory } from './directory.ts'
import { FourEyes, type FourEyesAct, usualFourEyes } from './four-eyes.ts'
import { type Credentials, type LoggedIn, logIn, sessionCaller } from './login.ts'
import { type PasswordCost, Passwords } from './passwords.ts'
import { scopes } from './permissions.ts'
import { rightsOf, type SecondFactorRule } from './rights.ts'
import { SecondFactors } from './second-factor.ts'
import { Sessions } from './sessions.ts'
import { Throttle } from './throttle.ts'
import { type TokenRequest, Tokens, type TokenView } from './tokens.ts'

export type PeopleOptions = {
  /** Acts that take two people; by default those that usually do. */
  readonly fourEyes?: readonly FourEyesAct[]
  /** Whose second factor is required; by default of all who may change something. */
  readonly secondFactor?: SecondFactorRule
  /** Of new hashes of passwords. */
  readonly passwordCost?: PasswordCost
}

export type PeopleDeps = PeopleOptions & {
  readonly store: MemberStore
  readonly clock: Clock
  /** 32 bytes: second factors lie in the store under it. */
  readonly sealingSecret: Uint8Array
  readonly onAct: OnAct
}

/** Members of a coordinator: who they are, how they prove it, what they may, and what takes two of them. */
export class People {
  readonly directory: Directory
  readonly account: Account
  readonly fourEyes: FourEyes
  readonly #context: MembersContext
  readonly #tokens: Tokens

  constructor({ store, clock, sealingSecret, onAct, fourEyes, secondFactor, passwordCost }: PeopleDeps) {
    this.#context = {
      store,
      clock,
      passwords: new Passwords(passwordCost),
      secondFactors: new SecondFactors(sealingSecret),
      sessions: new Sessions(store, clock),
      throttle: new Throttle(() => clock.monotonic()),
      rule: secondFactor ?? 'changing-roles',
      onAct,
    }
    this.#tokens = new Tokens(store, clock)
    this.directory = new Directory(this.#context)
    this.account = new Account(this.#context)
    this.fourEyes = new FourEyes(this.#context, fourEyes ?? usualFourEyes)
  }

  /** Throws `auth.failed` and `auth.too-often`. A session that the browser had ends. */
  async logIn(given: Credentials, address: string, before: string | undefined): Promise<LoggedIn> {
    const logged = await logIn(this.#context, given, address)
    if (before !== undefined) await this.#context.sessions.endValue(before)
    return logged
  }

  /** Who the session of a cookie's value belongs to; undefined where it has ended or its member is nobody any more. */
  async ofSession(value: string): Promise<MemberCaller | undefined> {
    const session = await this.#context.sessions.find(value)
    const member = session === undefined ? undefined : await this.#context.store.member(session.member)
    if (session === undefined || member === undefined || member.disabled) return undefined
    return sessionCaller(this.#context, member, session.hash)
  }

  /** Who a token belongs to, with what both its scopes and its member's roles allow now. */
  async ofToken(text: string): Promise<MemberCaller | undefined> {
    const token = await this.#tokens.find(text)
    const member = token === undefined ? undefined : await this.#context.store.member(token.member)
    if (token === undefined || member === undefined || member.disabled) return undefined
    await this.#tokens.used(token)
    const { permissions: own, complete } = rightsOf(member, this.#context.clock.now(), this.#context.rule)
    const permissions = [...own].filter(
      (one) => one === 'self.read' || (complete && scopes.includes(one) && token.scopes.includes(one)),
    )
    return {
      kind: 'member',
      id: member.id,
      name: member.name,
      permissions: new Set(permissions),
      via: { kind: 'token', id: token.id },
    }
  }

  async createToken(
    caller: MemberCaller,
    request: TokenRequest,
  ): Promise<{ readonly token: string; readonly view: TokenView }> {
    const made = await this.#tokens.create(caller, request)
    const { id, expiresAt } = made.view
    await this.act(caller, 'token.create', { kind: 'token', id }, { expiresAt, scopes: made.view.scopes.join(' ') })
    return made
  }

  tokensOf(member: string): Promise<readonly TokenView[]> {
    return this.#tokens.list(member)
  }

  async revokeToken(caller: KnownCaller, member: string, id: string): Promise<TokenView> {
    const view = await this.#tokens.revoke(member, id)
    await this.act(caller, 'token.revoke', { kind: 'token', id }, { member })
    return view
  }

  /** Records an act that went well. */
  act(caller: KnownCaller, action: AuditAction, object: Act['object'], details: Act['details']): Promise<void> {
    return this.#context.onAct({ actor: actorOf(caller), action, object, outcome: 'ok', details })
  }

  /** Records a call that somebody who is known may not make. */
  denied(caller: KnownCaller, operation: string, code: string): Promise<void> {
    const object = { kind: 'operation', id: operation }
    return this.#context.onAct({
      actor: actorOf(caller),
      action: 'access.deny',
      object,
      outcome: 'denied',
      code,
      details: {},
    })
  }
}

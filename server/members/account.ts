import type { AuditAction } from '../../core/audit/actions.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { MemberRecord } from '../store/member-ports.ts'
import { actorOf } from './acts.ts'
import type { MemberCaller } from './caller.ts'
import type { MembersContext } from './context.ts'
import { type LoggedIn, sessionCaller } from './login.ts'
import { type MemberView, memberView } from './member-view.ts'
import { checkPassword } from './passwords.ts'
import { lacksSecondFactor } from './rights.ts'
import { newRecoveryCodes } from './second-factor.ts'
import { acceptedStep, otpauthUri } from './totp.ts'

/** Shown in the programs that make codes. */
const ISSUER = 'Parley'

export type Standing = {
  readonly member: MemberView
  readonly permissions: readonly string[]
  /** What is to be done before anything else. */
  readonly todo: readonly ('password' | 'second-factor')[]
}

/** What members do with their own account. */
export class Account {
  readonly #context: MembersContext

  constructor(context: MembersContext) {
    this.#context = context
  }

  async standing(caller: MemberCaller): Promise<Standing> {
    const { clock, rule } = this.#context
    const member = await this.#member(caller)
    const now = clock.now()
    return {
      member: memberView(member, now),
      permissions: [...caller.permissions],
      todo: [
        ...(member.password.initialUntil === undefined ? [] : (['password'] as const)),
        ...(lacksSecondFactor(member, now, rule) ? (['second-factor'] as const) : []),
      ],
    }
  }

  /**
   * Sets another password, ends all sessions and begins a new one. Throws `auth.failed` for a wrong present one,
   * `auth.password-weak`, `auth.too-often`.
   */
  async setPassword(
    caller: MemberCaller,
    { current, next }: { readonly current: string; readonly next: string },
    address: string,
  ): Promise<LoggedIn> {
    const { store, passwords, throttle } = this.#context
    const member = await this.#member(caller)
    checkPassword(next, member.name)
    const attempt = throttle.begin(member.name, address)
    if (!(await passwords.matches(current, member.password.hash))) {
      await this.#record(caller, 'member.set-password', 'auth.failed')
      throw new ParleyError('auth.failed', 'the present password is wrong')
    }
    attempt.succeeded()
    if (current.normalize('NFKC') === next.normalize('NFKC')) {
      throw new ParleyError('auth.password-weak', 'it is the password that you have')
    }
    const hash = await passwords.hash(next)
    const changed = await store.changeMember(member.id, (now) => {
      if (now.password.hash !== member.password.hash) throw new ParleyError('run.conflict', 'the password was changed')
      return { ...now, password: { hash } }
    })
    await this.#record(caller, 'member.set-password')
    return this.#begin(changed)
  }

  /** Begins a new second factor. Who has one proves it with a code. The one in use stays until the new one is confirmed. */
  async beginSecondFactor(
    caller: MemberCaller,
    code: string | undefined,
    address: string,
  ): Promise<{ readonly uri: string }> {
    const { store, secondFactors, throttle, clock } = this.#context
    const { id, name } = await this.#member(caller)
    const { secret, sealed } = secondFactors.create(id)
    const attempt = throttle.begin(name, address)
    await store.changeMember(id, (member) => {
      const after = secondFactors.use(member, code ?? '', clock.now())
      if (after === undefined) throw new ParleyError('auth.failed', 'the code of the present second factor is wrong')
      return { ...after, pendingFactor: sealed }
    })
    attempt.succeeded()
    return { uri: otpauthUri(secret, ISSUER, name) }
  }

  /** Proves the new second factor: from now on it holds, with ten new recovery codes. All sessions end, and a new one begins. */
  async confirmSecondFactor(
    caller: MemberCaller,
    code: string,
    address: string,
  ): Promise<LoggedIn & { readonly recoveryCodes: readonly string[] }> {
    const { store, secondFactors, throttle, clock } = this.#context
    const { id, name } = await this.#member(caller)
    const { codes, hashes } = newRecoveryCodes()
    const attempt = throttle.begin(name, address)
    const changed = await store.changeMember(id, ({ pendingFactor, ...member }) => {
      if (pendingFactor === undefined) throw new ParleyError('run.conflict', 'begin with a new second factor first')
      const step = acceptedStep(secondFactors.open(id, pendingFactor), code, clock.now(), 0)
      if (step === undefined) throw new ParleyError('auth.failed', 'the code of the new second factor is wrong')
      return { ...member, secondFactor: { sealed: pendingFactor, step }, recoveryCodes: hashes }
    })
    attempt.succeeded()
    await this.#record(caller, 'member.set-second-factor')
    return { ...(await this.#begin(changed)), recoveryCodes: codes }
  }

  /** Ends the session of the caller, or all of its sessions. */
  async logOut(caller: MemberCaller, everywhere: boolean): Promise<void> {
    const { sessions } = this.#context
    if (everywhere) await sessions.endAll(caller.id)
    else if (caller.via.kind === 'session') await sessions.end(caller.via.hash)
    await this.#record(caller, everywhere ? 'member.logout-everywhere' : 'member.logout')
  }

  /** What was known of old sessions is worth nothing after something that guards the account was changed. */
  async #begin(member: MemberRecord): Promise<LoggedIn> {
    const { sessions } = this.#context
    await sessions.endAll(member.id)
    const { value, session } = await sessions.begin(member.id)
    return { value, caller: sessionCaller(this.#context, member, session.hash) }
  }

  async #member({ id }: MemberCaller): Promise<MemberRecord> {
    const member = await this.#context.store.member(id)
    if (member === undefined) throw new ParleyError('object.not-found', 'there is no such member')
    return member
  }

  #record(caller: MemberCaller, action: AuditAction, code?: 'auth.failed'): Promise<void> {
    return this.#context.onAct({
      actor: actorOf(caller),
      action,
      object: { kind: 'member', id: caller.id },
      outcome: code === undefined ? 'ok' : 'denied',
      ...(code === undefined ? {} : { code }),
      details: {},
    })
  }
}

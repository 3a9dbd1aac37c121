import { ParleyError } from '../../core/errors/index.ts'
import type { MemberRecord } from '../store/member-ports.ts'
import { actorOf } from './acts.ts'
import { anonymous, type MemberCaller } from './caller.ts'
import type { MembersContext } from './context.ts'
import { rightsOf } from './rights.ts'

export type Credentials = { readonly name: string; readonly password: string; readonly code?: string | undefined }

/** Somebody who is logged in, and what the cookie is to hold. */
export type LoggedIn = { readonly value: string; readonly caller: MemberCaller }

/**
 * Logs a member in. All that can be wrong is answered alike, after the same work: `auth.failed`. Throws `auth.too-often` where
 * too much was wrong before.
 */
export async function logIn(context: MembersContext, given: Credentials, address: string): Promise<LoggedIn> {
  const { store, passwords, throttle, onAct } = context
  const attempt = throttle.begin(given.name, address)
  const found = await store.memberNamed(given.name)
  const right = await passwords.matches(given.password, found?.password.hash)
  const member = right && found !== undefined ? await useCode(context, found, given.code ?? '') : undefined
  if (member === undefined) {
    // What was typed as a name may be a password: an unknown one is not repeated.
    await onAct({
      actor: actorOf(anonymous),
      action: 'member.login',
      object: { kind: 'member', id: found?.id ?? 'unknown' },
      outcome: 'denied',
      code: 'auth.failed',
      details: { address, failures: attempt.failures },
    })
    throw new ParleyError('auth.failed', 'name, password or code is wrong')
  }
  attempt.succeeded()
  if (passwords.outdated(member.password.hash)) await renew(context, member, given.password)
  const { value, session } = await context.sessions.begin(member.id)
  const caller = sessionCaller(context, member, session.hash)
  await onAct({
    actor: actorOf(caller),
    action: 'member.login',
    object: { kind: 'member', id: member.id },
    outcome: 'ok',
    details: { address },
  })
  return { value, caller }
}

/** The member after its code was used; undefined where the code is wrong, or the member may not log in. */
async function useCode(
  { store, secondFactors, clock }: MembersContext,
  found: MemberRecord,
  code: string,
): Promise<MemberRecord | undefined> {
  const wrong = new Error('the code is wrong')
  try {
    return await store.changeMember(found.id, (member) => {
      const now = clock.now()
      const { initialUntil, hash } = member.password
      const over = initialUntil !== undefined && Date.parse(initialUntil) <= now
      // The password may have been changed since it was compared.
      if (member.disabled || over || hash !== found.password.hash) throw wrong
      const after = secondFactors.use(member, code, now)
      if (after === undefined) throw wrong
      return after
    })
  } catch (failure) {
    if (failure === wrong) return undefined
    throw failure
  }
}

/** Hashes the password with the parameters of today. */
async function renew({ store, passwords }: MembersContext, member: MemberRecord, password: string): Promise<void> {
  const hash = await passwords.hash(password)
  await store.changeMember(member.id, (now) =>
    now.password.hash === member.password.hash ? { ...now, password: { ...now.password, hash } } : now,
  )
}

/** Who the member is in this session, with what it may now. */
export function sessionCaller({ clock, rule }: MembersContext, member: MemberRecord, hash: string): MemberCaller {
  const { permissions, complete } = rightsOf(member, clock.now(), rule)
  return { kind: 'member', id: member.id, name: member.name, permissions, via: { kind: 'session', hash, complete } }
}

import { randomBytes } from 'node:crypto'
import type { AuditAction } from '../../core/audit/actions.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { idField } from '../../core/run/fields.ts'
import type { GrantRecord, MemberRecord, PasswordRecord } from '../store/member-ports.ts'
import { type ActValue, actorOf } from './acts.ts'
import type { KnownCaller } from './caller.ts'
import type { MembersContext } from './context.ts'
import { type MemberView, memberView } from './member-view.ts'
import { initialPassword } from './passwords.ts'
import type { Role } from './permissions.ts'
import { DAY_MS, timeText } from './times.ts'

/** How long a password that somebody else made may be used to set one's own. */
export const INITIAL_PASSWORD_MS = 3 * DAY_MS

/** Names are what members log in with. None looks like an id, and none is an actor that is no member. */
export const memberNameField = idField.refine(
  (name) => !name.startsWith('mem_') && !['host', 'anonymous', 'coordinator', 'rollout'].includes(name),
  'a name that is taken for something else',
)

export type NewGrant = { readonly role: Role; readonly until?: string | undefined }

/** A password for the first login, shown this once. */
export type InitialPassword = { readonly password: string; readonly until: string }

/** What admins do with members. Each act is recorded with who did it. */
export class Directory {
  readonly #context: MembersContext

  constructor(context: MembersContext) {
    this.#context = context
  }

  /** Sorted by name. */
  async list(): Promise<readonly MemberView[]> {
    return (await this.#context.store.members()).map((member) => this.#view(member))
  }

  /** Throws `object.not-found`. */
  async show(id: string): Promise<MemberView> {
    return this.#view(await this.#member(id))
  }

  /** Adds a member, who sets a password of its own at the first login. Throws `member.name-taken`, `run.conflict` with `first`. */
  async add(
    by: KnownCaller,
    name: string,
    grants: readonly NewGrant[],
    options: { readonly first?: boolean } = {},
  ): Promise<{ readonly member: MemberView; readonly initial: InitialPassword }> {
    const { store } = this.#context
    const { initial, record } = await this.#initialPassword()
    const member: MemberRecord = {
      id: `mem_${randomBytes(8).toString('hex')}`,
      name,
      disabled: false,
      createdAt: timeText(this.#context.clock.now()),
      grants: grants.map((grant) => this.#grantRecord(by, grant)),
      password: record,
      recoveryCodes: [],
    }
    await store.addMember(member, options)
    await this.#record(by, 'member.add', member.id, {})
    for (const { role, until } of grants) await this.#recordGrant(by, member.id, role, until)
    return { member: this.#view(member), initial }
  }

  /** Gives a role, or another end to one that is there. Throws `auth.forbidden` for one's own. */
  async grant(by: KnownCaller, id: string, grant: NewGrant): Promise<MemberView> {
    const own = await this.#notOneself(by, id)
    const member = await this.#context.store.changeMember(own.id, (before) => ({
      ...before,
      grants: [...before.grants.filter(({ role }) => role !== grant.role), this.#grantRecord(by, grant)],
    }))
    await this.#recordGrant(by, id, grant.role, grant.until)
    return this.#view(member)
  }

  /** Takes a role away; one that is not there is fine. */
  async revoke(by: KnownCaller, id: string, role: Role): Promise<MemberView> {
    const member = await this.#context.store.changeMember(id, (before) => ({
      ...before,
      grants: before.grants.filter((grant) => grant.role !== role),
    }))
    await this.#record(by, 'member.revoke', id, { role })
    return this.#view(member)
  }

  /** A member that is disabled is nobody from the next request on: its sessions end, its tokens are refused. */
  async setDisabled(by: KnownCaller, id: string, disabled: boolean): Promise<MemberView> {
    if (!disabled) await this.#notOneself(by, id)
    const member = await this.#context.store.changeMember(id, (before) => ({ ...before, disabled }))
    if (disabled) await this.#context.sessions.endAll(id)
    await this.#record(by, disabled ? 'member.disable' : 'member.enable', id, {})
    return this.#view(member)
  }

  /** Gives a member another password for a first login, and ends its sessions. Until it has one of its own, its tokens do nothing. */
  async resetPassword(by: KnownCaller, id: string): Promise<InitialPassword> {
    const { initial, record } = await this.#initialPassword()
    await this.#notOneself(by, id)
    await this.#context.store.changeMember(id, (before) => ({ ...before, password: record }))
    await this.#context.sessions.endAll(id)
    await this.#record(by, 'member.reset-password', id, {})
    return initial
  }

  /** Lets a member set up another second factor, and ends its sessions. */
  async resetSecondFactor(by: KnownCaller, id: string): Promise<MemberView> {
    await this.#notOneself(by, id)
    const member = await this.#context.store.changeMember(id, (before) => {
      const { secondFactor: _, pendingFactor: __, ...rest } = before
      return { ...rest, recoveryCodes: [] }
    })
    await this.#context.sessions.endAll(id)
    await this.#record(by, 'member.reset-second-factor', id, {})
    return this.#view(member)
  }

  /** Nobody widens the rights of their own account, nor gets around what guards it. */
  async #notOneself(by: KnownCaller, id: string): Promise<MemberRecord> {
    if (by.kind === 'member' && by.id === id) throw new ParleyError('auth.forbidden', 'nobody does this for themselves')
    return this.#member(id)
  }

  async #member(id: string): Promise<MemberRecord> {
    const member = await this.#context.store.member(id)
    if (member === undefined) throw new ParleyError('object.not-found', 'there is no such member')
    return member
  }

  async #initialPassword(): Promise<{ readonly initial: InitialPassword; readonly record: PasswordRecord }> {
    const password = initialPassword()
    const until = timeText(this.#context.clock.now() + INITIAL_PASSWORD_MS)
    const hash = await this.#context.passwords.hash(password)
    return { initial: { password, until }, record: { hash, initialUntil: until } }
  }

  #grantRecord(by: KnownCaller, { role, until }: NewGrant): GrantRecord {
    const now = this.#context.clock.now()
    if (until !== undefined && Date.parse(until) <= now)
      throw new ParleyError('request.invalid', 'until: is over already')
    const at = timeText(now)
    return { role, ...(until === undefined ? {} : { until }), at, by: by.id }
  }

  #view(member: MemberRecord): MemberView {
    return memberView(member, this.#context.clock.now())
  }

  #recordGrant(by: KnownCaller, id: string, role: Role, until: string | undefined): Promise<void> {
    return this.#record(by, 'member.grant', id, { role, ...(until === undefined ? {} : { until }) })
  }

  #record(
    by: KnownCaller,
    action: AuditAction,
    id: string,
    details: Readonly<Record<string, ActValue>>,
  ): Promise<void> {
    return this.#context.onAct({
      actor: actorOf(by),
      action,
      object: { kind: 'member', id },
      outcome: 'ok',
      details,
    })
  }
}

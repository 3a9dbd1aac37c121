import type { GrantRecord, MemberRecord } from '../store/member-ports.ts'
import { type Permission, permissionsOf, type Role, readingRoles, roles, unfinishedPermissions } from './permissions.ts'

/** Whose second factor is required: of all who may change something, or of all. */
export type SecondFactorRule = 'changing-roles' | 'all'

export type Rights = {
  readonly permissions: ReadonlySet<Permission>
  /** False while a password or a second factor is to be set: then `permissions` is what is needed for that. */
  readonly complete: boolean
}

/** What a member may at this time. Worked out at each request: nothing that was granted once is remembered anywhere else. */
export function rightsOf(member: MemberRecord, now: number, rule: SecondFactorRule): Rights {
  if (member.disabled) return { permissions: new Set(), complete: false }
  const complete = member.password.initialUntil === undefined && !lacksSecondFactor(member, now, rule)
  const permissions = complete ? permissionsOf(activeRoles(member, now)) : new Set(unfinishedPermissions)
  return { permissions, complete }
}

/** Whether the member must set up a second factor before anything else. */
export function lacksSecondFactor(member: MemberRecord, now: number, rule: SecondFactorRule): boolean {
  if (member.secondFactor !== undefined) return false
  return rule === 'all' || activeRoles(member, now).some((role) => !readingRoles.includes(role))
}

export function activeRoles(member: MemberRecord, now: number): readonly Role[] {
  return member.grants
    .filter((grant) => isActive(grant, now))
    .flatMap(({ role }) => roles.filter((one) => one === role))
}

export function isActive({ until }: GrantRecord, now: number): boolean {
  return until === undefined || Date.parse(until) > now
}

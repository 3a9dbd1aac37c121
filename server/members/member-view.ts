import type { MemberRecord } from '../store/member-ports.ts'
import { isActive } from './rights.ts'

export type GrantView = {
  readonly role: string
  readonly until?: string
  readonly at: string
  readonly by: string
  /** False once `until` is over. */
  readonly active: boolean
}

/** A member as others see it: nothing that proves who it is. */
export type MemberView = {
  readonly id: string
  readonly name: string
  readonly disabled: boolean
  readonly createdAt: string
  readonly grants: readonly GrantView[]
  readonly secondFactor: boolean
  readonly recoveryCodesLeft: number
  /** Until when the first password, which somebody else knows, is to be changed. */
  readonly initialPasswordUntil?: string
}

export function memberView(member: MemberRecord, now: number): MemberView {
  const { id, name, disabled, createdAt, grants, password, secondFactor, recoveryCodes } = member
  return {
    id,
    name,
    disabled,
    createdAt,
    grants: grants.map((grant) => ({ ...grant, active: isActive(grant, now) })),
    secondFactor: secondFactor !== undefined,
    recoveryCodesLeft: recoveryCodes.length,
    ...(password.initialUntil === undefined ? {} : { initialPasswordUntil: password.initialUntil }),
  }
}

import type { Clock } from '../../core/clock.ts'
import type { MemberStore } from '../store/member-ports.ts'
import type { OnAct } from './acts.ts'
import type { Passwords } from './passwords.ts'
import type { SecondFactorRule } from './rights.ts'
import type { SecondFactors } from './second-factor.ts'
import type { Sessions } from './sessions.ts'
import type { Throttle } from './throttle.ts'

/** What the parts of this folder share. */
export type MembersContext = {
  readonly store: MemberStore
  readonly clock: Clock
  readonly passwords: Passwords
  readonly secondFactors: SecondFactors
  readonly sessions: Sessions
  readonly throttle: Throttle
  readonly rule: SecondFactorRule
  readonly onAct: OnAct
}

/** Members of tests: passwords cost nothing, and the clock is the test's. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { Act } from '../../server/members/acts.ts'
import { Passwords } from '../../server/members/passwords.ts'
import { People, type PeopleOptions } from '../../server/members/people.ts'
import { SecondFactors } from '../../server/members/second-factor.ts'
import { Sessions } from '../../server/members/sessions.ts'
import { stepAt, totpCode } from '../../server/members/totp.ts'
import type { GrantRecord, MemberRecord } from '../../server/store/member-ports.ts'
import type { Store } from '../../server/store/ports.ts'
import { ManualClock } from '../consumer/manual-clock.ts'

export const cheap = { N: 16, r: 1, p: 1 }
export const PASSWORD = 'a long enough password'
const sealingSecret = new Uint8Array(32).fill(7)

export function peopleOf(
  store: Pick<Store, 'members'>,
  options: PeopleOptions & { readonly clock?: Clock; readonly acts?: Act[] } = {},
): People {
  const { clock = new ManualClock(), acts = [], ...rest } = options
  const onAct = async (act: Act) => void acts.push(act)
  return new People({ store: store.members, clock, sealingSecret, onAct, passwordCost: cheap, ...rest })
}

export type TestMember = {
  readonly record: MemberRecord
  /** The code of the second factor that is `later` steps after now. */
  readonly code: (later?: number) => string
  /** What the cookie of a new session holds. */
  readonly session: () => Promise<string>
}

let count = 0

/** A member that has a password and a second factor. */
export async function addMember(
  store: Pick<Store, 'members'>,
  clock: Clock,
  grants: readonly (string | Pick<GrantRecord, 'role' | 'until'>)[],
  changes: Partial<MemberRecord> = {},
): Promise<TestMember> {
  const id = `mem_${randomBytes(8).toString('hex')}`
  const { secret, sealed } = new SecondFactors(sealingSecret).create(id)
  const at = new Date(clock.now()).toISOString()
  const record: MemberRecord = {
    id,
    name: `member-${++count}`,
    disabled: false,
    createdAt: at,
    grants: grants.map((grant) => ({ ...(typeof grant === 'string' ? { role: grant } : grant), at, by: 'host' })),
    password: { hash: await new Passwords(cheap).hash(PASSWORD) },
    secondFactor: { sealed, step: 0 },
    recoveryCodes: [],
    ...changes,
  }
  await store.members.addMember(record)
  return {
    record,
    code: (later = 0) => totpCode(secret, stepAt(clock.now()) + later),
    session: async () => (await new Sessions(store.members, clock).begin(id)).value,
  }
}

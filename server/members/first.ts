import type { Clock } from '../../core/clock.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { MemberStore } from '../store/member-ports.ts'
import { HOST, type KnownCaller } from './caller.ts'
import { type InitialPassword, memberNameField } from './directory.ts'
import type { MemberView } from './member-view.ts'
import { People } from './people.ts'
import { hostPermissions } from './permissions.ts'

/**
 * The first member of a coordinator that does not run: an admin. Throws `run.conflict` where there is a member,
 * `request.invalid` for what is no name.
 */
export async function addFirstMember(
  store: MemberStore,
  clock: Clock,
  name: string,
): Promise<{ readonly member: MemberView; readonly initial: InitialPassword }> {
  const parsed = memberNameField.safeParse(name)
  if (!parsed.success) throw new ParleyError('request.invalid', `name: ${parsed.error.issues[0]?.message ?? ''}`)
  const host: KnownCaller = { kind: 'host', id: HOST, permissions: hostPermissions }
  // Nothing is sealed for a member that has no second factor yet. Who gave the role stands in its grant.
  const people = new People({ store, clock, sealingSecret: new Uint8Array(32), onAct: async () => {} })
  return people.directory.add(host, parsed.data, [{ role: 'admin' }], { first: true })
}

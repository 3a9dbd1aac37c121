import { nodeCrypto } from '../../core/crypto/node.ts'
import { type Authority, createAuthority, openAuthority } from '../../server/enrolment/authority.ts'
import { Enrolment } from '../../server/enrolment/enrolment.ts'
import type { EnrolmentHttp } from '../../server/http/enrolment.ts'
import type { Store } from '../../server/store/ports.ts'

const START = Date.parse('2026-01-01T00:00:00Z')
let authority: Promise<Authority> | undefined

/** One authority for all tests of a file: making one takes a while. */
export function testAuthority(): Promise<Authority> {
  authority ??= createAuthority('Parley of tests', START).then(openAuthority)
  return authority
}

/** What HTTP needs for clients to enrol. */
export async function enrolmentHttpOf(store: Pick<Store, 'enrolments'>, now = () => START): Promise<EnrolmentHttp> {
  const enrolment = await Enrolment.open({
    crypto: nodeCrypto,
    records: store.enrolments,
    authority: await testAuthority(),
    now,
  })
  return { enrolment, addresses: () => ({ http: 'https://127.0.0.1:1', carriers: ['grpcs://127.0.0.1:2'] }) }
}

/** Clients over HTTP: where they stand, what was done to them, and how they took part. */
import { describe, expect, it } from 'vitest'
import { enrolmentRequest } from '../../client/enrolment/request.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { utf8 } from '../../core/encoding/bytes.ts'
import { parseInvitation } from '../../core/enrolment/invitation.ts'
import { fingerprintOf } from '../../core/enrolment/messages.ts'
import { systemClock } from '../../core/system-clock.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { enrolmentHttpOf } from '../support/enrolment.ts'
import { addMember, peopleOf } from '../support/people.ts'
import { richView } from '../web/views.ts'
import { failure, running, view } from './http-fixtures.ts'

async function setUp() {
  const store = memoryStore()
  const enrolment = await enrolmentHttpOf(store)
  return { ...(await running({ store, enrolment, people: peopleOf(store, { clock: systemClock }) })), store }
}

const JSON_TYPE = 'application/json'

describe('a client', () => {
  it('is shown with where it stands, whether it is connected, and what was done to it', async () => {
    const { admin, api, url, store } = await setUp()
    const seed = nodeCrypto.sha256(utf8('a'))
    const key = { seed, identity: nodeCrypto.signingKey(seed) }
    const { code } = (await (await admin('POST', '/v1/clients', '{"client":"a"}', JSON_TYPE)).json()) as {
      code: string
    }
    const { secret } = parseInvitation(code)
    const at = Date.parse('2026-01-01T00:00:00Z')
    const body = await enrolmentRequest(key, { client: 'a', secret }, at)
    const type = 'application/vnd.dsse.envelope.v1+json'
    const asked = await fetch(`${url}/v1/enrolments`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: Buffer.from(body),
    })
    expect(asked.status).toBe(200)
    const fingerprint = fingerprintOf(nodeCrypto, key.identity.publicKey)
    await admin('POST', '/v1/clients/a/approve', JSON.stringify({ fingerprint }), JSON_TYPE)
    api.seen = [{ client: 'a', agent: 'parley/0.1.0 node/20', connected: true }]
    const { client, changes } = (await (await admin('GET', '/v1/clients/a')).json()) as {
      client: object
      changes: readonly { step: string }[]
    }
    expect(client).toMatchObject({
      client: 'a',
      state: 'active',
      fingerprint,
      connected: true,
      agent: 'parley/0.1.0 node/20',
      certificateUntil: '2026-01-08T00:00:00.000Z',
    })
    expect(changes.map(({ step }) => step)).toEqual(['approve', 'request', 'invite'])
    expect(JSON.stringify([client, changes])).not.toContain(secret)
    api.seen = []
    expect(await (await admin('GET', '/v1/clients')).json()).toMatchObject({ clients: [{ connected: false }] })
    expect((await failure(await admin('GET', '/v1/clients/b'))).code).toBe('object.not-found')
    expect(await store.enrolments.enrolmentChanges('a', 9)).toHaveLength(3)
  })

  it('is shown with the runs that it was asked in, to whom may see runs', async () => {
    const { admin, api } = await setUp()
    api.runs = async () => [view('run_2'), richView()]
    expect(await (await admin('GET', '/v1/clients/hospital-d/runs')).json()).toMatchObject({
      client: 'hospital-d',
      runs: [{ run: 'run_1', asked: 7, accepted: 5, refusals: [{ code: 'update.norm-limit' }] }],
    })
    expect(await (await admin('GET', '/v1/clients/nobody/runs')).json()).toMatchObject({ runs: [] })
  })

  it('is nothing for who looks after people', async () => {
    const { store, get, http } = await setUp()
    const boss = await addMember(store, systemClock, ['admin'])
    const headers = { cookie: `parley-session=${await boss.session()}`, origin: http.url }
    for (const path of ['/v1/clients', '/v1/clients/a', '/v1/clients/a/runs']) {
      expect(await failure(await get(path, headers))).toMatchObject({ status: 403, code: 'auth.forbidden' })
    }
  })
})

describe('the list of runs', () => {
  it('does not have the rounds of each, which the run itself has', async () => {
    const { admin, api } = await setUp()
    api.runs = async () => [richView()]
    const { runs } = (await (await admin('GET', '/v1/runs')).json()) as { runs: readonly object[] }
    expect(runs).toMatchObject([{ run: 'run_1', completed: 6, engaged: { clients: 4, answered: 1 } }])
    expect(Object.keys(runs[0] ?? {})).not.toContain('history')
    expect(await (await admin('GET', '/v1/runs/run_1')).json()).toHaveProperty('history')
  })
})

/** A coordinator with an authority of its own, over real carriers with TLS: who joins, and who is put out. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { dialUrl } from '../../client/carriers/dial.ts'
import { askToJoin, askToRenew, registrarOf } from '../../client/enrolment/join.ts'
import { keepRenewing } from '../../client/enrolment/renewing.ts'
import type { ClientKey } from '../../client/enrolment/request.ts'
import { createClientNode } from '../../client/node/client.ts'
import type { ClientEvent } from '../../client/node/options.ts'
import type { Trainer } from '../../client/training/ports.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { SEALED_SEGMENT_BYTES } from '../../core/crypto/seal.ts'
import { utf8 } from '../../core/encoding/bytes.ts'
import { type Invitation, parseInvitation } from '../../core/enrolment/invitation.ts'
import { fingerprintOf } from '../../core/enrolment/messages.ts'
import { systemClock } from '../../core/system-clock.ts'
import { defaultLimits, SEGMENT_BYTES } from '../../core/wire/limits.ts'
import { type Authority, createAuthority, openAuthority } from '../../server/enrolment/authority.ts'
import { openDurableStore } from '../../server/store/durable/store.ts'
import { ManualClock } from '../consumer/manual-clock.ts'
import { addingTrainer, coordinatorKey, tinyLayout } from '../support/federation.ts'
import { gate } from '../support/honest-round.ts'
import { planText } from '../support/plans.ts'
import { forgeUpdate, RawClient } from '../support/raw-client.ts'
import { adminToken, Started } from '../support/started.ts'

const now = () => Date.now()
const HOUR = 3_600_000

let folder: string
let authority: Authority
let started: Started
let stops: (() => Promise<void>)[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-enrolled-'))
  authority = await openAuthority(await createAuthority('Parley of test', now()))
  stops = []
  started = await opened()
})
afterEach(async () => {
  for (const stop of stops) await stop()
  await started.stop()
  await rm(folder, { recursive: true })
})

const serverTls = async () => {
  const { certificate, key } = await authority.issueServer(['127.0.0.1'], { from: now(), until: now() + HOUR })
  return { cert: certificate, key }
}

async function opened(certificateMs = HOUR, parameters = 4): Promise<Started> {
  const store = await openDurableStore({ folder })
  const enrolment = { authority, certificateMs }
  return Started.create({ store, clients: [], tls: await serverTls(), enrolment, parameters })
}

const keyOf = (name: string): ClientKey => {
  const seed = nodeCrypto.sha256(utf8(`enrolled ${name}`))
  return { seed, identity: nodeCrypto.signingKey(seed) }
}

/** What an operator does over HTTP: here without the network, which other tests have. */
async function admin(path: string, body?: object): Promise<unknown> {
  const { Agent, fetch } = await import('undici')
  const agent = new Agent({ connect: { ca: authority.certificate } })
  const response = await fetch(`${started.running.urls.http}${path}`, {
    dispatcher: agent,
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const answer: unknown = await response.json()
  await agent.close()
  return answer
}

async function invited(client: string): Promise<Invitation> {
  const { code } = (await admin('/v1/clients', { client })) as { code: string }
  return parseInvitation(code)
}

async function joined(client: string): Promise<Invitation> {
  const invitation = await invited(client)
  const registrar = await registrarOf(invitation)
  const key = keyOf(client)
  expect(await askToJoin(registrar, invitation, key, now())).toMatchObject({ state: 'pending' })
  const fingerprint = fingerprintOf(nodeCrypto, key.identity.publicKey)
  expect(await admin(`/v1/clients/${client}/approve`, { fingerprint })).toMatchObject({ state: 'active' })
  expect(await askToJoin(registrar, invitation, key, now())).toMatchObject({ state: 'active' })
  return invitation
}

function clientOf(name: string, trainer: Trainer = addingTrainer(0.1), carrier: 'grpc' | 'ws' = 'grpc') {
  const events: ClientEvent[] = []
  const rounds = new Map<string, number>()
  const left = gate()
  const node = createClientNode({
    crypto: nodeCrypto,
    clock: systemClock,
    identity: keyOf(name).identity,
    coordinatorKey: coordinatorKey.publicKey,
    dials: [(signal) => dialUrl(started.url(carrier), { tls: { ca: authority.certificate } })(signal)],
    trainer: async () => trainer,
    memory: { last: async (run) => rounds.get(run), remember: async (run, round) => void rounds.set(run, round) },
    limits: defaultLimits,
    minCohort: 1,
    agent: 'test',
    unsafeAllowAnyPlan: true,
    onEvent: (event) => {
      events.push(event)
      if (event.type === 'disconnected') left.open()
    },
  })
  stops.push(() => node.stop())
  node.start()
  return { node, events, left: left.opened }
}

describe('a federation with an authority of its own', () => {
  test('runs with clients that joined it by invitation, over TLS', async () => {
    for (const [i, name] of ['a', 'b'].entries()) {
      await joined(name)
      clientOf(name, addingTrainer(0.1), i === 0 ? 'grpc' : 'ws')
    }
    const { run } = await started.running.api.startRun(planText())
    expect((await started.view(run)).outcome).toMatchObject({ kind: 'published' })
    const { clients } = (await admin('/v1/clients')) as { clients: readonly object[] }
    expect(clients).toMatchObject([
      { client: 'a', state: 'active', lastSeenAt: expect.any(String) as string },
      { client: 'b', state: 'active' },
    ])
    expect(JSON.stringify(clients)).not.toMatch(/secret|csr/)
  })

  test('is not taken for another one', async () => {
    const invitation = await invited('a')
    const other = await openAuthority(await createAuthority('Mallory', now()))
    await expect(registrarOf({ ...invitation, authority: other.fingerprint })).rejects.toMatchObject({
      code: 'enrolment.authority-mismatch',
    })
    const registrar = { http: invitation.http, authority: other.certificate }
    await expect(askToJoin(registrar, invitation, keyOf('a'), now())).rejects.toMatchObject({
      code: 'tls.untrusted',
    })
    await expect(registrarOf({ http: 'http://192.0.2.1', authority: null })).rejects.toMatchObject({
      code: 'config.insecure',
    })
  })

  test('lets a client that was invited, and not approved, do nothing', async () => {
    const invitation = await invited('a')
    await askToJoin(await registrarOf(invitation), invitation, keyOf('a'), now())
    const { events, left } = clientOf('a')
    await left
    expect(events[0]).toMatchObject({ type: 'disconnected', error: { code: 'auth.failed' } })
  })
})

const waits = 'evaluation: { window: { time: { min: 1h, max: 2h } } }'

describe('a client that is revoked', () => {
  test('in the middle of a round is out at once, is not waited for, and stays out over a restart', async () => {
    for (const name of ['a', 'b', 'c']) await joined(name)
    const training = gate()
    const never = new Promise<never>(() => {})
    const slow: Trainer = {
      ...addingTrainer(9),
      train: () => {
        training.open()
        return never
      },
    }
    clientOf('a')
    clientOf('b', addingTrainer(0.1), 'ws')
    const { events, left } = clientOf('c', slow)
    const plan = planText({ rounds: 1, count: { min: 2, max: 3 }, time: { min: '1h', max: '2h' }, extra: waits })
    const { run } = await started.running.api.startRun(plan)
    await training.opened
    expect(await admin('/v1/clients/c/revoke', { reason: 'key lost' })).toMatchObject({
      state: 'revoked',
      reason: 'key lost',
    })
    await left
    const view = await started.view(run)
    expect(view.outcome).toMatchObject({ kind: 'published' })
    expect(view.history[0]).toMatchObject({ accepted: ['a', 'b'] })
    expect(view.history[0]?.refused).toMatchObject([{ client: 'c', code: 'auth.revoked' }])
    expect(events.findLast(({ type }) => type === 'disconnected')).toMatchObject({ error: { code: 'auth.revoked' } })
    for (const stop of stops.splice(0)) await stop()
    await started.stop()
    started = await opened()
    const again = clientOf('c')
    await again.left
    expect(again.events[0]).toMatchObject({ type: 'disconnected', error: { code: 'auth.revoked' } })
  })
})

describe.each(['grpc', 'ws'] as const)('a client that is revoked in the middle of an upload over %s', (carrier) => {
  test('is cut off at once: what it sent is none of the round, which does not wait', async () => {
    await started.stop()
    const parameters = (3 * SEGMENT_BYTES) / 4
    started = await opened(HOUR, parameters)
    for (const name of ['a', 'b', 'c']) await joined(name)
    const trainer = addingTrainer(0.1, { layout: tinyLayout(parameters) })
    for (const name of ['a', 'b']) clientOf(name, trainer)
    const key = keyOf('c').identity
    const raw = await RawClient.connect(started.url(carrier), 'c', { tls: { ca: authority.certificate } })
    stops.push(async () => raw.close())
    await raw.handshake(key)
    const plan = planText({ rounds: 1, count: { min: 2, max: 3 }, time: { min: '1h', max: '2h' }, extra: waits })
    const { run } = await started.running.api.startRun(plan)
    const update = forgeUpdate(await raw.task(), 'c', new Float32Array(parameters), {}, key)
    await raw.send(update.header)
    await raw.next('uploadReady')
    const data = update.sealed.subarray(0, SEALED_SEGMENT_BYTES)
    await raw.send({ type: 'uploadChunk', digest: update.digest, offset: 0, data })
    await started.view(run, ({ engaged }) => engaged.some(({ client, bytes }) => client === 'c' && bytes > 0))
    await admin('/v1/clients/c/revoke', { reason: 'key lost' })
    expect(await raw.closeCode()).toBe('auth.revoked')
    const view = await started.view(run)
    expect(view.history[0]).toMatchObject({ accepted: ['a', 'b'], refused: [{ client: 'c', code: 'auth.revoked' }] })
    expect(view.outcome).toMatchObject({ kind: 'published' })
  })
})

describe('all clients at once', () => {
  test('are out, also those that were only invited, and their keys stay out', async () => {
    for (const name of ['a', 'b']) await joined(name)
    await invited('c')
    const { left, events } = clientOf('a')
    await expect.poll(() => events.some(({ type }) => type === 'connected')).toBe(true)
    expect(await admin('/v1/clients/revoke-all', { reason: 'the key of the authority was seen elsewhere' })).toEqual({
      revoked: ['a', 'b', 'c'],
    })
    await left
    expect(events.at(-1)).toMatchObject({ type: 'disconnected', error: { code: 'auth.revoked' } })
    const { clients } = (await admin('/v1/clients')) as { clients: { state: string }[] }
    expect(clients.map(({ state }) => state)).toEqual(['revoked', 'revoked', 'revoked'])
    expect(await admin('/v1/clients/revoke-all', { reason: 'again' })).toEqual({ revoked: [] })
  })
})

describe('certificates', () => {
  test('are renewed during a run of twenty rounds, and no session is dropped', async () => {
    const clock = new ManualClock()
    const renewals: string[] = []
    for (const name of ['a', 'b']) {
      const invitation = await joined(name)
      const registrar = await registrarOf(invitation)
      const renewing = keepRenewing({
        clock,
        certificate: { from: clock.now(), until: clock.now() + HOUR },
        renew: () => askToRenew(registrar, name, keyOf(name), now()),
        keep: async ({ notAfter }) => void renewals.push(`${name} ${notAfter}`),
      })
      stops.push(async () => renewing.stop())
    }
    const clients = ['a', 'b'].map((name) => clientOf(name))
    const { run } = await started.running.api.startRun(planText({ rounds: 20 }))
    await started.view(run, ({ history }) => history.length >= 5)
    clock.advance((HOUR * 2) / 3 + 1)
    started.running.renewTls(await serverTls())
    const view = await started.view(run)
    expect(view.outcome).toMatchObject({ kind: 'published' })
    expect(view.history.map(({ accepted }) => accepted)).toEqual(Array.from({ length: 20 }, () => ['a', 'b']))
    for (const { events } of clients) expect(events.filter(({ type }) => type === 'connected')).toHaveLength(1)
    expect(renewals).toHaveLength(2)
    const serials = ((await admin('/v1/clients')) as { clients: { serial: string }[] }).clients.map(
      ({ serial }) => serial,
    )
    expect(new Set(serials).size).toBe(2)
  })

  test('of the coordinator itself are exchanged for those who connect from then on', async () => {
    const serialOf = () =>
      new Promise<string>((resolve, reject) => {
        const { port } = new URL(started.running.urls.http)
        const socket = connect({ port: Number(port), host: '127.0.0.1', ca: authority.certificate }, () => {
          resolve(socket.getPeerCertificate().serialNumber)
          socket.destroy()
        })
        socket.on('error', reject)
      })
    const first = await serialOf()
    started.running.renewTls(await serverTls())
    expect(await serialOf()).not.toBe(first)
    await joined('a')
    const { events } = clientOf('a')
    await started.running.api.startRun(planText({ rounds: 1, count: { min: 1, max: 1 } }))
    await expect.poll(() => events.some(({ type }) => type === 'connected')).toBe(true)
  })

  test('that have ended let nobody in, and end the session that is open', async () => {
    await started.stop()
    started = await opened(2_000)
    await joined('a')
    const { events, left } = clientOf('a')
    await left
    const codes = events.flatMap((event) => (event.type === 'disconnected' ? [event.error?.code] : []))
    expect(codes[0]).toBe('auth.certificate-expired')
    expect(await admin('/v1/clients')).toMatchObject({ clients: [{ state: 'active' }] })
  })
})

describe('requests of strangers', () => {
  test('are few in a minute, small, and never answered with more than a code', async () => {
    const { Agent, fetch } = await import('undici')
    const agent = new Agent({ connect: { ca: authority.certificate } })
    const ask = async (body: string, type = 'application/vnd.dsse.envelope.v1+json') => {
      const url = `${started.running.urls.http}/v1/enrolments`
      const answer = await fetch(url, { dispatcher: agent, method: 'POST', headers: { 'content-type': type }, body })
      return ((await answer.json()) as { error: { code: string } }).error.code
    }
    expect(await ask('{}', 'application/json')).toBe('request.invalid')
    expect(await ask('x'.repeat(20_000))).toBe('request.too-large')
    const codes = new Set<string>()
    for (let i = 0; i < 70; i++)
      codes.add(await ask('{"payload":"e30=","payloadType":"x","signatures":[{"sig":"AA=="}]}'))
    expect([...codes]).toEqual(['enrolment.request-invalid', 'enrolment.too-often'])
    await agent.close()
  })
})

import { X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { type ClientKey, enrolmentRequest, renewalRequest } from '../../client/enrolment/request.ts'
import { dsseBytes, parseDsse } from '../../core/attestation/dsse.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { fromUtf8, toHex, utf8 } from '../../core/encoding/bytes.ts'
import { invitationCode, parseInvitation } from '../../core/enrolment/invitation.ts'
import { fingerprintOf } from '../../core/enrolment/messages.ts'
import type { ParleyError } from '../../core/errors/index.ts'
import { type Authority, createAuthority, openAuthority } from '../../server/enrolment/authority.ts'
import { certificateEndsOf } from '../../server/enrolment/certificate-ends.ts'
import { Enrolment } from '../../server/enrolment/enrolment.ts'
import { parseAllowList } from '../../server/sessions/allow-list.ts'
import type { EnrolmentRecord, EnrolmentRecords } from '../../server/store/enrolment-ports.ts'

const DAY = 24 * 3_600_000
const START = Date.parse('2026-03-01T12:00:00Z')
const anna = { actor: 'anna' }

function keyOf(name: string): ClientKey {
  const seed = nodeCrypto.sha256(utf8(name))
  return { seed, identity: nodeCrypto.signingKey(seed) }
}

const printOf = (key: ClientKey) => fingerprintOf(nodeCrypto, key.identity.publicKey)

let authority: Authority
let now: number
let records: Map<string, EnrolmentRecord>
let excluded: [string, string][]
let enrolment: Enrolment

const port: EnrolmentRecords = {
  enrolments: async () => [...records.values()],
  saveEnrolment: async (record) => void records.set(record.client, structuredClone(record)),
}

const open = () =>
  Enrolment.open({
    crypto: nodeCrypto,
    records: port,
    authority,
    now: () => now,
    listed: parseAllowList({ clients: [{ id: 'by-hand', publicKey: toHex(keyOf('by-hand').identity.publicKey) }] }),
    onExcluded: (client, error) => void excluded.push([client, error.code]),
  })

beforeEach(async () => {
  authority ??= await openAuthority(await createAuthority('Parley of test', START))
  now = START
  records = new Map()
  excluded = []
  enrolment = await open()
})

const code = async (promise: Promise<unknown>) => {
  try {
    await promise
  } catch (error) {
    return (error as ParleyError).code
  }
  return 'none'
}

async function invited(client: string): Promise<string> {
  return (await enrolment.invite(client, anna)).secret
}

async function enrolled(client: string): Promise<ClientKey> {
  const key = keyOf(client)
  await enrolment.request(await enrolmentRequest(key, { client, secret: await invited(client) }, now))
  await enrolment.approve(client, printOf(key), anna)
  return key
}

test('ends of certificates are those of clients that are in', async () => {
  await enrolled('a')
  await enrolled('b')
  await invited('c')
  await enrolment.suspend('b', { ...anna, reason: 'on holiday' })
  expect(certificateEndsOf(enrolment.list())).toEqual([
    { name: 'client a', at: START + 7 * DAY, lifetime: expect.closeTo(7 * DAY, -7) as number },
  ])
})

describe('a client becomes part of the federation', () => {
  test('by an invitation, its own request, and a person who compares fingerprints', async () => {
    const secret = await invited('a')
    const key = keyOf('a')
    expect(enrolment.idOf(key.identity.publicKey)).toBeUndefined()
    const body = await enrolmentRequest(key, { client: 'a', secret }, now)
    expect(await enrolment.request(body)).toEqual({ state: 'pending', fingerprint: printOf(key) })
    expect(enrolment.idOf(key.identity.publicKey)).toBeUndefined()
    await enrolment.approve('a', printOf(key).toUpperCase().replaceAll('-', ' '), anna)
    expect(enrolment.idOf(key.identity.publicKey)).toBe('a')
    expect(enrolment.publicKeyOf('a')).toEqual(key.identity.publicKey)
    const answer = await enrolment.request(body)
    const certificate = new X509Certificate(answer.state === 'active' ? answer.certificate : '')
    const issuer = new X509Certificate(authority.certificate)
    expect(certificate.subject).toBe('CN=a')
    expect(certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)).toBe(true)
    expect(Buffer.from(certificate.publicKey.export({ format: 'der', type: 'spki' })).subarray(12)).toEqual(
      Buffer.from(key.identity.publicKey),
    )
    expect(Date.parse(certificate.validTo) - now).toBe(7 * DAY)
    expect(records.get('a')).toMatchObject({ state: 'active', actor: 'anna' })
    expect(JSON.stringify([...records])).not.toContain(secret)
  })

  test('and is it still after a restart', async () => {
    const key = await enrolled('a')
    expect((await open()).idOf(key.identity.publicKey)).toBe('a')
  })

  test('beside those that were listed by hand', async () => {
    expect(enrolment.idOf(keyOf('by-hand').identity.publicKey)).toBe('by-hand')
    await enrolled('a')
    expect(enrolment.size).toBe(2)
    expect(await code(enrolment.invite('by-hand', anna))).toBe('enrolment.state')
  })
})

describe('nobody becomes a client', () => {
  test.each<[string, (secret: string) => Promise<unknown>]>([
    [
      'with another code',
      async () => enrolment.request(await enrolmentRequest(keyOf('a'), { client: 'a', secret: 'A'.repeat(22) }, now)),
    ],
    [
      'with the code of another',
      async (secret) => enrolment.request(await enrolmentRequest(keyOf('a'), { client: 'b', secret }, now)),
    ],
    [
      'with a code whose time is over',
      async (secret) => {
        now += 3 * DAY
        return enrolment.request(await enrolmentRequest(keyOf('a'), { client: 'a', secret }, now))
      },
    ],
    [
      'with a code that somebody else has used',
      async (secret) => {
        await enrolment.request(await enrolmentRequest(keyOf('a'), { client: 'a', secret }, now))
        return enrolment.request(await enrolmentRequest(keyOf('thief'), { client: 'a', secret }, now))
      },
    ],
    [
      'with a code that a newer one replaced',
      async (secret) => {
        await invited('a')
        return enrolment.request(await enrolmentRequest(keyOf('a'), { client: 'a', secret }, now))
      },
    ],
    [
      'that was refused',
      async (secret) => {
        await enrolment.request(await enrolmentRequest(keyOf('a'), { client: 'a', secret }, now))
        await enrolment.refuse('a', anna)
        return enrolment.request(await enrolmentRequest(keyOf('a'), { client: 'a', secret }, now))
      },
    ],
  ])('%s', async (_, attempt) => {
    const secret = await invited('a')
    expect(await code(attempt(secret))).toBe('enrolment.code-refused')
  })

  test('under a fingerprint that was not compared', async () => {
    await enrolment.request(await enrolmentRequest(keyOf('a'), { client: 'a', secret: await invited('a') }, now))
    for (const wrong of ['', printOf(keyOf('thief')), printOf(keyOf('a')).slice(0, -1)]) {
      expect(await code(enrolment.approve('a', wrong, anna))).toBe('enrolment.fingerprint-mismatch')
    }
    expect(records.get('a')?.state).toBe('pending')
  })

  test('with a key that another client has', async () => {
    await enrolled('a')
    for (const taken of ['a', 'by-hand']) {
      const secret = await invited('b')
      expect(await code(enrolment.request(await enrolmentRequest(keyOf(taken), { client: 'b', secret }, now)))).toBe(
        'enrolment.request-invalid',
      )
    }
  })

  test('by a request that was altered, wherever that is', async () => {
    const body = await enrolmentRequest(keyOf('a'), { client: 'a', secret: await invited('a') }, now)
    await fc.assert(
      fc.asyncProperty(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const altered = body.slice()
        altered[at] = (altered[at] as number) ^ flip
        const answer = await code(enrolment.request(altered))
        expect(['enrolment.request-invalid', 'enrolment.code-refused']).toContain(answer)
      }),
      { numRuns: 200 },
    )
    expect(records.get('a')?.state).toBe('invited')
  })

  test('whose request for a certificate is of another key', async () => {
    const secret = await invited('a')
    const [own, other] = await Promise.all(
      ['a', 'other'].map(async (name) => {
        const { payload } = parseDsse(await enrolmentRequest(keyOf(name), { client: 'a', secret }, now))
        return JSON.parse(fromUtf8(payload)) as { csr: string }
      }),
    )
    const payload = utf8(JSON.stringify({ ...own, csr: other?.csr }))
    const type = 'application/vnd.parley.enrolment+json'
    const head = utf8(`DSSEv1 ${type.length} ${type} ${payload.length} `)
    const signature = keyOf('a').identity.sign(new Uint8Array([...head, ...payload]))
    const body = dsseBytes({ payloadType: type, payload, signatures: [signature] })
    expect(await code(enrolment.request(body))).toBe('enrolment.request-invalid')
  })

  test.each([-6, 6, 60])('whose clock is %i minutes off', async (minutes) => {
    const body = await enrolmentRequest(keyOf('a'), { client: 'a', secret: await invited('a') }, now + minutes * 60_000)
    expect(await code(enrolment.request(body))).toBe('enrolment.request-invalid')
  })
})

describe('a certificate', () => {
  test('renews while it is good, and ends the membership when it is not', async () => {
    const key = await enrolled('a')
    now += 5 * DAY
    const renewed = await enrolment.renew(await renewalRequest(key, 'a', now))
    expect(renewed).toMatchObject({ state: 'active', notAfter: new Date(now + 7 * DAY).toISOString() })
    expect(enrolment.nextEnd()).toBe(now + 7 * DAY)
    now += 7 * DAY
    expect(enrolment.idOf(key.identity.publicKey)).toBeUndefined()
    expect(enrolment.refusalOf(key.identity.publicKey)?.code).toBe('auth.certificate-expired')
    enrolment.sweep()
    expect(excluded).toEqual([['a', 'auth.certificate-expired']])
    expect(await code(enrolment.renew(await renewalRequest(key, 'a', now)))).toBe('auth.certificate-expired')
  })

  test('that has ended renews once more when a person says so, for three days', async () => {
    const key = await enrolled('a')
    now += 8 * DAY
    await enrolment.approve('a', printOf(key), anna)
    now += 2 * DAY
    await enrolment.renew(await renewalRequest(key, 'a', now))
    expect(enrolment.idOf(key.identity.publicKey)).toBe('a')
    now += 8 * DAY
    expect(await code(enrolment.renew(await renewalRequest(key, 'a', now)))).toBe('auth.certificate-expired')
  })

  test('is given to its own client only', async () => {
    await enrolled('a')
    expect(await code(enrolment.renew(await renewalRequest(keyOf('thief'), 'a', now)))).toBe('auth.failed')
    expect(await code(enrolment.renew(await renewalRequest(keyOf('thief'), 'nobody', now)))).toBe('auth.failed')
  })
})

describe('a client that is', () => {
  test('suspended is out until it is let in again', async () => {
    const key = await enrolled('a')
    await enrolment.suspend('a', { ...anna, reason: 'audit' })
    expect(enrolment.refusalOf(key.identity.publicKey)?.code).toBe('auth.suspended')
    expect(excluded).toEqual([['a', 'auth.suspended']])
    expect(await code(enrolment.renew(await renewalRequest(key, 'a', now)))).toBe('auth.suspended')
    await enrolment.resume('a', anna)
    expect(enrolment.idOf(key.identity.publicKey)).toBe('a')
  })

  test('revoked is out for ever, also after a restart, and its key with it', async () => {
    const key = await enrolled('a')
    await enrolment.revoke('a', { ...anna, reason: 'key lost' })
    expect(excluded).toEqual([['a', 'auth.revoked']])
    const again = await open()
    expect(again.idOf(key.identity.publicKey)).toBeUndefined()
    expect(again.refusalOf(key.identity.publicKey)?.code).toBe('auth.revoked')
    for (const act of [
      () => again.resume('a', anna),
      () => again.invite('a', anna),
      () => again.approve('a', printOf(key), anna),
    ]) {
      expect(await code(act())).toBe('enrolment.state')
    }
    const secret = (await again.invite('b', anna)).secret
    expect(await code(again.request(await enrolmentRequest(key, { client: 'b', secret }, now)))).toBe(
      'enrolment.request-invalid',
    )
  })

  test('unknown is not found', async () => {
    expect(await code(enrolment.revoke('x', anna))).toBe('object.not-found')
  })
})

test('a change that could not be stored did not happen', async () => {
  const key = await enrolled('a')
  const failing = { ...port, saveEnrolment: () => Promise.reject(new Error('disk full')) }
  const other = await Enrolment.open({ crypto: nodeCrypto, records: failing, authority, now: () => now })
  await expect(other.revoke('a', anna)).rejects.toThrow('disk full')
  expect(other.idOf(key.identity.publicKey)).toBe('a')
})

describe('the code of an invitation', () => {
  const invitation = {
    client: 'a',
    coordinator: 'ab'.repeat(32),
    http: 'https://127.0.0.1:7080',
    carriers: ['grpcs://127.0.0.1:7443', 'wss://127.0.0.1:7080'],
    authority: 'cd'.repeat(32),
    secret: 'A'.repeat(22),
  }
  test('comes back, also when a mail program broke its lines', () => {
    const text = invitationCode(invitation)
    expect(parseInvitation(`  ${text.slice(0, 40)}\n  ${text.slice(40)}\n`)).toEqual(invitation)
  })
  test('that is damaged has a name', () => {
    const text = invitationCode(invitation)
    fc.assert(
      fc.property(fc.nat(text.length - 1), (length) => {
        expect(() => parseInvitation(text.slice(0, length))).toThrow(
          expect.objectContaining({ code: 'enrolment.code-malformed' }),
        )
      }),
      { numRuns: 100 },
    )
    for (const other of ['', 'parley1-', 'parley1-e30', 'x'.repeat(100_000)]) {
      expect(() => parseInvitation(other)).toThrow(expect.objectContaining({ code: 'enrolment.code-malformed' }))
    }
  })
})

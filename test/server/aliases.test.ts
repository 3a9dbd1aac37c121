import { beforeEach, describe, expect, it } from 'vitest'
import { ALIAS_PAYLOAD_TYPE, acceptAliasRecord } from '../../core/attestation/alias-record.ts'
import { approvalPayload } from '../../core/attestation/approval.ts'
import { dsseBytes, IN_TOTO_PAYLOAD_TYPE, parseDsse, signDsse, verifyDsse } from '../../core/attestation/dsse.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import type { SigningKey } from '../../core/crypto/primitives.ts'
import { utf8 } from '../../core/encoding/bytes.ts'
import { ALIAS_LIFETIME_MS, recordIn } from '../../server/registry/alias-records.ts'
import { manifestIn } from '../../server/registry/published.ts'
import type { Registry, RegistryDeps, RegistryEvent } from '../../server/registry/registry.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import type { Store } from '../../server/store/ports.ts'
import { candidateIn, registryOf } from '../support/release.ts'

const key = nodeCrypto.signingKey(new Uint8Array(32).fill(3))
const ada = nodeCrypto.signingKey(new Uint8Array(32).fill(4))
const ben = nodeCrypto.signingKey(new Uint8Array(32).fill(5))
const members: Record<string, SigningKey> = { ada, ben }

let store: Store
let now: number
beforeEach(() => {
  store = memoryStore()
  now = Date.UTC(2026, 0, 1)
})

const registry = (changes: Partial<RegistryDeps> = {}): Registry =>
  registryOf(store, key, { now: () => now, approvers: (member) => members[member]?.publicKey, ...changes })

async function withVersions(one: Registry, count: number): Promise<void> {
  for (let round = 1; round <= count; round++) await one.publish(await candidateIn(store, round), 'production')
}

const said = (reason: string) => ({ model: 'heart', alias: 'production', reason, actor: 'ada' })

async function recordOf(alias = 'production') {
  const { envelope } = (await store.records.alias('heart', alias))!
  const verify = (message: Uint8Array, signature: Uint8Array) => nodeCrypto.verify(key.publicKey, message, signature)
  await verifyDsse(parseDsse(utf8(envelope), { canonical: true }), ALIAS_PAYLOAD_TYPE, verify)
  return recordIn(nodeCrypto, envelope)
}

describe('an alias', () => {
  it('moves with each version that passed its gates; every move is a signed record that follows the last', async () => {
    const one = registry()
    await withVersions(one, 1)
    const first = await recordOf()
    now += 1_000
    await one.publish(await candidateIn(store, 2), 'production')
    const second = await recordOf()
    expect(second.record).toMatchObject({ sequence: 2, number: 2, previous: first.sha256, actor: 'coordinator' })
    expect(second.record.root).toBe(manifestIn((await store.records.version('heart', 2))!.envelope).root)
    expect(acceptAliasRecord(undefined, first, now)).toEqual({ accepted: true, missed: 0 })
    expect(acceptAliasRecord(first, second, now)).toEqual({ accepted: true, missed: 0 })
    expect(acceptAliasRecord(second, first, now)).toEqual({ accepted: false, refusal: 'replayed' })
  })

  it('goes back to the version before, and consumers take the new record of the old version', async () => {
    const one = registry()
    await withVersions(one, 3)
    const before = await recordOf()
    await one.rollback(said('version 3 is worse'))
    const after = await recordOf()
    expect(after.record).toMatchObject({ sequence: 4, number: 2, reason: 'version 3 is worse', actor: 'ada' })
    expect(acceptAliasRecord(before, after, now)).toEqual({ accepted: true, missed: 0 })
    await one.rollback({ ...said('further back'), to: 1 })
    expect((await recordOf()).record.number).toBe(1)
    await expect(one.rollback({ ...said('to nowhere'), to: 9 })).rejects.toMatchObject({ code: 'run.conflict' })
    await expect(one.rollback({ ...said('x'), alias: 'none' })).rejects.toMatchObject({ code: 'object.not-found' })
  })

  it('goes back over versions that were withdrawn', async () => {
    const one = registry()
    await withVersions(one, 3)
    await one.setState({ model: 'heart', number: 2, state: 'withdrawn', reason: 'wrong labels', actor: 'ada' })
    await one.rollback(said('3 is no better'))
    expect((await recordOf()).record.number).toBe(1)
  })

  it('is moved by one of two who saw the same state', async () => {
    const one = registry()
    await withVersions(one, 2)
    const moves = [1, 2].map((number) => one.promote({ ...said(`to ${number}`), number, expect: 2 }))
    const outcomes = await Promise.allSettled(moves)
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'alias.conflict' } })
  })

  it('is split between versions that are there, under their own roots, and joined again', async () => {
    const one = registry()
    await withVersions(one, 2)
    const { root } = manifestIn((await store.records.version('heart', 1))!.envelope)
    const rollout = { id: 'roll_1', number: 1, root, share: 500, include: [], exclude: [] }
    await one.promote({ ...said('a few first'), number: 2, rollout })
    expect((await recordOf()).record.rollout).toEqual(rollout)
    const wrong = { ...rollout, root: 'a'.repeat(64) }
    await expect(one.promote({ ...said('x'), number: 2, rollout: wrong })).rejects.toMatchObject({
      code: 'request.invalid',
    })
    // A challenger is in use as well.
    const taken = one.setState({ model: 'heart', number: 1, state: 'withdrawn', reason: 'x', actor: 'ada' })
    await expect(taken).rejects.toMatchObject({ code: 'run.conflict' })
    await one.promote({ ...said('no more'), number: 2 })
    expect((await recordOf()).record.rollout).toBeUndefined()
  })

  it('is signed anew before its record expires, and says the same', async () => {
    const one = registry()
    await withVersions(one, 1)
    expect(await one.renew()).toBe(0)
    const before = await recordOf()
    now += 0.6 * ALIAS_LIFETIME_MS
    expect(await one.renew()).toBe(1)
    const after = await recordOf()
    expect(after.record).toMatchObject({ number: 1, sequence: 2, previous: before.sha256 })
    expect(Date.parse(after.record.expires)).toBeGreaterThan(Date.parse(before.record.expires))
  })

  it('tells those who follow, in order', async () => {
    const one = registry()
    const told: RegistryEvent[] = []
    const leave = one.follow((event) => told.push(event))
    await withVersions(one, 2)
    await one.setState({ model: 'heart', number: 1, state: 'withdrawn', reason: 'x', actor: 'ada' })
    leave()
    await one.rollback({ ...said('unheard'), to: 2 })
    expect(told.map((event) => (event.type === 'alias' ? event.move.version : event.state.state))).toEqual([
      1,
      2,
      'withdrawn',
    ])
  })
})

describe('where approvals are asked for', () => {
  const word = async (signer: SigningKey, member: string, changes: object = {}) => {
    const { root } = manifestIn((await store.records.version('heart', 1))!.envelope)
    const payload = approvalPayload({
      model: 'heart',
      root,
      member,
      policy: 'c'.repeat(64),
      at: '2026-01-01T00:00:00Z',
      properties: ['PARLEY_RELEASE_APPROVED'],
      ...changes,
    })
    return dsseBytes(await signDsse(signer, IN_TOTO_PAYLOAD_TYPE, payload))
  }

  it('a version is published and waits; the alias moves when two members have approved it', async () => {
    const one = registry({ approvalsNeeded: 2 })
    await withVersions(one, 1)
    expect(await store.records.alias('heart', 'production')).toBeUndefined()
    const promote = () => one.promote({ ...said('approved'), number: 1 })
    await expect(promote()).rejects.toMatchObject({ code: 'approval.missing' })
    await one.approve('heart', 1, await word(ada, 'ada'))
    await one.approve('heart', 1, await word(ada, 'ada'))
    await expect(promote()).rejects.toMatchObject({
      code: 'approval.missing',
      message: expect.stringContaining('1 of 2'),
    })
    await one.approve('heart', 1, await word(ben, 'ben'))
    expect(await promote()).toMatchObject({ version: 1, actor: 'ada' })
  })

  it.each([
    ['by somebody else’s key', () => word(ben, 'ada')],
    ['by a stranger', () => word(ada, 'eve')],
    ['of another version', () => word(ada, 'ada', { root: 'a'.repeat(64) })],
    ['that does not say so', () => word(ada, 'ada', { properties: ['PARLEY_CARD_READ'] })],
    ['that is no envelope', async () => utf8('{}')],
  ])('a word %s counts for nothing', async (_what, made) => {
    const one = registry({ approvalsNeeded: 1 })
    await withVersions(one, 1)
    await expect(one.approve('heart', 1, await made())).rejects.toMatchObject({ code: 'approval.invalid' })
    expect(await store.records.approvals('heart', 1)).toEqual([])
  })
})

it('two candidates at once become two versions', async () => {
  const one = registry()
  const versions = await Promise.all(
    [1, 2, 3].map(async (round) => one.publish(await candidateIn(store, round), 'production')),
  )
  expect(versions.map(({ number }) => number).sort()).toEqual([1, 2, 3])
})

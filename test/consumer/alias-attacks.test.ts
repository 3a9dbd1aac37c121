/** What a registry in wrong hands, or something between, can do with records of an alias: nothing. */
import { describe, expect, it } from 'vitest'
import { memoryCache } from '../../consumer/index.ts'
import { aliasPayload } from '../../core/attestation/alias-record.ts'
import { timestampOf } from '../../core/attestation/time.ts'
import { payloadTypes, signBytes } from '../../core/crypto/envelope.ts'
import { utf8 } from '../../core/encoding/bytes.ts'
import { envelopeJson } from '../../core/release/envelope-json.ts'
import { DAY_MS, type FakeRegistry } from './fake-registry.ts'
import { expectUnmixed, type Scene, scene, versions } from './support.ts'
import { registryKey, strangerKey } from './versions.ts'

type Attack = (scene: Scene) => Promise<void>
const now = ({ clock }: Scene) => clock.now()

/** Puts a record in the place of the newest one, so that the history behind it goes on as before. */
async function put(registry: FakeRegistry, changes: object, key = registryKey): Promise<void> {
  const record = { ...registry.next('production', 3), ...changes }
  await registry.put(record, await registry.sign(record, key))
}

const first = new WeakMap<FakeRegistry, ReturnType<FakeRegistry['record']>>()

const attacks: readonly (readonly [string, RegExp, Attack])[] = [
  [
    'an old record again',
    /seen before/,
    async ({ registry }) => {
      const { record, envelope } = first.get(registry)!
      await registry.put(record, envelope)
    },
  ],
  [
    'another record of the same sequence',
    /two histories/,
    ({ registry }) => put(registry, { sequence: 2, previous: 'e'.repeat(64) }),
  ],
  [
    'a next record that does not follow the last one',
    /two histories/,
    ({ registry }) => put(registry, { previous: 'e'.repeat(64) }),
  ],
  [
    'a record that has expired',
    /expired/,
    (made) => put(made.registry, { at: timestampOf(now(made) - DAY_MS), expires: timestampOf(now(made)) }),
  ],
  [
    'a record from the future',
    /clock/,
    (made) => put(made.registry, { at: timestampOf(now(made) + DAY_MS), expires: timestampOf(now(made) + 2 * DAY_MS) }),
  ],
  [
    'a record that points at a withdrawn version',
    /withdrawn/,
    async ({ registry }) => {
      registry.withdraw(3)
      await put(registry, {})
    },
  ],
  [
    'a record whose challenger was withdrawn',
    /withdrawn/,
    async ({ registry }) => {
      registry.withdraw(3)
      const rollout = { id: 'r', number: 3, root: versions[2].manifest.root, share: 10_000, include: [], exclude: [] }
      await put(registry, { number: 2, root: versions[1].manifest.root, rollout })
    },
  ],
  ['a record that somebody else signed', /trusted key/, ({ registry }) => put(registry, {}, strangerKey)],
  [
    'a record of another alias',
    /record of heart@staging/,
    async ({ registry }) => {
      const record = registry.next('staging', 3)
      await registry.put(registry.next('production', 3), await registry.sign(record))
    },
  ],
  [
    'a record of another model',
    /record of lung@production/,
    async ({ registry }) => {
      const record = registry.next('production', 3)
      await registry.put(record, await registry.sign({ ...record, model: 'lung' }))
    },
  ],
  [
    'a record that was signed as something else',
    /not of type/,
    async ({ registry }) => {
      const record = registry.next('production', 3)
      const envelope = signBytes(registryKey, payloadTypes.manifest, aliasPayload(record))
      await registry.put(record, utf8(envelopeJson(envelope, registryKey.publicKey)))
    },
  ],
  ['something that is no record', /DSSE/, ({ registry }) => registry.put(registry.next('production', 3), utf8('{}'))],
  ['something that is no JSON', /JSON/, ({ registry }) => registry.put(registry.next('production', 3), utf8('<html>'))],
]

/** A consumer of version 2 that saw two records. */
async function following(follow: 'none' | 'stream') {
  const made = await scene()
  const cache = memoryCache()
  first.set(made.registry, made.registry.record('production'))
  const followed = await made.opening('heart', { cache, follow })
  await made.registry.move('production', 2)
  await followed.refresh()
  return { ...made, cache, followed }
}

describe.each(attacks)('%s', (_name, reason, attack) => {
  const code = /withdrawn/.test(String(reason)) ? 'version.withdrawn' : 'verify.failed'

  it('is refused when it is asked for, and the version in use stays in use', async () => {
    const made = await following('none')
    await attack(made)
    await expect(made.followed.refresh()).rejects.toMatchObject({
      code,
      message: expect.stringMatching(reason),
    })
    expect(made.followed.current.number).toBe(2)
    expectUnmixed(made.followed.current)
    expect(made.happened.of('refused')).toEqual([{ type: 'refused', code, reason: expect.stringMatching(reason) }])
    // Asked again it is told of once only.
    await expect(made.followed.refresh()).rejects.toThrow()
    expect(made.happened.of('refused').length).toBe(1)
  })

  it('is refused after a restart too, with what the cache knows', async () => {
    const made = await following('none')
    await made.followed.close()
    await attack(made)
    const restarted = await made.opening('heart', { cache: made.cache, follow: 'none' })
    expect(restarted.current.number).toBe(2)
    expect(made.happened.of('refused')).toMatchObject([{ reason: expect.stringMatching(reason) }])
  })

  it('is refused when it is pushed, and the next good record is believed', async () => {
    const made = await following('stream')
    const { registry, happened, followed } = made
    await registry.until(() => registry.streams.size > 0)
    const good = registry.record('production')
    await attack(made)
    if (!/staging|lung/.test(String(reason))) await happened.has('refused', { reason })
    await registry.put(good.record, good.envelope)
    const next = await registry.move('production', 1)
    await happened.has('switched', { from: 2, to: 1 })
    expect(next.sequence).toBe(3)
    expect(followed.current.number).toBe(1)
    expect(happened.of('switched').map(({ to }) => to)).toEqual([1, 2, 1])
  })
})

it('a record whose root is not the root of its version opens nothing', async () => {
  const { opening, registry, happened } = await scene()
  await registry.move('production', 2, { root: versions[0].manifest.root })
  await expect(opening()).rejects.toMatchObject({ code: 'verify.failed' })
  expect(happened.of('switched')).toEqual([])
})

it('a first record that has expired opens nothing', async () => {
  const { opening, clock } = await scene()
  clock.advance(31 * DAY_MS)
  await expect(opening()).rejects.toMatchObject({ code: 'verify.failed', message: expect.stringMatching(/expired/) })
})

it('a pinned version that was withdrawn is not opened', async () => {
  const { opening, registry } = await scene()
  registry.withdraw(2)
  await expect(opening('heart/2')).rejects.toMatchObject({
    code: 'version.withdrawn',
    message: 'version 2 was withdrawn',
  })
  expect(registry.asked.some((path) => path.includes('/versions/'))).toBe(false)
})

it('a withdrawal that was once heard of is taken back by a later record alone', async () => {
  const { opening, registry, clock } = await scene()
  const cache = memoryCache()
  const opened = async () => {
    const followed = await opening('heart', { cache, follow: 'none' })
    await followed.close()
    return followed.current.number
  }
  registry.withdraw(3)
  expect(await opened()).toBe(1)
  // Hidden from now on; the record is no older than the withdrawal, but no later either.
  registry.withdrawn.clear()
  await registry.move('production', 3)
  expect(await opened()).toBe(1)
  clock.advance(1_000)
  await registry.move('production', 3)
  expect(await opened()).toBe(3)
  // And it holds no longer than until the next withdrawal.
  registry.withdraw(3)
  expect(await opened()).toBe(1)
})

it('a later record is no reason to use what the registry lists as withdrawn', async () => {
  const { opening, registry, clock } = await scene()
  const followed = await opening('heart', { follow: 'none' })
  registry.withdraw(3)
  await followed.refresh()
  clock.advance(1_000)
  await registry.move('production', 3)
  await expect(followed.refresh()).rejects.toMatchObject({ code: 'version.withdrawn' })
  expect(followed.current.number).toBe(1)
})

it('a pinned version that was restored is opened again', async () => {
  const { opening, registry } = await scene()
  const cache = memoryCache()
  await (await opening('heart/2', { cache })).close()
  registry.withdraw(2)
  await expect(opening('heart/2', { cache })).rejects.toMatchObject({ code: 'version.withdrawn' })
  registry.intercept = (_, response) => response.destroy() !== undefined
  await expect(opening('heart/2', { cache })).rejects.toMatchObject({ code: 'version.withdrawn' })
  registry.intercept = () => false
  registry.withdrawn.clear()
  expect((await opening('heart/2', { cache })).current.number).toBe(2)
  registry.intercept = (_, response) => response.destroy() !== undefined
  expect((await opening('heart/2', { cache })).current.number).toBe(2)
})

import { beforeEach, describe, expect, it } from 'vitest'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { utf8 } from '../../core/encoding/bytes.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import type { Store } from '../../server/store/ports.ts'
import { candidateIn, registryOf, verifyStored } from '../support/release.ts'

const key = nodeCrypto.signingKey(new Uint8Array(32).fill(3))
const day = (n: number) => `2026-01-0${n}T00:00:00.000Z`
let store: Store
let digests: Record<'plan' | 'old' | 'new' | 'candidate' | 'stray', string>

beforeEach(async () => {
  store = memoryStore()
  const put = (text: string) => store.blobs.put(utf8(text))
  digests = {
    plan: await put('a plan'),
    old: await put('a round of an old run'),
    new: await put('a round of a new run'),
    candidate: await put('a candidate that failed'),
    stray: await put('of a publication that came to nothing'),
  }
  for (const [id, createdAt, round] of [
    ['r1', day(1), digests.old],
    ['r2', day(5), digests.new],
  ] as const) {
    await store.records.saveRun({ id, model: 'heart', plan: digests.plan, createdAt, status: 'finished' })
    await store.journal.append(id, 0, JSON.stringify({ type: 'aggregated', model: { digest: round } }))
  }
  const at = day(1)
  await store.records.saveCandidate({
    model: 'heart',
    run: 'r1',
    round: 1,
    weights: digests.candidate,
    passed: false,
    gates: '{}',
    at,
  })
})

const there = async () => {
  const all = new Set<string>()
  for await (const digest of store.blobs.list()) all.add(digest)
  return Object.entries(digests).flatMap(([name, digest]) => (all.has(digest) ? [name] : []))
}

describe('what nothing needs', () => {
  it('is shown first, and removed when that is wanted; versions stay as they are', async () => {
    const registry = registryOf(store, key)
    const version = await registry.publish(await candidateIn(store, 1), 'production')
    const shown = await registry.collectGarbage({ before: day(3), dryRun: true })
    expect(shown).toMatchObject({ blobs: 2, removed: false })
    expect(await there()).toEqual(['plan', 'old', 'new', 'candidate', 'stray'])
    expect(await registry.collectGarbage({ before: day(3), dryRun: false })).toEqual({ ...shown, removed: true })
    expect(await there()).toEqual(['plan', 'new', 'candidate'])
    expect((await verifyStored(store, version, key.publicKey)).failed).toBeUndefined()
    expect(await registry.collectGarbage({ before: day(3), dryRun: false })).toMatchObject({ blobs: 0 })
  })

  it('is not looked for while a run is active, whose newest files are named nowhere yet', async () => {
    await store.records.saveRun({ id: 'r3', model: 'heart', plan: digests.plan, createdAt: day(6), status: 'active' })
    const collected = registryOf(store, key).collectGarbage({ before: day(3), dryRun: false })
    await expect(collected).rejects.toMatchObject({ code: 'run.conflict' })
    expect(await there()).toHaveLength(5)
  })
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodeCrypto } from '../../core/crypto/node.ts'
import type { Candidate } from '../../server/registry/manifest.ts'
import { type PublishDeps, publishVersion } from '../../server/registry/publish.ts'
import { openDurableStore } from '../../server/store/durable/store.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import type { Store } from '../../server/store/ports.ts'
import { candidateIn, publishDeps, verifyStored } from '../support/release.ts'

const key = nodeCrypto.signingKey(new Uint8Array(32).fill(3))
const metrics = { rows: 30, loss: 0.1 + 0.2, accuracy: 0.9, precision: null, recall: 1e-7, f1: null, auc: 0.8 }
const candidateOf = (store: Store, round: number, changes: Partial<Candidate> = {}) =>
  candidateIn(store, round, { metrics, ...changes })

for (const kind of ['memory', 'durable'] as const) {
  describe(`publishing into a ${kind} store`, () => {
    let folder: string
    let store: Store
    let deps: PublishDeps
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'parley-registry-'))
      store = kind === 'memory' ? memoryStore() : await openDurableStore({ folder })
      let now = Date.UTC(2026, 0, 2)
      const tick = () => {
        now += 1_000
        return now
      }
      deps = publishDeps(store, key, tick)
    })
    afterEach(async () => {
      await store.close()
      await rm(folder, { recursive: true })
    })

    it('makes a version that a consumer can verify', async () => {
      const candidate = await candidateOf(store, 1)
      const version = await publishVersion(deps, candidate, { name: 'production', reason: 'gates passed' })
      expect(version).toMatchObject({ model: 'heart', number: 1, weights: candidate.weights.digest, round: 1 })
      const { failed, manifest } = await verifyStored(store, version, key.publicKey)
      expect(failed).toBeUndefined()
      expect(manifest).toMatchObject({ parent: null, publishedAt: version.publishedAt })
      expect(manifest?.metrics).toMatchObject({ loss: '0.30000000000000004', recall: '1e-7', f1: null })
      expect(await store.records.alias('heart', 'production')).toMatchObject({ version: 1, reason: 'gates passed' })
    })

    it('publishes once however often it is asked', async () => {
      const candidate = await candidateOf(store, 1)
      const alias = { name: 'production', reason: 'gates passed' }
      const all = await Promise.all([1, 2, 3].map(() => publishVersion(deps, candidate, alias)))
      expect(new Set(all.map(({ envelope }) => envelope)).size).toBe(1)
      expect(await store.records.versions('heart')).toHaveLength(1)
      expect(await store.records.aliasHistory('heart')).toHaveLength(1)
    })

    it('names the version whose weights the run started from', async () => {
      const first = await publishVersion(deps, await candidateOf(store, 1))
      const second = await publishVersion(deps, await candidateOf(store, 2, { base: first.weights }))
      expect(second.number).toBe(2)
      const { manifest } = await verifyStored(store, second, key.publicKey)
      expect(manifest?.parent).toBe(1)
    })

    it('publishes nothing that did not pass its gates', async () => {
      const failed = { gate: 'g', metric: 'auc', verdict: 'fail', value: 0.5, bound: 0.7, explanation: 'low' } as const
      for (const gates of [[], [failed], [{ ...failed, verdict: 'not-evaluable', value: null } as const]]) {
        const candidate = await candidateOf(store, 1, { gates })
        await expect(publishVersion(deps, candidate)).rejects.toMatchObject({ code: 'gate.failed' })
      }
      expect(await store.records.models()).toEqual([])
    })

    it('publishes nothing whose weights are not there, or that cannot be signed', async () => {
      const absent = await candidateOf(store, 1, { weights: { digest: 'c'.repeat(64), bytes: 10 } })
      await expect(publishVersion(deps, absent)).rejects.toMatchObject({ code: 'store.corrupt' })
      const broken = {
        ...deps,
        key: {
          publicKey: key.publicKey,
          sign: () => {
            throw new Error('the key is gone')
          },
        },
      }
      await expect(publishVersion(broken, await candidateOf(store, 1))).rejects.toThrow('the key is gone')
      await expect(publishVersion(deps, await candidateOf(store, 1, { rule: '' }))).rejects.toThrow()
      expect(await store.records.models()).toEqual([])
    })
  })
}

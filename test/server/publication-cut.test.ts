/** A coordinator that dies at any call to its store while it publishes leaves no half version, and no alias to nothing. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { recordIn } from '../../server/registry/alias-records.ts'
import { openDurableStore } from '../../server/store/durable/store.ts'
import type { Store } from '../../server/store/ports.ts'
import { candidateIn, registryOf, verifyStored } from '../support/release.ts'

const key = nodeCrypto.signingKey(new Uint8Array(32).fill(3))
const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

/** The store until its `last` call, which and after which nothing is answered any more: as if the process was gone. */
function cutAfter(store: Store, last: number): { readonly store: Store; readonly calls: () => number } {
  let calls = 0
  const cut = <Part extends object>(part: Part): Part =>
    new Proxy(part, {
      get(target, name) {
        const member = Reflect.get(target, name)
        if (typeof member !== 'function') return member
        return (...args: unknown[]) => {
          calls++
          if (calls > last) return Promise.reject(new Error('the process is gone'))
          return Reflect.apply(member, target, args)
        }
      },
    })
  return {
    store: {
      ...store,
      blobs: cut(store.blobs),
      records: cut(store.records),
      journal: cut(store.journal),
      close: () => store.close(),
    },
    calls: () => calls,
  }
}

async function published(
  last: number,
): Promise<{ readonly store: Store; readonly calls: number; readonly failed: boolean }> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-cut-'))
  folders.push(folder)
  const first = await openDurableStore({ folder })
  await registryOf(first, key).publish(await candidateIn(first, 1), 'production')
  const candidate = await candidateIn(first, 2)
  const cut = cutAfter(first, last)
  const failed = await registryOf(cut.store, key)
    .publish(candidate, 'production')
    .then(
      () => false,
      () => true,
    )
  await first.close()
  return { store: await openDurableStore({ folder }), calls: cut.calls(), failed }
}

async function expectWhole(store: Store, versions: number): Promise<void> {
  const all = await store.records.versions('heart')
  expect(all).toHaveLength(versions)
  for (const version of all) expect((await verifyStored(store, version, key.publicKey)).failed).toBeUndefined()
  const move = (await store.records.alias('heart', 'production'))!
  expect(all.map(({ number }) => number)).toContain(move.version)
  expect(recordIn(nodeCrypto, move.envelope).record).toMatchObject({ number: move.version, sequence: move.sequence })
}

it('at every call', async () => {
  const whole = await published(Number.POSITIVE_INFINITY)
  expect(whole.failed).toBe(false)
  await expectWhole(whole.store, 2)
  await whole.store.close()
  expect(whole.calls).toBeGreaterThan(20)
  for (let last = 0; last < whole.calls; last++) {
    const { store, failed } = await published(last)
    const after = (await store.records.versions('heart')).length
    // The last call of all only reads the alias for those who follow.
    expect([last, failed]).toEqual([last, true])
    await expectWhole(store, after)
    // What is done again after the restart publishes once.
    await registryOf(store, key).publish(await candidateIn(store, 2), 'production')
    await expectWhole(store, 2)
    expect((await store.records.alias('heart', 'production'))!.version).toBe(2)
    await store.close()
  }
})

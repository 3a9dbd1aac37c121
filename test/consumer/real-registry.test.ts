/** The consumer against the coordinator's own HTTP server: the contract that both ends were written to. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { folderCache, open } from '../../consumer/index.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { releaseKey, running } from '../server/http-fixtures.ts'
import { candidateIn, registryOf } from '../support/release.ts'
import { finally_, Happened } from './support.ts'

const key = toHex(releaseKey.publicKey)
const move = { model: 'heart', alias: 'production', reason: 'because', actor: 'operator' }

async function real() {
  const store = memoryStore()
  const registry = registryOf(store, releaseKey, { now: () => Date.now() })
  const { url, http } = await running({ store, registry })
  const folder = await mkdtemp(join(tmpdir(), 'parley-consumer-'))
  finally_(() => rm(folder, { recursive: true, force: true }))
  const happened = new Happened()
  const opening = async (reference: string, follow: 'stream' | 'none') => {
    const options = { url, key, follow, cache: folderCache(folder), onEvent: happened.add }
    const followed = await open(reference, options)
    finally_(() => followed.close())
    return followed
  }
  const publish = async (round: number) => registry.publish(await candidateIn(store, round), 'production')
  return { registry, happened, opening, publish, http }
}

it('a published version is opened, followed, rolled back, and left when it is withdrawn', async () => {
  const { registry, happened, opening, publish } = await real()
  await publish(1)
  const followed = await opening('heart', 'stream')
  expect(followed.current).toMatchObject({ model: 'heart', number: 1, why: 'stable' })
  expect([...followed.current.weights().get('w')!.values]).toEqual([1, 2, 3, 4])
  await publish(2)
  await happened.has('switched', { from: 1, to: 2 })
  expect([...followed.current.weights().get('w')!.values]).toEqual([2, 2, 3, 4])
  await registry.rollback(move)
  await happened.has('switched', { from: 2, to: 1 })
  expect(followed.current.number).toBe(1)
  await registry.promote({ ...move, number: 2 })
  await happened.has('switched', { from: 1, to: 2 }, 2)
  await registry.rollback(move)
  await happened.has('switched', { from: 2, to: 1 }, 2)
  expect(happened.of('following').map(({ sequence, number }) => `${sequence}:${number}`)).toEqual([
    '1:1',
    '2:2',
    '3:1',
    '4:2',
    '5:1',
  ])
  expect(happened.of('refused')).toEqual([])
})

it('what it kept is served when the coordinator is away', async () => {
  const { happened, opening, publish, http } = await real()
  await publish(1)
  await (await opening('heart', 'none')).close()
  await http.stop()
  expect((await opening('heart', 'none')).current.number).toBe(1)
  expect(happened.of('offline').length).toBe(1)
})

it('a version that is not there is not found', async () => {
  const { opening, publish } = await real()
  await publish(1)
  for (const reference of ['heart/2', 'heart@staging', 'lung', 'lung/1']) {
    await expect(opening(reference, 'none')).rejects.toMatchObject({ code: 'object.not-found' })
  }
})

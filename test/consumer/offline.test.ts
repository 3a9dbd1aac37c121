import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { folderCache, memoryCache, type OpenOptions } from '../../consumer/index.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import { DAY_MS } from './fake-registry.ts'
import { expectUnmixed, finally_, scene } from './support.ts'
import { pin, strangerKey } from './versions.ts'

/** A consumer that followed an alias to version 2 and went away; then the registry does. */
async function left(options: Partial<OpenOptions> = {}) {
  const made = await scene()
  const folder = await mkdtemp(join(tmpdir(), 'parley-consumer-'))
  finally_(() => rm(folder, { recursive: true, force: true }))
  const cache = folderCache(folder)
  const followed = await made.opening('heart', { cache, follow: 'none', ...options })
  await made.registry.move('production', 2)
  await followed.refresh()
  await followed.close()
  const port = made.registry.port
  await made.registry.stop()
  made.happened.all.length = 0
  return {
    ...made,
    folder,
    port,
    reopening: (more: Partial<OpenOptions> = {}) => made.opening('heart', { cache: folderCache(folder), ...more }),
  }
}

describe('without a registry', () => {
  it('the last good version is served from the folder, verified', async () => {
    const { reopening, happened } = await left()
    const { current } = await reopening()
    expect(current).toMatchObject({ number: 2, why: 'stable' })
    expectUnmixed(current)
    expect(happened.all.map(({ type }) => type)).toEqual(['offline', 'switched'])
  })

  it('it is followed again once the registry is back', async () => {
    const { reopening, registry, port, happened, clock } = await left()
    const followed = await reopening({ follow: 'poll' })
    await clock.timer(54_000)
    await registry.start(port)
    await registry.move('production', 3)
    clock.advance(54_000)
    await happened.has('switched', { from: 2, to: 3 })
    expect(happened.all.map(({ type }) => type)).toEqual([
      'offline',
      'switched',
      'back',
      'following',
      'downloading',
      'switched',
    ])
    expectUnmixed(followed.current)
  })

  it('it is said to be stale when its record has expired', async () => {
    const { reopening, clock, happened } = await left()
    clock.advance(30 * DAY_MS)
    expect((await reopening()).current.number).toBe(2)
    expect(happened.of('stale').length).toBe(1)
  })

  it('it is refused then, with whenStale: refuse', async () => {
    const { reopening, clock } = await left()
    clock.advance(30 * DAY_MS - 1)
    expect((await reopening({ whenStale: 'refuse' })).current.number).toBe(2)
    clock.advance(1)
    await expect(reopening({ whenStale: 'refuse' })).rejects.toMatchObject({ code: 'session.unreachable' })
  })

  it('it is not served to a consumer with another key', async () => {
    const { reopening } = await left()
    await expect(reopening({ key: toHex(strangerKey.publicKey) })).rejects.toMatchObject({
      code: 'session.unreachable',
    })
    expect((await reopening({ key: pin })).current.number).toBe(2)
  })

  it('a pinned version is served as well', async () => {
    const { opening, registry } = await scene()
    const cache = memoryCache()
    await (await opening('heart/3', { cache })).close()
    await registry.stop()
    expect((await opening('heart/3', { cache })).current).toMatchObject({ number: 3, why: 'pinned' })
  })
})

describe('a cache that somebody changed', () => {
  /** Changes a byte in each file of the cache, or cuts off its documents. */
  async function spoil(folder: string, kind: string): Promise<void> {
    for (const name of await readdir(join(folder, kind))) {
      const path = join(folder, kind, name)
      const bytes = await readFile(path)
      bytes[bytes.length >> 1]! ^= 1
      await writeFile(path, kind === 'files' ? bytes : bytes.subarray(0, bytes.length >> 1))
    }
  }

  it.each(['files', 'documents'])('serves nothing without a registry when its %s are altered', async (kind) => {
    const { reopening, folder } = await left()
    await spoil(folder, kind)
    await expect(reopening()).rejects.toMatchObject({ code: 'session.unreachable' })
  })

  it.each(['files', 'documents'])('is mended from the registry when its %s are altered', async (kind) => {
    const { reopening, folder, registry, port, happened } = await left()
    await spoil(folder, kind)
    await registry.start(port)
    expectUnmixed((await reopening({ follow: 'none' })).current)
    await registry.stop()
    happened.all.length = 0
    expectUnmixed((await reopening({ follow: 'none' })).current)
  })

  it('cannot put a version in the place of another', async () => {
    const { reopening, folder } = await left()
    const [name] = await readdir(join(folder, 'documents'))
    const path = join(folder, 'documents', name!)
    const text = await readFile(path, 'utf8')
    const [label, body] = text.split('\n')
    const document = JSON.parse(body!)
    const { current, previous } = document
    document.current = { ...previous, number: current.number, root: current.root }
    document.previous = null
    await writeFile(path, `${label}\n${JSON.stringify(document)}`)
    await expect(reopening()).rejects.toMatchObject({ code: 'session.unreachable' })
  })
})

it('a record that was believed before its version came is no reason to serve nothing', async () => {
  const { opening, registry, happened } = await scene()
  const cache = memoryCache()
  const followed = await opening('heart', { cache, follow: 'none' })
  await registry.move('production', 2)
  registry.intercept = (request, response) => {
    if (!request.url?.includes('/versions/2/')) return false
    response.writeHead(500).end()
    return true
  }
  await expect(followed.refresh()).rejects.toMatchObject({ code: 'session.unreachable' })
  expect(followed.current.number).toBe(1)
  await followed.close()
  await registry.stop()
  expect((await opening('heart', { cache, follow: 'none' })).current.number).toBe(1)
  expect(happened.of('refused').length).toBeGreaterThan(0)
})

it('a cache whose disk is full or broken keeps nobody from a version', async () => {
  const { opening, happened } = await scene()
  const cache = memoryCache()
  const broken = Object.fromEntries(
    Object.keys(cache).map((name) => [
      name,
      async () => {
        throw new Error('ENOSPC')
      },
    ]),
  ) as unknown as typeof cache
  expectUnmixed((await opening('heart', { cache: broken, follow: 'none' })).current)
  expect(new Set(happened.of('refused').map(({ code, reason }) => `${code} ${reason}`))).toEqual(
    new Set(['store.failed ENOSPC']),
  )
})

it('the cache keeps the current and the previous version, and what others need, and drops the rest', async () => {
  const { opening, registry } = await scene()
  const cache = memoryCache()
  await (await opening('heart/1', { cache })).close()
  const followed = await opening('heart', { cache, follow: 'none' })
  const sizes: number[] = []
  for (const number of [2, 3, 2, 3]) {
    await registry.move('production', number)
    await followed.refresh()
    sizes.push((await cache.files()).length)
  }
  // Version 1 is pinned by another.
  const each = (await opening('heart/1', { cache, follow: 'none' })).current.manifest.files.length
  expect(sizes).toEqual([2 * each, 3 * each, 3 * each, 3 * each])
  const alone = memoryCache()
  const other = await opening('heart', { cache: alone, follow: 'none' })
  for (const number of [1, 2, 3]) {
    await registry.move('production', number)
    await other.refresh()
  }
  expect((await alone.files()).length).toBe(2 * each)
})

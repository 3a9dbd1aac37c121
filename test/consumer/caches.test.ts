import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type BrowserCache, type BrowserCaches, cacheStorageCache } from '../../consumer/cache/cache-storage.ts'
import { folderCache, memoryCache } from '../../consumer/index.ts'
import { contract } from './cache-contract.ts'

const folder = () => mkdtemp(join(tmpdir(), 'parley-cache-'))

/** The CacheStorage of a browser, as far as it is used. */
function fakeCaches(): BrowserCaches {
  const caches = new Map<string, BrowserCache>()
  const make = (): BrowserCache => {
    const entries = new Map<string, Response>()
    return {
      match: async (url) => entries.get(url)?.clone() as Response | undefined,
      put: async (url, response) => void entries.set(url, response),
      delete: async (url) => entries.delete(url),
      keys: async () => [...entries.keys()].map((url) => ({ url })),
    }
  }
  return {
    async open(name) {
      const cache = caches.get(name) ?? make()
      caches.set(name, cache)
      return cache
    },
  }
}

contract('memory', async () => ({ cache: memoryCache() }), { keepsParts: true })
contract(
  'folder',
  async () => {
    const path = await folder()
    return { cache: folderCache(join(path, 'not', 'there', 'yet')), close: () => rm(path, { recursive: true }) }
  },
  { keepsParts: true },
)
contract('CacheStorage', async () => ({ cache: cacheStorageCache('parley', fakeCaches()) }), { keepsParts: true })

describe('a folder', () => {
  const digest = 'c'.repeat(64)
  const made = async () => {
    const path = await folder()
    return { path, cache: folderCache(path), [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
  }

  it('is found again by the next program, parts included', async () => {
    await using one = await made()
    await one.cache.writeDocument('heart@production', Uint8Array.of(1))
    const part = await one.cache.part(digest)
    await part.write(0, Uint8Array.of(1, 2, 3))
    await part.close()
    const next = folderCache(one.path)
    expect(await next.document('heart@production', 9)).toEqual(Uint8Array.of(1))
    const again = await next.part(digest)
    expect(await again.read(9)).toEqual(Uint8Array.of(1, 2, 3))
    await again.close()
  })

  it('leaves no temporary files', async () => {
    await using one = await made()
    for (let i = 0; i < 5; i++) await one.cache.writeDocument('x', Uint8Array.of(i))
    const part = await one.cache.part(digest)
    await part.write(0, Uint8Array.of(1))
    await part.commit(1)
    expect((await readdir(join(one.path, 'documents'))).length).toBe(1)
    expect(await readdir(join(one.path, 'parts'))).toEqual([])
  })

  it('ignores what it did not put there', async () => {
    await using one = await made()
    await one.cache.writeDocument('x', Uint8Array.of(1))
    await mkdir(join(one.path, 'files'))
    await writeFile(join(one.path, 'files', 'README'), 'hello')
    await writeFile(join(one.path, 'documents', 'other.json'), 'no name here')
    await mkdir(join(one.path, 'files', digest))
    await symlink('/etc/passwd', join(one.path, 'documents', 'link.json'))
    expect(await one.cache.documents()).toEqual(['x'])
    expect(await one.cache.files()).toEqual([digest])
    expect(await one.cache.file(digest, 4_096)).toBeUndefined()
  })

  it.each(['../x', 'a/b', '', 'ä'])('refuses the name %j', async (name) => {
    await using one = await made()
    await expect(one.cache.writeDocument(name, Uint8Array.of(1))).rejects.toMatchObject({ code: 'request.invalid' })
    await expect(one.cache.file(name, 1)).rejects.toMatchObject({ code: 'request.invalid' })
  })

  it.skipIf(process.getuid?.() === 0)('says that it may not write', async () => {
    await using one = await made()
    await chmod(one.path, 0o500)
    await expect(one.cache.writeDocument('x', Uint8Array.of(1))).rejects.toMatchObject({ code: 'store.failed' })
    await chmod(one.path, 0o700)
  })
})

it('CacheStorage is missed where it is not', () => {
  expect(() => cacheStorageCache()).toThrow(expect.objectContaining({ code: 'store.failed' }))
})

import { ParleyError } from '../../core/errors/index.ts'
import { PartInMemory } from './memory.ts'
import type { VersionCache } from './version-cache.ts'

/** What is used of a browser's `Cache` (Service Workers, section 5.4). */
export interface BrowserCache {
  match(url: string): Promise<Response | undefined>
  put(url: string, response: Response): Promise<void>
  delete(url: string): Promise<boolean>
  keys(): Promise<readonly { readonly url: string }[]>
}

export interface BrowserCaches {
  open(name: string): Promise<BrowserCache>
}

/** Keys of a browser's cache are addresses; nobody is asked at this one (RFC 6761, section 6.4). */
const ADDRESS = 'https://parley.invalid'

/**
 * A cache in the browser's CacheStorage, which pages have over HTTPS and on localhost. A file that is being downloaded is in
 * memory until it is complete. Throws `store.failed` where there is no CacheStorage.
 */
export function cacheStorageCache(name = 'parley', caches: BrowserCaches | undefined = browserCaches()): VersionCache {
  if (caches === undefined) throw new ParleyError('store.failed', 'there is no CacheStorage here')
  const opened = caches
  const parts = new Map<string, PartInMemory>()
  const documentUrl = (document: string) => `${ADDRESS}/documents/${encodeURIComponent(document)}`
  const fileUrl = (sha256: string) => `${ADDRESS}/files/${sha256}`

  const read = (url: string, fits: (length: number) => boolean) =>
    storing(async () => {
      const response = await (await opened.open(name)).match(url)
      const length = Number(response?.headers.get('content-length') ?? Number.NaN)
      if (response === undefined || !fits(length)) return undefined
      const bytes = new Uint8Array(await response.arrayBuffer())
      return bytes.length === length ? bytes : undefined
    })
  const write = (url: string, bytes: Uint8Array) =>
    storing(async () => {
      const headers = { 'content-length': String(bytes.length), 'content-type': 'application/octet-stream' }
      await (await opened.open(name)).put(url, new Response(bytes.slice(), { headers }))
    })
  const listed = (kind: string) =>
    storing(async () => {
      const prefix = `${ADDRESS}/${kind}/`
      const keys = await (await opened.open(name)).keys()
      return keys.filter(({ url }) => url.startsWith(prefix)).map(({ url }) => url.slice(prefix.length))
    })

  return {
    document: (document, maxBytes) => read(documentUrl(document), (length) => length <= maxBytes),
    writeDocument: (document, bytes) => write(documentUrl(document), bytes),
    documents: async () => (await listed('documents')).map(decodeURIComponent),
    file: (sha256, length) => read(fileUrl(sha256), (found) => found === length),
    has: (sha256, length) =>
      storing(async () => {
        const response = await (await opened.open(name)).match(fileUrl(sha256))
        return response?.headers.get('content-length') === String(length)
      }),
    async part(sha256) {
      const part =
        parts.get(sha256) ??
        new PartInMemory(async (bytes) => {
          await write(fileUrl(sha256), bytes)
          parts.delete(sha256)
        })
      parts.set(sha256, part)
      return part
    },
    files: async () => [...new Set([...(await listed('files')), ...parts.keys()])],
    async remove(sha256) {
      parts.delete(sha256)
      await storing(async () => (await opened.open(name)).delete(fileUrl(sha256)))
    },
  }
}

function browserCaches(): BrowserCaches | undefined {
  return Reflect.get(globalThis, 'caches')
}

async function storing<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (failure) {
    const full = failure instanceof Error && failure.name === 'QuotaExceededError'
    throw ParleyError.from(failure, full ? 'store.full' : 'store.failed')
  }
}

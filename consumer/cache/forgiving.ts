import { ParleyError } from '../../core/errors/index.ts'
import { PartInMemory } from './memory.ts'
import type { CachePart, VersionCache } from './version-cache.ts'

/**
 * A cache that never fails: what its storage throws is reported, and is as if nothing were kept. A full disk must not keep
 * a consumer from a version that it can hold in memory.
 */
export function forgiving(cache: VersionCache, report: (failure: ParleyError) => void): VersionCache {
  async function trying<Result>(work: () => Promise<Result>, otherwise: Result): Promise<Result> {
    try {
      return await work()
    } catch (failure) {
      report(ParleyError.from(failure, 'store.failed'))
      return otherwise
    }
  }

  return {
    document: (name, maxBytes) => trying(() => cache.document(name, maxBytes), undefined),
    writeDocument: (name, bytes) => trying(() => cache.writeDocument(name, bytes), undefined),
    documents: () => trying(() => cache.documents(), []),
    file: (sha256, length) => trying(() => cache.file(sha256, length), undefined),
    // What cannot be looked for cannot be written either.
    has: (sha256, length) => trying(() => cache.has(sha256, length), true),
    files: () => trying(() => cache.files(), []),
    remove: (sha256) => trying(() => cache.remove(sha256), undefined),
    async part(sha256) {
      const part = await trying<CachePart>(() => cache.part(sha256), new PartInMemory(async () => {}))
      return {
        read: (length) => trying(() => part.read(length), new Uint8Array(0)),
        write: (offset, piece) => trying(() => part.write(offset, piece), undefined),
        commit: (length) => trying(() => part.commit(length), undefined),
        close: () => trying(() => part.close(), undefined),
      }
    },
  }
}

import type { CachePart, VersionCache } from './version-cache.ts'

/** Keeps versions while the program runs. */
export function memoryCache(): VersionCache {
  const documents = new Map<string, Uint8Array>()
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  const parts = new Map<string, PartInMemory>()

  return {
    async document(name, maxBytes) {
      const bytes = documents.get(name)
      return bytes === undefined || bytes.length > maxBytes ? undefined : bytes.slice()
    },
    async writeDocument(name, bytes) {
      documents.set(name, bytes.slice())
    },
    documents: async () => [...documents.keys()],
    async file(sha256, length) {
      const bytes = files.get(sha256)
      return bytes?.length === length ? bytes.slice() : undefined
    },
    has: async (sha256, length) => files.get(sha256)?.length === length,
    async part(sha256) {
      const part =
        parts.get(sha256) ??
        new PartInMemory(async (bytes) => {
          files.set(sha256, bytes)
          parts.delete(sha256)
        })
      parts.set(sha256, part)
      return part
    },
    files: async () => [...new Set([...files.keys(), ...parts.keys()])],
    async remove(sha256) {
      files.delete(sha256)
      parts.delete(sha256)
    },
  }
}

/** A file that is written in memory, for storages that take files only whole. */
export class PartInMemory implements CachePart {
  readonly #keep: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>
  #bytes = new Uint8Array(0)
  #length = 0

  constructor(keep: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>) {
    this.#keep = keep
  }

  async read(length: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#bytes.slice(0, Math.min(length, this.#length))
  }

  async write(offset: number, piece: Uint8Array): Promise<void> {
    const end = offset + piece.length
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#bytes.length))
      larger.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = larger
    }
    this.#bytes.set(piece, offset)
    this.#length = end
  }

  async commit(length: number): Promise<void> {
    await this.#keep(this.#bytes.slice(0, length))
  }

  async close(): Promise<void> {}
}

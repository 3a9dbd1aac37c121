import type { Crypto, Hasher } from '../../core/crypto/primitives.ts'
import { fromHex, toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { FrameOf } from '../../core/wire/frame.ts'
import type { Link } from '../../core/wire/link.ts'

type Fetch = {
  readonly name: string
  readonly bytes: Uint8Array
  readonly hash: Hasher
  offset: number
  readonly resolve: (bytes: Uint8Array) => void
  readonly reject: (error: ParleyError) => void
}

/**
 * Downloads blobs of known digest and length. A download outlives the session it began in: it goes on at the byte where
 * it stopped, over whichever connection comes next. Memory is taken once, for the length that the coordinator signed.
 */
export class Fetcher {
  readonly #crypto: Crypto
  readonly #open = new Map<string, Fetch>()
  #link: Link | undefined

  constructor(crypto: Crypto) {
    this.#crypto = crypto
  }

  attach(link: Link): void {
    this.#link = link
    for (const fetch of this.#open.values()) this.#request(fetch)
  }

  detach(): void {
    this.#link = undefined
  }

  /**
   * The bytes of a blob. Rejects with `node.model-mismatch` when they do not have the digest, `object.not-found` when the
   * coordinator does not have them, `interrupted` when `signal` fires. `into` is memory that is used where it has the
   * length: fresh memory costs more than the copy into it.
   */
  fetch(digest: string, length: number, signal: AbortSignal, into?: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#open.delete(digest)
        reject(new ParleyError('interrupted', 'the download is no longer needed'))
      }
      if (signal.aborted) return abort()
      const settle = <T>(then: (value: T) => void) => {
        return (value: T) => {
          signal.removeEventListener('abort', abort)
          this.#open.delete(digest)
          then(value)
        }
      }
      signal.addEventListener('abort', abort, { once: true })
      const fetch: Fetch = {
        name: digest,
        bytes: into?.length === length ? into : new Uint8Array(length),
        hash: this.#crypto.hasher(),
        offset: 0,
        resolve: settle(resolve),
        reject: settle(reject),
      }
      this.#open.set(digest, fetch)
      this.#request(fetch)
    })
  }

  /** Takes a chunk. A chunk that nobody waits for any more is dropped; one at a wrong place ends the session. */
  chunk({ digest, offset, data }: FrameOf<'blobChunk'>): void {
    const fetch = this.#open.get(toHex(digest))
    if (fetch === undefined) return
    if (offset !== fetch.offset || data.length === 0 || offset + data.length > fetch.bytes.length) {
      throw new ParleyError('session.protocol', 'a chunk came that was not asked for')
    }
    fetch.bytes.set(data, offset)
    fetch.hash.update(data)
    fetch.offset += data.length
    if (fetch.offset < fetch.bytes.length) return
    if (toHex(fetch.hash.digest()) === fetch.name) fetch.resolve(fetch.bytes)
    else fetch.reject(new ParleyError('node.model-mismatch'))
  }

  absent({ digest }: FrameOf<'blobAbsent'>): void {
    this.#open.get(toHex(digest))?.reject(new ParleyError('object.not-found', 'the coordinator does not have the blob'))
  }

  #request(fetch: Fetch): void {
    const digest = fromHex(fetch.name) ?? new Uint8Array(0)
    // A link that is gone drops the request; the next one sends it again.
    this.#link?.send({ type: 'blobRequest', digest, offset: fetch.offset }).catch(() => {})
  }
}

import type { Hasher } from '../../core/crypto/primitives.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { Manifest, VersionFile } from '../../core/release/manifest.ts'
import type { CachePart } from '../cache/version-cache.ts'
import type { Registry } from '../http/registry.ts'
import { consumerLimits } from '../limits.ts'
import type { Settings } from '../options.ts'
import { Backoff } from '../wait.ts'

type Deps = Pick<Settings, 'crypto' | 'cache' | 'clock' | 'random'> & { readonly registry: Registry }

/** A file from the cache; undefined when it is not there as the manifest lists it, and then it is not there any more. */
export async function cachedFile(
  { crypto, cache }: Pick<Deps, 'crypto' | 'cache'>,
  { sha256, bytes: length }: VersionFile,
): Promise<Uint8Array | undefined> {
  const bytes = await cache.file(sha256, length)
  if (bytes === undefined) return undefined
  if (toHex(crypto.sha256(bytes)) === sha256) return bytes
  await cache.remove(sha256)
  return undefined
}

/**
 * Downloads a file into the cache and gives its bytes, which have the length and the digest of the manifest. Goes on where a
 * connection broke, also one of an earlier program. Throws `verify.failed` for other bytes, of which nothing is kept.
 */
export async function downloadFile(
  deps: Deps,
  { number }: Manifest,
  file: VersionFile,
  signal: AbortSignal,
): Promise<Uint8Array> {
  for (let again = false; ; again = true) {
    const part = await deps.cache.part(file.sha256)
    const download = new Download(deps, file, part)
    const before = again ? 0 : await download.resume()
    try {
      await download.run(number, signal)
      await part.commit(file.bytes)
      return download.bytes
    } catch (failure) {
      await part.close()
      const { code } = ParleyError.from(failure)
      if (code === 'verify.failed') await deps.cache.remove(file.sha256)
      // Perhaps what was there before was at fault, and not the registry.
      if (code !== 'verify.failed' || before === 0) throw failure
    }
  }
}

/** A file as it comes: hashed, written to the cache, and kept. */
class Download {
  readonly bytes: Uint8Array
  readonly #deps: Deps
  readonly #file: VersionFile
  readonly #part: CachePart
  #hasher: Hasher
  #done = 0

  constructor(deps: Deps, file: VersionFile, part: CachePart) {
    this.#deps = deps
    this.#file = file
    this.#part = part
    this.#hasher = deps.crypto.hasher()
    // So long as the manifest says, which is signed and within the limit.
    this.bytes = new Uint8Array(file.bytes)
  }

  /** How many bytes were there already. */
  async resume(): Promise<number> {
    const found = await this.#part.read(this.#file.bytes)
    this.#take(found)
    return found.length
  }

  async run(number: number, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#deps
    const backoff = new Backoff(random, consumerLimits.backoffMs)
    for (let broken = 0; this.#done < this.#file.bytes; ) {
      const before = this.#done
      try {
        await this.#attempt(number, signal)
      } catch (thrown) {
        const error = ParleyError.from(thrown)
        if (signal.aborted || !error.entry.retryable || error.code === 'interrupted') throw error
        if (this.#done > before) {
          broken = 0
          backoff.reset()
        }
        if (++broken >= consumerLimits.brokenDownloads) throw error
        await backoff.wait(clock, signal)
      }
    }
    const found = toHex(this.#hasher.digest())
    if (found !== this.#file.sha256) {
      throw new ParleyError('verify.failed', `${this.#file.path} has SHA-256 ${found}, not ${this.#file.sha256}`)
    }
  }

  async #attempt(number: number, signal: AbortSignal): Promise<void> {
    const answer = await this.#deps.registry.file(number, this.#file, this.#done, signal)
    try {
      if (answer.from !== this.#done) this.#restart()
      for await (const piece of answer.body) {
        if (this.#done + piece.length > this.#file.bytes) {
          throw new ParleyError('verify.failed', `${this.#file.path} is longer than its ${this.#file.bytes} bytes`)
        }
        const at = this.#done
        this.#take(piece)
        await this.#part.write(at, piece)
      }
      if (this.#done < this.#file.bytes) throw new ParleyError('session.closed', `${this.#file.path} is cut off`)
    } finally {
      answer.end()
    }
  }

  #take(piece: Uint8Array): void {
    this.bytes.set(piece, this.#done)
    this.#hasher.update(piece)
    this.#done += piece.length
  }

  #restart(): void {
    this.#done = 0
    this.#hasher = this.#deps.crypto.hasher()
  }
}

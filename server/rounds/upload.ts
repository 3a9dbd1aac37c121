import { TAG_BYTES } from '../../core/crypto/primitives.ts'
import type { Opener } from '../../core/crypto/seal.ts'
import { SEALED_SEGMENT_BYTES, sealedLength, segmentCount } from '../../core/crypto/seal.ts'
import { float32View } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { SEGMENT_BYTES } from '../../core/wire/limits.ts'
import type { RowMemory } from '../aggregation/round-matrix.ts'
import type { UpdateScreen } from '../aggregation/screen.ts'
import type { BlobStore, BlobWriter, Digest } from '../store/ports.ts'

export type SpoolInput = {
  readonly spool: Pick<BlobStore, 'size' | 'read' | 'resume' | 'remove'>
  readonly digest: Digest
  readonly plainBytes: number
  readonly opener: Opener
  readonly screen: () => UpdateScreen
  /** Memory that keeps the plain values, so that they need not be read again; used where the upload came in one piece. */
  readonly memory?: RowMemory | undefined
}

/**
 * Spools one sealed update: each segment is opened and screened as it comes and stored as it came, so that what lies on
 * disk is never in the clear. What an earlier connection left is screened once more at the end.
 */
export class UpdateSpool {
  readonly #input: SpoolInput
  readonly #writer: BlobWriter | undefined
  readonly #screen: UpdateScreen
  readonly #resumed: boolean
  readonly #memory: RowMemory | undefined
  readonly #length: number
  #offset: number
  #writing: Promise<void> = Promise.resolve()
  #taken = false

  private constructor(input: SpoolInput, writer: BlobWriter | undefined) {
    this.#input = input
    this.#writer = writer
    this.#screen = input.screen()
    this.#length = sealedLength(input.plainBytes)
    this.#offset = writer?.written ?? this.#length
    this.#resumed = this.#offset > 0
    this.#memory = this.#resumed ? undefined : input.memory
    if (this.#resumed) input.memory?.release()
  }

  static async open(input: SpoolInput): Promise<UpdateSpool> {
    const length = sealedLength(input.plainBytes)
    // Complete already: a coordinator died between storing the last segment and writing it into the journal.
    const stored = await input.spool.size(input.digest)
    if (stored !== undefined) return new UpdateSpool(input, undefined)
    return new UpdateSpool(input, await input.spool.resume(input.digest, length, SEALED_SEGMENT_BYTES))
  }

  get offset(): number {
    return this.#offset
  }

  get complete(): boolean {
    return this.#offset === this.#length
  }

  /** Throws the named refusal; nothing of the update is kept then. */
  async segment(offset: number, data: Uint8Array): Promise<void> {
    const index = offset / SEALED_SEGMENT_BYTES
    const expected = Math.min(SEALED_SEGMENT_BYTES, this.#length - this.#offset)
    if (this.#writer === undefined || offset !== this.#offset || data.length !== expected) {
      throw new ParleyError(
        'upload.chunk-invalid',
        `a chunk of ${data.length} bytes at ${offset} came; ${expected} bytes at ${this.#offset} were due`,
      )
    }
    const plain = this.#input.opener.segment(index, data)
    const values = this.#memory?.write(index, plain) ?? float32View(plain)
    if (!this.#resumed) this.#screen.add(values)
    // The last segment goes to the disk while this one was opened and screened.
    await this.#writing
    this.#writing = this.#writer.write(data)
    // A write that fails is found with the next segment, or with the commit.
    this.#writing.catch(() => {})
    this.#offset += data.length
  }

  /** Makes the complete update durable and returns its norm. Throws the named refusal. */
  async commit(): Promise<number> {
    await this.#writing
    await this.#writer?.commit()
    const screen = this.#resumed ? await this.#screenStored() : this.#screen
    screen.finish?.()
    return screen.norm
  }

  /** Opens the segments of the update. */
  get opener(): Opener {
    return this.#input.opener
  }

  /** The values of the complete update, where they are in memory; they are the caller's to release from then on. */
  takeMemory(): RowMemory | undefined {
    this.#taken = true
    return this.#memory
  }

  async discard(): Promise<void> {
    this.#memory?.release()
    await this.#writer?.release()
    await this.#input.spool.remove(this.#input.digest)
  }

  async release(): Promise<void> {
    if (!this.#taken) this.#memory?.release()
    await this.#writer?.release()
  }

  async #screenStored(): Promise<UpdateScreen> {
    const screen = this.#input.screen()
    const { spool, digest, plainBytes, opener } = this.#input
    for (let index = 0; index < segmentCount(plainBytes); index++) {
      screen.add(float32View(await readSegment(spool, digest, plainBytes, opener, index)))
    }
    return screen
  }
}

/** The plain bytes of one segment of a spooled update. The sealed ones are read into `scratch` where it is long enough. */
export async function readSegment(
  spool: Pick<BlobStore, 'read'>,
  digest: Digest,
  plainBytes: number,
  opener: Opener,
  index: number,
  scratch?: Uint8Array,
): Promise<Uint8Array> {
  const length = Math.min(SEGMENT_BYTES, plainBytes - index * SEGMENT_BYTES) + TAG_BYTES
  return opener.segment(index, await spool.read(digest, index * SEALED_SEGMENT_BYTES, length, scratch))
}

import { ParleyError } from '../errors/index.ts'

/** What one held frame costs besides its bytes: without it, empty frames would be free and a queue of them endless. */
const FRAME_OVERHEAD = 64

export const queuedBytes = (frame: Uint8Array): number => frame.length + FRAME_OVERHEAD

type Waiting<Value> = { resolve(value: Value): void; reject(error: ParleyError): void }

export type FrameQueueOptions = {
  /** Bytes held (frames and their overhead) from which on the source is asked to pause; at half of it, to resume. */
  readonly highBytes: number
  pause?(): void
  resume?(): void
  /** Called with the cost of every frame that a reader has taken, or that was thrown away unread. */
  taken?(bytes: number): void
}

/**
 * The inbound side of a connection: a push source (the events of a socket) in front, a pulled AsyncIterable behind.
 * The source is paused while nobody pulls; what it delivers all the same is held, so that no frame is lost.
 */
export class FrameQueue implements AsyncIterable<Uint8Array> {
  readonly #options: FrameQueueOptions
  readonly #frames: Uint8Array[] = []
  readonly #readers: Waiting<IteratorResult<Uint8Array>>[] = []
  #highBytes: number
  #bytes = 0
  #head = 0
  #paused = false
  #end: { readonly error: ParleyError | undefined } | undefined

  constructor(options: FrameQueueOptions) {
    this.#options = options
    this.#highBytes = options.highBytes
  }

  /** Moves the high-water mark, for instance once the peer is authenticated. */
  set highBytes(bytes: number) {
    this.#highBytes = bytes
    this.#resumeIfLow()
  }

  push(frame: Uint8Array): void {
    if (this.#end !== undefined) return
    const reader = this.#readers.shift()
    if (reader !== undefined) {
      this.#options.taken?.(queuedBytes(frame))
      reader.resolve({ done: false, value: frame })
      return
    }
    this.#frames.push(frame)
    this.#bytes += queuedBytes(frame)
    if (!this.#paused && this.#bytes >= this.#highBytes) {
      this.#paused = true
      this.#options.pause?.()
    }
  }

  /** No more frames will come: readers get what is held, then the end or `error`. The first call counts. */
  finish(error?: ParleyError): void {
    if (this.#end !== undefined) return
    this.#end = { error }
    for (const reader of this.#readers.splice(0)) settle(reader, this.#end.error)
  }

  /** Throws away what is held and ends: this side closed, nobody wants the rest. */
  discard(): void {
    this.finish()
    this.#end = { error: undefined }
    const bytes = this.#bytes
    this.#frames.length = 0
    this.#head = 0
    this.#bytes = 0
    if (bytes > 0) this.#options.taken?.(bytes)
    this.#resumeIfLow()
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return { next: () => this.#next() }
  }

  #next(): Promise<IteratorResult<Uint8Array>> {
    const frame = this.#shift()
    if (frame !== undefined) return Promise.resolve({ done: false, value: frame })
    return new Promise((resolve, reject) => {
      if (this.#end === undefined) this.#readers.push({ resolve, reject })
      else settle({ resolve, reject }, this.#end.error)
    })
  }

  #shift(): Uint8Array | undefined {
    const frame = this.#frames[this.#head]
    if (frame === undefined) return undefined
    this.#head++
    // Moving the rest down at every shift would be quadratic in the number of small frames held.
    if (this.#head >= 1024 || this.#head === this.#frames.length) {
      this.#frames.splice(0, this.#head)
      this.#head = 0
    }
    this.#bytes -= queuedBytes(frame)
    this.#options.taken?.(queuedBytes(frame))
    this.#resumeIfLow()
    return frame
  }

  #resumeIfLow(): void {
    if (!this.#paused || this.#bytes > this.#highBytes / 2) return
    this.#paused = false
    this.#options.resume?.()
  }
}

function settle(reader: Waiting<IteratorResult<Uint8Array>>, error: ParleyError | undefined): void {
  if (error === undefined) reader.resolve({ done: true, value: undefined })
  else reader.reject(error)
}

/**
 * The outbound side of a connection: counts what a carrier has taken over and the peer has not yet taken.
 *
 * A sender that waits for every `send` is held at a quarter of the limit; one that does not wait is refused at the limit.
 */
export class SendWindow {
  readonly #limitBytes: number
  readonly #waiting: Waiting<void>[] = []
  #bytes = 0
  #closed: ParleyError | undefined

  /** @param limitBytes most bytes taken over and not yet passed on; a single larger frame is still taken when idle. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /** Counts `bytes` in. Throws `session.closed`, or `session.slow-consumer` if the limit would be passed. */
  take(bytes: number): void {
    if (this.#closed !== undefined) throw this.#closed
    if (this.#bytes > 0 && this.#bytes + bytes > this.#limitBytes) {
      throw new ParleyError('session.slow-consumer', 'the send queue of the connection is full')
    }
    this.#bytes += bytes
  }

  /** Resolves when there is room for another frame; rejects with `session.closed`. */
  room(): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    if (this.#bytes <= this.#limitBytes / 4) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** Counts `bytes` out: the peer, or the network on its behalf, has taken them. */
  passed(bytes: number): void {
    this.#bytes -= bytes
    if (this.#bytes > this.#limitBytes / 4) return
    for (const waiting of this.#waiting.splice(0)) waiting.resolve(undefined)
  }

  /** Every present and later sender is refused with `session.closed`. */
  close(message = 'the connection is closed'): void {
    if (this.#closed !== undefined) return
    this.#closed = new ParleyError('session.closed', message)
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#closed)
  }
}

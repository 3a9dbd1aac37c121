import type { Clock } from '../clock.ts'
import { ParleyError } from '../errors/index.ts'
import type { Connection } from './connection.ts'
import { decodeFrame, encodeFrame, type Frame } from './frame.ts'

export type LinkOptions = {
  readonly clock: Clock
  /** Silence in milliseconds after which waiting for a frame fails with `session.idle`. */
  readonly idleMs: number
  /** Milliseconds that a frame may wait for the peer to read, before the link fails with `session.slow-consumer`. */
  readonly stallMs: number
}

/**
 * A connection that speaks frames: encoding, heartbeats, silence and stalls, named ends. Both ends of a session use it.
 * Heartbeats are sent and swallowed here; a `Close` of the peer becomes the error that it names.
 */
export class Link {
  readonly #connection: Connection
  readonly #options: LinkOptions
  readonly #frames: AsyncIterator<Uint8Array | Frame>
  #idleMs: number
  #sentAt: number
  #failure: ParleyError | undefined
  #sending: Promise<void> = Promise.resolve()
  #stopHeartbeats: () => void = () => {}

  constructor(connection: Connection, options: LinkOptions) {
    this.#connection = connection
    this.#options = options
    this.#idleMs = options.idleMs
    this.#sentAt = options.clock.monotonic()
    this.#frames = (connection.direct ?? connection).frames[Symbol.asyncIterator]()
    void connection.closed.then(() => this.#stopHeartbeats())
  }

  get carrier() {
    return this.#connection.carrier
  }

  get remote(): string {
    return this.#connection.remote
  }

  get closed(): Promise<void> {
    return this.#connection.closed
  }

  /** Sends a heartbeat whenever a third of the idle time went by without another frame. */
  startHeartbeats(idleMs: number): void {
    this.#idleMs = idleMs
    this.#stopHeartbeats()
    this.#beat(idleMs / 3)
  }

  /** Resolves when the frame was taken over and there is room for another. Frames go out in the order of the calls. */
  send(frame: Frame): Promise<void> {
    const { direct } = this.#connection
    if (direct !== undefined) return this.#inTurn(() => direct.send(frame))
    return this.sendEncoded(() => encodeFrame(frame))
  }

  /** The same for a frame that is encoded when its turn comes, or that several links share. */
  sendEncoded(encode: () => Uint8Array): Promise<void> {
    const { direct } = this.#connection
    return this.#inTurn(() => direct?.send(decodeFrame(encode())) ?? this.#connection.send(encode()))
  }

  #inTurn(send: () => Promise<void>): Promise<void> {
    const sent = this.#sending.then(() => this.#send(send))
    this.#sending = sent.catch(() => {})
    return sent
  }

  async #send(send: () => Promise<void>): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    this.#sentAt = this.#options.clock.monotonic()
    const cancel = this.#options.clock.after(this.#options.stallMs, () => {
      this.destroy(new ParleyError('session.slow-consumer'))
    })
    try {
      await send()
    } catch (cause) {
      throw this.#failure ?? cause
    } finally {
      cancel()
    }
  }

  /**
   * The next frame, or undefined when the peer closed without a reason. Throws what the peer named in its `Close`,
   * `session.idle` after silence, `frame.too-large` above `maxBytes`, and whatever the carrier found.
   */
  async read(maxBytes = Number.POSITIVE_INFINITY): Promise<Frame | undefined> {
    for (;;) {
      const next = await this.#next()
      if (next === undefined) return undefined
      if (next instanceof Uint8Array && next.length > maxBytes) {
        throw new ParleyError('frame.too-large', `a frame of ${next.length} bytes came`)
      }
      const frame = next instanceof Uint8Array ? decodeFrame(next) : next
      if (frame.type === 'heartbeat') continue
      if (frame.type === 'close') {
        const { code, message, retryAfterMs } = frame
        throw ParleyError.fromPeer(code, message.slice(0, 500), { retryAfterMs })
      }
      return frame
    }
  }

  /** Tells the peer why, then closes. */
  fail(error: ParleyError, retryAfterMs = 0): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#stopHeartbeats()
    const close = { type: 'close', code: error.code, message: error.message, retryAfterMs } as const
    const { direct } = this.#connection
    ;(direct?.send(close) ?? this.#connection.send(encodeFrame(close))).catch(() => {})
    this.#connection.close(error.code)
    // A peer that reads nothing would keep the connection open for ever.
    const cancel = this.#options.clock.after(Math.min(this.#options.stallMs, 5_000), () => this.#connection.destroy())
    void this.#connection.closed.then(cancel)
  }

  /** Closes at once, without a word to the peer. */
  destroy(error: ParleyError): void {
    this.#failure ??= error
    this.#stopHeartbeats()
    this.#connection.destroy()
  }

  async #next(): Promise<Uint8Array | Frame | undefined> {
    if (this.#failure !== undefined) throw this.#failure
    // Only waiting is silence: while nobody reads, nothing can be heard.
    const cancel = this.#options.clock.after(this.#idleMs, () => this.fail(new ParleyError('session.idle')))
    try {
      const next = await this.#frames.next()
      if (this.#failure !== undefined) throw this.#failure
      return next.done === true ? undefined : next.value
    } catch (cause) {
      throw this.#failure ?? cause
    } finally {
      cancel()
    }
  }

  #beat(intervalMs: number): void {
    const { clock } = this.#options
    this.#stopHeartbeats = clock.after(intervalMs, () => {
      if (clock.monotonic() - this.#sentAt >= intervalMs) this.send({ type: 'heartbeat' }).catch(() => {})
      this.#beat(intervalMs)
    })
  }
}

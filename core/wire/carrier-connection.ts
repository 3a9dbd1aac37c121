import type { ErrorCode, ParleyError } from '../errors/index.ts'
import type { CarrierLimits, CarrierName, Connection } from './connection.ts'
import { FrameQueue, queuedBytes, SendWindow } from './frame-queue.ts'

/** Bytes that are held for a peer that has not yet proved who it is: the handshake needs less than a hundredth. */
export const STRANGER_QUEUE_BYTES = 64 * 1024

/** What a carrier must be able to do so that a `CarrierConnection` can be made of it. */
export type Line = {
  /** Hands one frame to the network. `passed` is called once, when the network has taken it. */
  write(frame: Uint8Array, passed: () => void): void
  /** Stops and restarts the delivery of frames; what is under way may still arrive after `pause`. */
  pause(): void
  resume(): void
  /** Sends what was written, then closes with the carrier's own code for `code`. */
  close(code: ErrorCode | undefined): void
  destroy(): void
}

export type CarrierConnectionOptions = {
  readonly carrier: CarrierName
  readonly remote: string
  readonly limits: CarrierLimits
  readonly line: Line
  /** Given by listeners: buffers stay small until the session calls `authenticated`, which then calls this. */
  readonly onAuthenticated?: () => void
}

/** The part of a connection that all socket carriers have in common; the carrier reports to `arrived`, `ended`, `gone`. */
export class CarrierConnection implements Connection {
  readonly carrier: CarrierName
  readonly remote: string
  readonly closed: Promise<void>
  readonly #options: CarrierConnectionOptions
  readonly #line: Line
  readonly #inbound: FrameQueue
  readonly #outbound: SendWindow
  #closing = false
  #resolveClosed: () => void = () => {}

  constructor(options: CarrierConnectionOptions) {
    const { carrier, remote, limits, line, onAuthenticated } = options
    this.carrier = carrier
    this.remote = remote
    this.#options = options
    this.#line = line
    this.#outbound = new SendWindow(limits.sendQueueBytes)
    this.#inbound = new FrameQueue({
      highBytes: onAuthenticated === undefined ? heldBytes(limits) : STRANGER_QUEUE_BYTES,
      pause: () => line.pause(),
      resume: () => line.resume(),
    })
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
  }

  get frames(): AsyncIterable<Uint8Array> {
    return this.#inbound
  }

  async send(frame: Uint8Array): Promise<void> {
    const bytes = queuedBytes(frame)
    this.#outbound.take(bytes)
    this.#line.write(frame, () => this.#outbound.passed(bytes))
    await this.#outbound.room()
  }

  close(code?: ErrorCode): void {
    if (this.#closing) return
    this.#closing = true
    this.#outbound.close()
    this.#inbound.discard()
    this.#line.close(code)
  }

  destroy(): void {
    this.#closing = true
    this.#outbound.close()
    this.#inbound.discard()
    this.#line.destroy()
  }

  authenticated(): void {
    this.#inbound.highBytes = heldBytes(this.#options.limits)
    this.#options.onAuthenticated?.()
  }

  /** One whole frame came in. */
  arrived(frame: Uint8Array): void {
    this.#inbound.push(frame)
  }

  /** No more frames will arrive: the peer closed in good order, or `error` says what happened. The first call counts. */
  ended(error?: ParleyError): void {
    this.#outbound.close()
    this.#inbound.finish(error)
  }

  /** The carrier's connection is no more. Frames that are still on their way up may arrive until `ended`. */
  gone(): void {
    this.#closing = true
    this.#outbound.close()
    this.#resolveClosed()
  }
}

/** Two frames: one that is being worked on and one that arrives meanwhile. */
const heldBytes = (limits: CarrierLimits) => 2 * limits.frameBytes

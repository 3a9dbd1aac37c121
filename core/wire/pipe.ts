import { type ErrorCode, ParleyError } from '../errors/index.ts'
import type { CarrierLimits, Connection, ConnectionHandler, Dial, Listener } from './connection.ts'
import { FrameQueue, queuedBytes, SendWindow } from './frame-queue.ts'
import { defaultLimits } from './limits.ts'

/**
 * The in-memory carrier: two connected ends in one process, with the limits, closing and back-pressure of the real ones.
 *
 * Frames are handed over without copying: the sender gives the bytes away and must not write to them again. There are no
 * timers in it, so it runs under a virtual clock.
 *
 * @param limits what the first end takes and queues; `peerLimits` the same for the second, by default equal.
 */
export function memoryPipe(
  limits: CarrierLimits = defaultLimits,
  peerLimits: CarrierLimits = limits,
  remotes: readonly [string, string] = ['memory', 'memory'],
): [Connection, Connection] {
  const first = new PipeEnd(remotes[1], limits)
  const second = new PipeEnd(remotes[0], peerLimits)
  first.join(second)
  return [first, second]
}

export type MemoryListenerOptions = {
  readonly limits?: CarrierLimits
  /** Limits of the dialling ends; by default those of the listener. */
  readonly clientLimits?: CarrierLimits
}

/** A listener and the way to dial it, in one process. Every dialled connection has a remote of its own: `memory:1` … */
export function memoryListener(
  handler: ConnectionHandler,
  options: MemoryListenerOptions = {},
): { readonly listener: Listener; readonly dial: Dial } {
  const limits = options.limits ?? defaultLimits
  const open = new Set<Connection>()
  let dialled = 0
  let stopped = false

  const dial: Dial = async (signal) => {
    if (signal?.aborted) throw new ParleyError('session.unreachable', 'dialling was cancelled')
    if (stopped) throw new ParleyError('session.unreachable', 'nobody listens in memory any more')
    const remotes = [`memory:${++dialled}`, 'memory:'] as const
    const [client, server] = memoryPipe(options.clientLimits ?? limits, limits, remotes)
    open.add(server)
    void server.closed.then(() => open.delete(server))
    handler(server)
    return client
  }
  const stop = async () => {
    stopped = true
    for (const connection of open) connection.destroy()
  }
  return { listener: { url: 'memory:', stop }, dial }
}

class PipeEnd implements Connection {
  readonly carrier = 'memory'
  readonly remote: string
  readonly closed: Promise<void>
  readonly #frameBytes: number
  readonly #inbound: FrameQueue
  readonly #outbound: SendWindow
  // Until it is joined, an end talks to itself.
  #peer: PipeEnd = this
  #open = true
  #resolveClosed: () => void = () => {}

  constructor(remote: string, limits: CarrierLimits) {
    this.remote = remote
    this.#frameBytes = limits.frameBytes
    this.#outbound = new SendWindow(limits.sendQueueBytes)
    // The peer's window holds back its sending until this end has read: no other mark is needed.
    this.#inbound = new FrameQueue({
      highBytes: Number.POSITIVE_INFINITY,
      taken: (bytes) => this.#peer.#outbound.passed(bytes),
    })
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
  }

  join(peer: PipeEnd): void {
    this.#peer = peer
    peer.#peer = this
  }

  get frames(): AsyncIterable<Uint8Array> {
    return this.#inbound
  }

  async send(frame: Uint8Array): Promise<void> {
    this.#outbound.take(queuedBytes(frame))
    this.#peer.#deliver(frame)
    await this.#outbound.room()
  }

  close(code?: ErrorCode): void {
    if (!this.#open) return
    this.#peer.#ended(code === undefined ? undefined : new ParleyError(code))
    this.#shut()
    this.#inbound.discard()
  }

  destroy(): void {
    if (!this.#open) return
    this.#peer.#ended(new ParleyError('session.closed', 'the connection broke'))
    this.#shut()
    this.#inbound.discard()
  }

  #deliver(frame: Uint8Array): void {
    if (frame.length <= this.#frameBytes) {
      this.#inbound.push(frame)
      return
    }
    const message = `a frame of ${frame.length} bytes is above the limit of ${this.#frameBytes}`
    this.#peer.#ended(new ParleyError('frame.too-large', message))
    this.#ended(new ParleyError('frame.too-large', message))
  }

  #ended(error: ParleyError | undefined): void {
    if (!this.#open) return
    this.#shut()
    this.#inbound.finish(error)
  }

  #shut(): void {
    this.#open = false
    this.#outbound.close()
    this.#resolveClosed()
  }
}

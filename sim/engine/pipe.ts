import type { Clock } from '../../core/clock.ts'
import { type ErrorCode, ParleyError } from '../../core/errors/index.ts'
import type { Connection, ConnectionHandler, Dial } from '../../core/wire/connection.ts'
import type { Frame } from '../../core/wire/frame.ts'

/** What a frame does on its way; `undefined` loses the connection at this frame. */
export type Journey = {
  /** Virtual milliseconds until it arrives. */
  readonly delayMs: number
  /** How often it arrives: 1, or more where the network repeats it. */
  readonly copies: number
}

/** The network between a client and the coordinator. */
export interface Line {
  /** Whether a connection can be made now. */
  open(): boolean
  /** The journey of a frame of about so many bytes. */
  travel(frame: Frame, bytes: number, direction: 'up' | 'down'): Journey | undefined
  /** What the client's frames are turned into before they leave. */
  tamper?(frame: Frame): Frame
}

/** A line on which frames are there at once. */
export const wire: Line = { open: () => true, travel: () => ({ delayMs: 0, copies: 1 }) }

/** The way from one client to whoever handles its connections, over its line; frames go over as they are. */
export function simulatedDial(
  clock: Clock,
  handler: () => ConnectionHandler | undefined,
  line: Line,
  name: string,
): Dial {
  return async (signal) => {
    const handle = handler()
    if (signal?.aborted || handle === undefined || !line.open()) throw new ParleyError('session.unreachable')
    const client = new End(clock, line, 'up', name)
    const server = new End(clock, line, 'down', name)
    client.join(server)
    handle(server)
    return client
  }
}

class End implements Connection {
  readonly carrier = 'memory'
  readonly remote: string
  readonly closed: Promise<void>
  readonly frames = none
  readonly direct = { frames: this.#inbound(), send: (frame: Frame) => this.#send(frame) }
  readonly #clock: Clock
  readonly #line: Line
  readonly #direction: 'up' | 'down'
  readonly #queue: Frame[] = []
  #peer: End = this
  #open = true
  #failure: ParleyError | undefined
  #wake: () => void = () => {}
  #resolveClosed: () => void = () => {}
  /** When the last frame that was sent arrives: none overtakes another. */
  #lastArrival = 0

  constructor(clock: Clock, line: Line, direction: 'up' | 'down', name: string) {
    this.#clock = clock
    this.#line = line
    this.#direction = direction
    this.remote = `simulated:${name}`
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
  }

  join(peer: End): void {
    this.#peer = peer
    peer.#peer = this
  }

  async send(): Promise<void> {
    throw new ParleyError('internal', 'a simulated connection takes frames as they are')
  }

  close(code?: ErrorCode): void {
    this.#end(code === undefined ? undefined : new ParleyError(code))
  }

  destroy(): void {
    this.#end(new ParleyError('session.closed', 'the connection broke'))
  }

  #end(error: ParleyError | undefined): void {
    if (!this.#open) return
    this.#shut(undefined)
    this.#queue.length = 0
    // After what is still under way.
    this.#later(this.#lastArrival, () => this.#peer.#shut(error))
  }

  #shut(error: ParleyError | undefined): void {
    if (!this.#open) return
    this.#open = false
    this.#failure = error
    this.#wake()
    this.#resolveClosed()
  }

  async #send(frame: Frame): Promise<void> {
    if (!this.#open) throw new ParleyError('session.closed')
    const journey = this.#line.travel(frame, bytesOf(frame), this.#direction)
    if (journey === undefined) {
      this.destroy()
      throw new ParleyError('session.closed', 'the connection broke')
    }
    const arrival = Math.max(this.#lastArrival, this.#clock.monotonic() + journey.delayMs)
    this.#lastArrival = arrival
    const sent = this.#direction === 'up' ? (this.#line.tamper?.(frame) ?? frame) : frame
    for (let copy = 0; copy < journey.copies; copy++) this.#later(arrival, () => this.#peer.#arrive(sent))
  }

  #later(at: number, action: () => void): void {
    const ms = at - this.#clock.monotonic()
    if (ms <= 0) action()
    else this.#clock.after(ms, action)
  }

  #arrive(frame: Frame): void {
    if (!this.#open) return
    this.#queue.push(frame)
    this.#wake()
  }

  async *#inbound(): AsyncGenerator<Frame> {
    for (;;) {
      const frame = this.#queue.shift()
      if (frame !== undefined) yield frame
      else if (this.#failure !== undefined) throw this.#failure
      else if (!this.#open) return
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }
}

const none: AsyncIterable<Uint8Array> = (async function* () {})()

/** About what the frame would be on a wire. */
function bytesOf(frame: Frame): number {
  if (frame.type === 'uploadChunk' || frame.type === 'blobChunk') return frame.data.length + 64
  if (frame.type === 'task') return 1_000
  return 200
}

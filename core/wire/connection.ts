import type { ErrorCode } from '../errors/index.ts'
import type { Frame } from './frame.ts'
import type { Limits } from './limits.ts'

export type CarrierName = 'grpc' | 'ws' | 'memory'

/** The limits that a carrier applies by itself, before any session sees a frame. */
export type CarrierLimits = Pick<Limits, 'frameBytes' | 'sendQueueBytes'>

/**
 * A carrier's connection to one peer: whole frames in order, in both directions. Sessions see nothing else of a carrier.
 *
 * - A frame above the receiver's limit is never handed on: `frames` throws `frame.too-large`, and the connection closes
 *   with that code. The sender does not check the size, because it may not know the receiver's limit.
 * - Reading is pulled: while nobody asks for the next frame, at most a small bounded number of frames is held and the
 *   peer's sending is held back by the carrier's own flow control. One reader at a time; a reader that stops early
 *   (`break`) closes nothing, and the next one goes on where it stopped.
 * - Frames are plain `Uint8Array`s that the receiver may keep. A frame that was handed to `send` belongs to the carrier:
 *   nobody writes to it again, neither the sender nor the peer's reader (the memory pipe hands over the very same bytes, and
 *   one frame may be sent to many peers).
 * - `send` resolves when the frame was taken over and there is room for another (back-pressure). It rejects with
 *   `session.closed` once the connection is closed, and with `session.slow-consumer`, taking nothing over, when the
 *   caller did not wait and the send queue is full.
 * - `frames` ends when the peer closed without a code, and after the own `close` or `destroy`. It throws the peer's code
 *   when the peer closed with one, and `session.closed` when the connection broke. What arrived before is handed on
 *   first. A gRPC client can neither name a code to the server nor always show that it broke off: there `frames` may
 *   just end.
 * - Either side's `close` closes both directions.
 */
export interface Connection {
  readonly carrier: CarrierName
  /** Address of the peer, for people and for limits per address. */
  readonly remote: string
  readonly frames: AsyncIterable<Uint8Array>
  send(frame: Uint8Array): Promise<void>
  /** Sends what was taken over, then closes; `code` picks the carrier's own close code or status. Safe to call twice. */
  close(code?: ErrorCode): void
  /** Closes at once and throws away what was not sent. Safe to call twice. */
  destroy(): void
  /** Resolves when the connection is closed, whoever closed it. */
  readonly closed: Promise<void>
  /**
   * Told by the session when the peer has proved who it is: from here on a listener no longer counts the connection
   * among the strangers, and may grant it larger buffers. Absent where the carrier makes no difference.
   */
  authenticated?(): void
  /**
   * Where both ends are in one process frames may go over as they are, without being encoded: links use it where it is.
   * `frames` of the connection then yields nothing.
   */
  readonly direct?: DirectFrames
}

/** Frames by reference: nobody writes to what one holds after it was sent. */
export interface DirectFrames {
  readonly frames: AsyncIterable<Frame>
  send(frame: Frame): Promise<void>
}

/** Owns the connection from here on. Called before any frame is read. */
export type ConnectionHandler = (connection: Connection) => void

/** Something that accepts connections, on a socket or in memory. `stop` may be called twice. */
export interface Listener {
  /** Where clients dial: `grpc://host:port`, `grpcs://…`, `ws://…/path`, `wss://…`, `memory:`. */
  readonly url: string
  /** Takes no more connections, destroys the open ones, resolves when all are gone. */
  stop(): Promise<void>
}

/**
 * Opens a connection, or rejects with `session.unreachable` (also when `signal` aborts), and where something in between has a name
 * with that: `proxy.*`, `tls.*`, `session.http2-blocked`. A listener that is full answers
 * with `session.too-many` where the carrier has words for it. Both are worth another try later.
 */
export type Dial = (signal?: AbortSignal) => Promise<Connection>

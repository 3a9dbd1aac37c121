import type { ErrorCode } from '../errors/index.ts'

export type CarrierName = 'grpc' | 'ws' | 'memory'

/**
 * A carrier's connection to one peer: whole frames in order, in both directions. Sessions see nothing else of a carrier.
 *
 * - A frame above the carrier's limit is never handed on: `frames` throws `frame.too-large`, and the connection closes.
 * - Reading is pulled: while nobody asks for the next frame, at most a small bounded number of frames is held and the
 *   peer's sending is held back by the carrier's own flow control.
 * - `send` resolves when the frame was taken over and there is room for another (back-pressure); it rejects with
 *   `session.closed` once the connection is closed.
 * - `frames` ends when the peer closed in good order, and throws `session.closed` when the connection broke.
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
}

export type ConnectionHandler = (connection: Connection) => void

/** Something that accepts connections, on a socket or in memory. `stop` may be called twice. */
export interface Listener {
  /** Where clients dial: `grpc://host:port`, `grpcs://…`, `ws://…/path`, `wss://…`, `memory:`. */
  readonly url: string
  stop(): Promise<void>
}

/** Opens a connection, or rejects with `session.unreachable`. */
export type Dial = (signal?: AbortSignal) => Promise<Connection>

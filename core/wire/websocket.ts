import { catalogue, isErrorCode, ParleyError } from '../errors/index.ts'
import { CarrierConnection, type CarrierConnectionOptions } from './carrier-connection.ts'

/** Where a coordinator takes WebSocket sessions. */
export const WEBSOCKET_PATH = '/v1/session'

/** The members of the `ws` package's socket that the carrier needs, so that both ends can share it from here. */
export type WebSocketLike = {
  on(event: 'message', listener: (data: unknown, isBinary: boolean) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'close', listener: (code: number, reason: Uint8Array) => void): unknown
  send(data: Uint8Array, options: { binary: true }, done: (error?: Error | null) => void): void
  pause(): void
  resume(): void
  close(code?: number, reason?: string): void
  terminate(): void
}

const NORMAL = 1000
const GOING_AWAY = 1001
const PROTOCOL_ERROR = 1002
const NO_STATUS = 1005
const INVALID_DATA = 1007
const MESSAGE_TOO_BIG = 1009

/** A connection over an open (or opening) WebSocket. One binary message is one frame; a text message ends it. */
export function websocketConnection(
  socket: WebSocketLike,
  options: Omit<CarrierConnectionOptions, 'carrier' | 'line'>,
): CarrierConnection {
  const connection = new CarrierConnection({
    ...options,
    carrier: 'ws',
    line: {
      // A frame that could not be written stays counted: the sender waits, and is refused when the socket reports its close.
      write: (frame, passed) => socket.send(frame, { binary: true }, (error) => error ?? passed()),
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      close: (code) => {
        if (code === undefined) socket.close(NORMAL)
        else socket.close(catalogue[code].close ?? NORMAL, code)
        // A paused socket would never read the peer's answer to the close.
        socket.resume()
      },
      destroy: () => socket.terminate(),
    },
  })
  const refuse = (error: ParleyError) => {
    connection.ended(error)
    connection.close(error.code)
  }
  socket.on('message', (data, isBinary) => {
    if (!isBinary || !(data instanceof Uint8Array)) {
      refuse(new ParleyError('frame.malformed', 'a text message came; frames are binary messages'))
    } else {
      connection.arrived(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    }
  })
  // The library has sent the close code for a broken message by itself before it reports it.
  socket.on('error', (error) => connection.ended(receiveError(error)))
  socket.on('close', (code, reason) => {
    connection.ended(closeError(code, new TextDecoder().decode(reason)))
    connection.gone()
  })
  return connection
}

function receiveError(cause: Error): ParleyError {
  const code = 'code' in cause ? String(cause.code) : ''
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
    return new ParleyError('frame.too-large', 'a message is above the frame limit', { cause })
  }
  if (code.startsWith('WS_ERR_')) return new ParleyError('frame.malformed', cause.message, { cause })
  return new ParleyError('session.closed', `the connection broke: ${cause.message}`, { cause })
}

/** What a close code means to the reader of frames; undefined is the end in good order. */
function closeError(code: number, reason: string): ParleyError | undefined {
  if (isErrorCode(reason)) return new ParleyError(reason)
  switch (code) {
    case NORMAL:
    case GOING_AWAY:
    case NO_STATUS:
      return undefined
    case MESSAGE_TOO_BIG:
      return new ParleyError('frame.too-large', 'the peer refused a frame as too large')
    case PROTOCOL_ERROR:
    case INVALID_DATA:
      return new ParleyError('frame.malformed', `the peer closed with WebSocket code ${code}`)
    default:
      return new ParleyError('session.closed', `the connection closed with WebSocket code ${code}`)
  }
}

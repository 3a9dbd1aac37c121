/**
 * What grpc-js 1.14.7 has no option for, reached through its HTTP/2 server: flow-control windows, the size of headers,
 * and the reason for which it ended a stream by itself. Everything beyond the first step is Node's public HTTP/2 API.
 * Should the inner field be gone in another version, the carrier works on with default windows; a test would tell.
 */
import { EventEmitter } from 'node:events'
import { constants, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Server } from '@grpc/grpc-js'

/** Largest header block of one request, in bytes; an HTTP/2 setting that Node enforces on what it receives. */
const HEADER_BYTES = 16 * 1024

/** Window of an authenticated peer: what it may have under way to a reader that does not read, in bytes. */
const WINDOW_BYTES = 4 * 1024 * 1024

export type StreamWatcher = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void

/** Bounds the headers of every session and shows every stream before grpc-js handles it. */
export function watchStreams(server: Server, onStream: StreamWatcher): void {
  const inner: unknown = Reflect.get(server, 'http2Servers')
  if (!(inner instanceof Map)) return
  for (const http2Server of inner.keys()) {
    if (!(http2Server instanceof EventEmitter)) continue
    http2Server.prependListener('session', (session: ServerHttp2Session) => {
      session.settings({ maxHeaderListSize: HEADER_BYTES })
    })
    http2Server.prependListener('stream', onStream)
  }
}

/** Lets a peer send ahead of the reader. Strangers keep HTTP/2's 64 KiB. */
export function widenWindow(stream: ServerHttp2Stream): void {
  const { session } = stream
  if (session === undefined || session.destroyed) return
  session.settings({ initialWindowSize: WINDOW_BYTES })
  // The window of the whole connection is not a setting but grows by a message of its own.
  const { setLocalWindowSize } = session as ServerHttp2Session & { setLocalWindowSize?(bytes: number): void }
  setLocalWindowSize?.call(session, WINDOW_BYTES)
}

/** Whether the peer, or the loss of the socket, broke the stream off. */
export function wasReset(stream: ServerHttp2Stream): boolean {
  return stream.aborted || (stream.rstCode ?? 0) !== constants.NGHTTP2_NO_ERROR
}

/** The gRPC status that was sent on a stream, if any was. */
export function sentStatus(stream: ServerHttp2Stream): number | undefined {
  const value = stream.sentTrailers?.['grpc-status'] ?? stream.sentHeaders?.['grpc-status']
  return value === undefined ? undefined : Number(value)
}

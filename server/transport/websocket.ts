import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createRequire } from 'node:module'
import type { Duplex } from 'node:stream'
import { type ServerOptions, WebSocketServer } from 'ws'
import { ParleyError } from '../../core/errors/index.ts'
import { hostPort } from '../../core/wire/address.ts'
import type { Connection, ConnectionHandler, Listener } from '../../core/wire/connection.ts'
import type { Limits } from '../../core/wire/limits.ts'
import { WEBSOCKET_PATH, websocketConnection } from '../../core/wire/websocket.ts'
import type { Admission } from './admission.ts'
import { isCrossOrigin } from './origin.ts'
import { openPort, type PortOptions } from './port.ts'
import { checkSecurity, nodeTlsOptions, type TransportSecurity } from './tls.ts'

/** Largest block of HTTP headers that is read, in bytes. */
export const HEADER_BYTES = 16 * 1024

export type WebSocketLimits = Pick<Limits, 'frameBytes' | 'sendQueueBytes' | 'handshakeMs' | 'stallMs'>

export type WebSocketOptions = {
  readonly admission: Admission
  readonly limits: WebSocketLimits
  /** Told who was refused before there was a session, and why. */
  readonly refused?: (address: string, error: ParleyError) => void
  /** Told once per listener what makes this carrier slow on this machine. */
  readonly warn?: (message: string) => void
}

/**
 * Takes WebSocket sessions on a port of its own, at `/v1/session`; every other path is answered with 404.
 * Rejects with `config.insecure` (clear text beyond loopback) or `config.invalid` (address in use, bad certificate).
 */
export async function listenWebSocket(
  handler: ConnectionHandler,
  options: WebSocketOptions & PortOptions & TransportSecurity,
): Promise<Listener> {
  const { host = '127.0.0.1', tls, limits } = options
  checkSecurity(host, options)
  const notHere: RequestListener = (request, response) => {
    const status = isSessionPath(request.url) ? 426 : 404
    response.writeHead(status, { connection: 'close', upgrade: 'websocket' }).end()
  }
  const http = { maxHeaderSize: HEADER_BYTES }
  const server =
    tls === undefined
      ? createHttpServer(http, notHere)
      : createHttpsServer({ ...http, ...nodeTlsOptions(tls), handshakeTimeout: limits.handshakeMs }, notHere)
  const port = await openPort(options, {
    accept: (socket) => server.emit('connection', socket),
    // Under TLS there is nobody to talk to before the handshake.
    ...(tls === undefined ? { refuse: (socket, error) => refuseUpgrade(socket, 503, error) } : {}),
  })
  const accept = upgrader(handler, options)
  server.on('upgrade', (request, socket, head) => {
    const visit = port.visit(request.socket.remoteAddress, request.socket.remotePort)
    if (visit === undefined) return void socket.destroy()
    if (!isSessionPath(request.url)) return refuseUpgrade(socket, 404)
    accept(request, socket, head, visit.address, visit.authenticated, visit.sessionBegan)
  })
  return { url: `${tls ? 'wss' : 'ws'}://${hostPort(host, port.port)}${WEBSOCKET_PATH}`, stop: port.stop }
}

/**
 * Takes WebSocket sessions on the upgrade requests of a running HTTP server, which stays its owner's: `stop` ends the
 * sessions and no more. Connections count from their upgrade on; before it, the timeouts of that server hold.
 */
export function attachWebSocket(server: Server, handler: ConnectionHandler, options: WebSocketOptions): Listener {
  const open = new Set<Connection>()
  const accept = upgrader((connection) => {
    open.add(connection)
    void connection.closed.then(() => open.delete(connection))
    handler(connection)
  }, options)
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const address = request.socket.remoteAddress
    if (address === undefined) return void socket.destroy()
    if (!isSessionPath(request.url)) return refuseUpgrade(socket, 404)
    if (isForeignPage(request, 'setSecureContext' in server)) {
      const error = new ParleyError('auth.origin')
      options.refused?.(address, error)
      return refuseUpgrade(socket, 403, error)
    }
    const ticket = options.admission.admit(address)
    if (ticket instanceof ParleyError) return refuseUpgrade(socket, 503, ticket)
    socket.once('close', ticket.release)
    accept(request, socket, head, address, ticket.authenticated)
  }
  server.on('upgrade', upgrade)
  return {
    get url() {
      const bound = server.address()
      const at = typeof bound === 'object' && bound !== null ? hostPort(bound.address, bound.port) : String(bound)
      return `${'setSecureContext' in server ? 'wss' : 'ws'}://${at}${WEBSOCKET_PATH}`
    },
    stop: async () => {
      server.off('upgrade', upgrade)
      for (const connection of open) connection.destroy()
      await Promise.all([...open].map((connection) => connection.closed))
    },
  }
}

function upgrader(handler: ConnectionHandler, { limits, warn }: WebSocketOptions) {
  // `closeTimeout` is missing in the types of the package.
  const options: ServerOptions & { closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.frameBytes,
    closeTimeout: limits.stallMs,
  }
  const sockets = new WebSocketServer(options)
  if (warn !== undefined && !hasBufferutil()) {
    warn('the package bufferutil is missing: WebSocket uploads take about five times the processor time')
  }
  return (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    remote: string,
    onAuthenticated: () => void,
    began?: () => void,
  ) => {
    sockets.handleUpgrade(request, socket, head, (opened) => {
      began?.()
      handler(websocketConnection(opened, { remote, limits, onAuthenticated }))
    })
  }
}

/** Clients have no cookies. A browser that sends one from a page of another origin is being used. */
function isForeignPage(request: IncomingMessage, tls: boolean): boolean {
  return request.headers.cookie !== undefined && isCrossOrigin(request, tls)
}

const isSessionPath = (url: string | undefined) => url?.split('?', 1)[0] === WEBSOCKET_PATH

/** Answers and lets the peer close; one that does not is cut off. */
function refuseUpgrade(socket: Duplex, status: 403 | 404 | 503, error?: ParleyError): void {
  const reason = { 403: 'Forbidden', 404: 'Not Found', 503: 'Service Unavailable' }[status]
  const code = error === undefined ? '' : `parley-code: ${error.code}\r\n`
  socket.on('error', () => socket.destroy())
  const timer = setTimeout(() => socket.destroy(), 1_000)
  socket.once('close', () => clearTimeout(timer))
  socket.resume()
  socket.end(`HTTP/1.1 ${status} ${reason}\r\n${code}connection: close\r\ncontent-length: 0\r\n\r\n`)
}

/** Whether the native masking of the `ws` package can be loaded. */
function hasBufferutil(): boolean {
  try {
    createRequire(import.meta.url)('bufferutil')
    return true
  } catch {
    return false
  }
}

import { createServer, type Socket } from 'node:net'
import { ParleyError } from '../../core/errors/index.ts'
import type { Limits } from '../../core/wire/limits.ts'
import type { Admission } from './admission.ts'

export type PortOptions = {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** 0 takes a free one. */
  readonly port: number
  readonly admission: Admission
  readonly limits: Pick<Limits, 'handshakeMs'>
}

/** One accepted socket, from the first packet to the last. */
export type Visit = {
  readonly address: string
  /** A session began: from here on the session keeps the deadlines. */
  sessionBegan(): void
  /** The session is over and the socket still open: it has `handshakeMs` to begin another. */
  sessionEnded(): void
  authenticated(): void
  destroy(): void
}

export type Port = {
  readonly host: string
  readonly port: number
  /** The visit that a socket, or the TLS socket around it, belongs to. */
  visit(address: string | undefined, port: number | undefined): Visit | undefined
  stop(): Promise<void>
}

type SocketHandler = {
  accept(socket: Socket): void
  /** Says no in the carrier's own words, where it has some. Without it the socket is destroyed. */
  refuse?(socket: Socket, error: ParleyError): void
}

/**
 * A TCP port that counts before anything is read: a socket is admitted or dropped when it connects, whatever it will
 * speak, and one that begins no session in `handshakeMs` is destroyed (silence, half a TLS, HTTP or HTTP/2 greeting).
 * Rejects with `config.invalid` when the address cannot be taken.
 */
export async function openPort(options: PortOptions, handler: SocketHandler): Promise<Port> {
  const { host = '127.0.0.1', admission, limits } = options
  const sockets = new Set<Socket>()
  const visits = new Map<string, Visit>()
  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    const { remoteAddress: address, remotePort: port } = socket
    // A peer may be gone before it is looked at.
    if (address === undefined || port === undefined) return void socket.destroy()
    socket.on('error', () => socket.destroy())
    const ticket = admission.admit(address)
    if (ticket instanceof ParleyError) {
      if (handler.refuse === undefined) socket.destroy()
      else handler.refuse(socket, ticket)
      return
    }
    let timer: NodeJS.Timeout | undefined
    const arm = () => {
      timer = setTimeout(() => socket.destroy(), limits.handshakeMs)
    }
    const disarm = () => clearTimeout(timer)
    const key = visitKey(address, port)
    sockets.add(socket)
    visits.set(key, {
      address,
      sessionBegan: disarm,
      sessionEnded: () => {
        disarm()
        if (!socket.destroyed) arm()
      },
      authenticated: ticket.authenticated,
      destroy: () => socket.destroy(),
    })
    socket.once('close', () => {
      disarm()
      sockets.delete(socket)
      visits.delete(key)
      ticket.release()
    })
    arm()
    handler.accept(socket)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new ParleyError('config.invalid', `cannot listen on ${host}:${options.port}: ${cause.message}`, { cause }))
    })
    server.listen(options.port, host, resolve)
  })
  const bound = server.address()
  let stopping: Promise<void> | undefined
  return {
    host,
    port: typeof bound === 'object' && bound !== null ? bound.port : options.port,
    visit: (address, port) => (address === undefined ? undefined : visits.get(visitKey(address, port))),
    stop: () => {
      stopping ??= new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      })
      return stopping
    },
  }
}

const visitKey = (address: string, port: number | undefined) => `${address} ${port}`

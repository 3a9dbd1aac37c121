/** What stands between clients and coordinators: proxies, load balancers, and those that break HTTP/2. On port 0. */
import { once } from 'node:events'
import { createServer as createHttpServer, type Server as HttpServer, type IncomingMessage } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { type Duplex, pipeline } from 'node:stream'
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import type { Pair } from '../wire/certificates.ts'

export type Middlebox = { readonly port: number; stop(): Promise<void> }

/** What a proxy was asked for. */
export type Asked = { readonly target: string; readonly credentials: string | undefined }

export type ProxyOptions = {
  /** `name:password` that it wants. */
  readonly credentials?: string
  /** Answered in the place of going on. */
  readonly status?: number
  /** Where names lead that no resolver knows, by `host:port`. */
  readonly routes?: Readonly<Record<string, number>>
  readonly tls?: Pair
}

/** A proxy that speaks CONNECT. */
export async function startProxy(options: ProxyOptions = {}): Promise<Middlebox & { readonly asked: Asked[] }> {
  const asked: Asked[] = []
  const server = options.tls === undefined ? createHttpServer() : createHttpsServer(options.tls)
  server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const target = request.url ?? ''
    const [, basic] = (request.headers['proxy-authorization'] ?? '').split(' ')
    const credentials = basic === undefined ? undefined : Buffer.from(basic, 'base64').toString('utf8')
    asked.push({ target, credentials })
    const answer = (line: string) => socket.end(`HTTP/1.1 ${line}\r\ncontent-length: 0\r\n\r\n`)
    if (options.credentials !== undefined && credentials !== options.credentials) {
      return answer('407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm="clinic"')
    }
    if (options.status !== undefined) return answer(`${options.status} No`)
    const { hostname, port } = new URL(`http://${target}`)
    const beyond = connect(options.routes?.[target] ?? Number(port), options.routes?.[target] ? '127.0.0.1' : hostname)
    beyond.once('error', () => answer('502 Bad Gateway'))
    beyond.once('connect', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      if (head.length > 0) beyond.write(head)
      join(socket, beyond)
    })
  })
  return { ...(await listening(server)), asked }
}

export type Ports = { readonly grpc: number; readonly ws: number }

/** How a load balancer treats HTTP/2. */
export type Manner =
  /** Lets it through. */
  | 'honest'
  /** Agrees to HTTP/1.1 only. */
  | 'http1'
  /** Says nothing of protocols, and answers what is not HTTP/1.1 with 400. */
  | 'no-alpn'
  /** Agrees to HTTP/2, and cuts when its preface comes. */
  | 'cuts'
  /** Agrees to HTTP/2, takes what comes, and never answers. */
  | 'hangs'

/** One port for both carriers: ends TLS, sends HTTP/2 to the one and HTTP/1.1 to the other port of a coordinator. */
export async function startBalancer(
  tls: Pair,
  ports: Ports,
  manner: Manner = 'honest',
  behind: 'clear' | 'tls' = 'clear',
) {
  const seen = { http2: 0, http1: 0 }
  const offered = {
    honest: ['h2', 'http/1.1'],
    http1: ['http/1.1'],
    'no-alpn': undefined,
    cuts: ['h2', 'http/1.1'],
    hangs: ['h2', 'http/1.1'],
  }
  const protocols = offered[manner]
  const server = createTlsServer({ ...tls, ...(protocols === undefined ? {} : { ALPNProtocols: protocols }) })
  server.on('secureConnection', (socket: TLSSocket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', (first: Buffer) => {
      const isHttp2 = first.toString('latin1').startsWith('PRI * HTTP/2.0')
      if (isHttp2) seen.http2++
      else seen.http1++
      socket.pause()
      if (!isHttp2) return onwards(socket, first, ports.ws, behind === 'tls' ? 'http/1.1' : undefined)
      switch (manner) {
        case 'honest':
          return onwards(socket, first, ports.grpc, behind === 'tls' ? 'h2' : undefined)
        case 'cuts':
          return socket.destroy()
        case 'hangs':
          return socket.resume()
        case 'http1':
        case 'no-alpn':
          return socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n')
      }
    })
  })
  return { ...(await listening(server)), seen }
}

/** A server that takes connections and never says a word. */
export async function startSilent(): Promise<Middlebox> {
  return await listening(createTcpServer((socket) => socket.on('error', () => {}).resume()))
}

/** A server that says something to whoever connects, and hangs up or goes on saying it. */
export async function startTalker(word: string, manner: 'once' | 'for ever'): Promise<Middlebox> {
  return await listening(
    createTcpServer((socket) => {
      socket.on('error', () => {}).resume()
      if (manner === 'once') return void socket.end(word)
      const more = () => {
        while (!socket.destroyed && socket.write(word));
      }
      socket.on('drain', more)
      more()
    }),
  )
}

/** A port on which nobody listens. */
export async function closedPort(): Promise<number> {
  const box = await startSilent()
  await box.stop()
  return box.port
}

/** With a protocol (ALPN), to a coordinator that speaks TLS itself: a gateway that opens TLS. */
function onwards(socket: Duplex, first: Buffer, port: number, protocol: string | undefined): void {
  const beyond =
    protocol === undefined
      ? connect(port, '127.0.0.1')
      : connectTls({ port, host: '127.0.0.1', ALPNProtocols: [protocol], rejectUnauthorized: false })
  beyond.once('error', () => socket.destroy())
  beyond.once(protocol === undefined ? 'connect' : 'secureConnect', () => {
    beyond.write(first)
    join(socket, beyond)
  })
}

function join(one: Duplex, other: Duplex): void {
  pipeline(one, other, () => {})
  pipeline(other, one, () => {})
}

async function listening(server: Server | HttpServer): Promise<Middlebox> {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => open.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}

/** Peers that do not keep to the rules, at the level of bytes: each costs itself its connection, and nobody else anything. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type ClientHttp2Session, connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2'
import { connect as connectTcp, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { dialUrl } from '../../client/carriers/dial.ts'
import type { Connection } from '../../core/wire/connection.ts'
import { defaultLimits, type Limits } from '../../core/wire/limits.ts'
import { type Admission, createAdmission } from '../../server/transport/admission.ts'
import { listenGrpc } from '../../server/transport/grpc.ts'
import { listenWebSocket } from '../../server/transport/websocket.ts'
import { Arrivals, codeOf, read, readAll } from '../contract/carrier.ts'

const MiB = 1024 * 1024
const listeners = { ws: listenWebSocket, grpc: listenGrpc } as const
type Carrier = keyof typeof listeners
const carriers = ['ws', 'grpc'] as const

const cleanUp: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of cleanUp.splice(0).reverse()) await stop()
})

async function listen(carrier: Carrier, changes: Partial<Limits> = {}) {
  const limits = { ...defaultLimits, ...changes }
  const admission = createAdmission(limits)
  const accepted = new Arrivals<Connection>()
  let handed = 0
  const handler = (connection: Connection) => {
    handed++
    accepted.put(connection)
  }
  const listener = await listeners[carrier](handler, { port: 0, admission, limits })
  cleanUp.push(() => listener.stop())
  const { url } = listener
  return { url, port: Number(new URL(url).port), admission, accept: () => accepted.take(), handed: () => handed }
}

function tcp(port: number): Socket {
  const socket = connectTcp(port, '127.0.0.1')
  socket.on('error', () => {}).resume()
  cleanUp.push(() => socket.destroy())
  return socket
}

function http2(port: number): ClientHttp2Session {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  session.on('error', () => {})
  cleanUp.push(() => session.destroy())
  return session
}

const closed = (socket: Socket) => (socket.destroyed ? Promise.resolve() : once(socket, 'close'))

/** An honest client still gets through. */
async function expectAlive({ url, accept }: { url: string; accept: () => Promise<Connection> }) {
  const client = await dialUrl(url)()
  const server = await accept()
  await client.send(Uint8Array.of(1))
  expect(await read(server, 1)).toEqual([Uint8Array.of(1)])
  client.close()
  await readAll(server)
  await server.closed
  await client.closed
}

/** Waits until the sockets of all peers that are gone have been counted out. */
async function emptied(admission: Admission) {
  while (admission.open > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(admission.unauthenticated).toBe(0)
}

describe.each(carriers)('%s', (carrier) => {
  it('drops a peer that sends garbage', async () => {
    const server = await listen(carrier, { handshakeMs: 500 })
    for (const bytes of [randomBytes(100_000), Buffer.alloc(100_000), Buffer.from('GET / HTTP/0.3\r\n\r\n')]) {
      const socket = tcp(server.port)
      socket.write(bytes)
      await closed(socket)
    }
    expect(server.handed()).toBe(0)
    await emptied(server.admission)
    await expectAlive(server)
  })

  it.each([
    ['', 'nothing'],
    ['GET /v1/session HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\n', 'half a WebSocket greeting'],
    ['PRI * HTTP/2.0\r\n', 'half an HTTP/2 greeting'],
  ])('frees the place of a peer that sends %j and falls silent', async (bytes) => {
    const server = await listen(carrier, { handshakeMs: 100 })
    const socket = tcp(server.port)
    if (bytes !== '') socket.write(bytes)
    await closed(socket)
    await emptied(server.admission)
    await expectAlive(server)
  })

  it('turns away strangers above the cap, and lets in more once some are authenticated', async () => {
    const server = await listen(carrier, { unauthenticatedConnections: 4, connectionsPerAddress: 8 })
    const dial = dialUrl(server.url)
    const first = await Promise.all([dial(), dial(), dial(), dial()])
    const flood = await Promise.all(Array.from({ length: 40 }, () => codeOf(dial())))
    expect(new Set(flood)).toEqual(new Set([carrier === 'ws' ? 'session.too-many' : 'session.unreachable']))
    expect([server.handed(), server.admission.open, server.admission.unauthenticated]).toEqual([4, 4, 4])
    for (let i = 0; i < 4; i++) (await server.accept()).authenticated?.()
    const second = await Promise.all([dial(), dial(), dial(), dial()])
    for (let i = 0; i < 4; i++) (await server.accept()).authenticated?.()
    // Eight from one address, all known by now.
    expect(await codeOf(dial())).toBe(flood[0])
    for (const client of [...first, ...second]) client.destroy()
    await emptied(server.admission)
  })

  it('counts out a client that closed in good order', async () => {
    const server = await listen(carrier)
    await expectAlive(server)
    await emptied(server.admission)
  })
})

describe('WebSocket', () => {
  async function open(url: string): Promise<WebSocket> {
    const socket = new WebSocket(url)
    socket.on('error', () => {})
    await once(socket, 'open')
    cleanUp.push(() => socket.terminate())
    return socket
  }

  /** A socket after the upgrade, for frames that no library would write. */
  async function upgraded(port: number): Promise<Socket> {
    const socket = tcp(port).pause()
    const key = randomBytes(16).toString('base64')
    socket.write(
      `GET /v1/session HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n\r\n`,
    )
    await once(socket, 'readable')
    expect(String(socket.read())).toContain('101 Switching Protocols')
    return socket
  }

  it('ends a session at a text message, as frame.malformed with 1002', async () => {
    const server = await listen('ws')
    const socket = await open(server.url)
    const connection = await server.accept()
    socket.send('hello')
    expect(await codeOf(readAll(connection))).toBe('frame.malformed')
    const [code, reason] = await once(socket, 'close')
    expect([code, String(reason)]).toEqual([1002, 'frame.malformed'])
    await expectAlive(server)
  })

  it('refuses a message that promises 100 GB with 1009, before any memory is taken', async () => {
    const server = await listen('ws')
    const socket = await upgraded(server.port)
    const connection = await server.accept()
    const before = process.memoryUsage().arrayBuffers
    const head = Buffer.alloc(14)
    head.set([0x82, 0x80 | 127])
    head.writeBigUInt64BE(100_000_000_000n, 2)
    socket.write(head)
    expect(await codeOf(readAll(connection))).toBe('frame.too-large')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * MiB)
    await once(socket, 'readable')
    const close = socket.read() as Buffer
    expect([close[0], close.readUInt16BE(2)]).toEqual([0x88, 1009])
    await expectAlive(server)
  })

  it('refuses a message whose fragments add up to more than the limit', async () => {
    const server = await listen('ws', { frameBytes: 10_000 })
    const socket = await open(server.url)
    const connection = await server.accept()
    for (let i = 0; i < 11; i++) socket.send(new Uint8Array(1000), { fin: false })
    expect(await codeOf(readAll(connection))).toBe('frame.too-large')
  })

  it('breaks off at an unmasked frame, a reserved bit and an unknown opcode', async () => {
    const server = await listen('ws')
    for (const bytes of [
      [0x82, 0x01, 0x00],
      [0xc2, 0x80, 0, 0, 0, 0],
      [0x83, 0x80, 0, 0, 0, 0],
    ]) {
      const socket = await upgraded(server.port)
      const connection = await server.accept()
      socket.write(Uint8Array.from(bytes))
      expect(await codeOf(readAll(connection))).toBe('frame.malformed')
    }
    await expectAlive(server)
  })

  it.each(['/', '/v1/sessions', '/v1/session/x'])('answers the path %s with 404', async (path) => {
    const server = await listen('ws')
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`)
    socket.on('error', () => {})
    const [, response] = await once(socket, 'unexpected-response')
    expect(response.statusCode).toBe(404)
    expect(server.handed()).toBe(0)
  })

  it('refuses headers without end', async () => {
    const server = await listen('ws')
    const socket = tcp(server.port)
    socket.write(`GET /v1/session HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}`)
    await closed(socket)
    await emptied(server.admission)
  })
})

describe('gRPC', () => {
  const request = { ':method': 'POST', ':path': '/parley.v1.Coordinator/Session', 'content-type': 'application/grpc' }

  /** The status with which the server ends a stream. */
  function statusOf(stream: ReturnType<ClientHttp2Session['request']>): Promise<number> {
    return new Promise((resolve) => {
      const look = (headers: IncomingHttpHeaders) => {
        if (headers['grpc-status'] === undefined) return
        resolve(Number(headers['grpc-status']))
        stream.end()
      }
      stream
        .on('response', look)
        .on('trailers', look)
        .on('error', () => {})
      stream.on('close', () => resolve(Number.NaN)).resume()
    })
  }

  it('refuses a message that promises 4 GB, before any memory is taken', async () => {
    const server = await listen('grpc')
    const stream = http2(server.port).request(request)
    const connection = await server.accept()
    const before = process.memoryUsage().arrayBuffers
    stream.write(Uint8Array.of(0, 255, 255, 255, 255, 1, 2, 3))
    expect(await codeOf(readAll(connection))).toBe('frame.too-large')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * MiB)
    expect(await statusOf(stream)).toBe(8)
    await expectAlive(server)
  })

  it('holds no more than the limit of a message that inflates', async () => {
    const server = await listen('grpc')
    const stream = http2(server.port).request({ ...request, 'grpc-encoding': 'gzip' })
    const connection = await server.accept()
    const bomb = gzipSync(Buffer.alloc(200 * MiB))
    const head = Buffer.alloc(5)
    head[0] = 1
    head.writeUInt32BE(bomb.length, 1)
    const status = statusOf(stream)
    stream.write(Buffer.concat([head, bomb]))
    expect(await codeOf(readAll(connection))).toBe('frame.too-large')
    expect(await status).toBe(8)
    await expectAlive(server)
  })

  it('opens one session per connection, however many streams a client opens', async () => {
    const server = await listen('grpc')
    const session = http2(server.port)
    const endings = Array.from({ length: 500 }, () => statusOf(session.request(request)))
    const connection = await server.accept()
    // Refused by the listener with a status or, beyond the few streams that a connection may have, by HTTP/2 itself.
    for (const status of await Promise.all(endings.slice(1))) if (status !== 8) expect(status).toBeNaN()
    expect(server.handed()).toBe(1)
    session.destroy()
    await connection.closed
    await emptied(server.admission)
    await expectAlive(server)
  })

  it('survives a flood of streams that are opened and reset', async () => {
    const server = await listen('grpc')
    const session = http2(server.port)
    await once(session, 'remoteSettings')
    for (let i = 0; i < 5000 && !session.destroyed; i++) {
      const stream = session.request(request)
      stream.on('error', () => {}).close(8)
    }
    session.destroy()
    await emptied(server.admission)
    await expectAlive({ ...server, accept: newest(server) })
  })

  it('refuses large headers', async () => {
    const server = await listen('grpc')
    const session = http2(server.port)
    await once(session, 'remoteSettings')
    const stream = session.request({ ...request, 'x-large': 'y'.repeat(20_000) })
    stream.resume()
    await expect(once(stream, 'close')).rejects.toThrow('ENHANCE_YOUR_CALM')
    expect(server.handed()).toBe(0)
    await expectAlive(server)
  })

  it('answers other methods and content with an error, and no session', async () => {
    const server = await listen('grpc')
    const session = http2(server.port)
    expect(await statusOf(session.request({ ...request, ':path': '/parley.v1.Coordinator/Other' }))).toBe(12)
    const html = session.request({ ...request, 'content-type': 'text/html' })
    const [headers] = await once(html, 'response')
    expect(headers[':status']).toBe(415)
    expect(server.handed()).toBe(0)
  })

  /** Connections of the flood come first; the honest client's is the last. */
  function newest(server: { accept: () => Promise<Connection>; handed: () => number }) {
    return async () => {
      for (let i = server.handed(); i > 1; i--) await server.accept()
      return server.accept()
    }
  }
})

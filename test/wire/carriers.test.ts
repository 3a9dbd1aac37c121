import { connect as connectHttp2 } from 'node:http2'
import { createServer, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { dialUrl } from '../../client/carriers/dial.ts'
import type { DialOptions } from '../../client/carriers/options.ts'
import type { ConnectionHandler, Listener } from '../../core/wire/connection.ts'
import { defaultLimits, type Limits } from '../../core/wire/limits.ts'
import { memoryListener } from '../../core/wire/pipe.ts'
import { createAdmission } from '../../server/transport/admission.ts'
import { listenGrpc } from '../../server/transport/grpc.ts'
import type { TransportSecurity } from '../../server/transport/tls.ts'
import { listenWebSocket } from '../../server/transport/websocket.ts'
import { Arrivals, carrierContract, codeOf, read } from '../contract/carrier.ts'
import { type Certificates, hasOpenssl, makeCertificates } from './certificates.ts'

const listeners = { ws: listenWebSocket, grpc: listenGrpc } as const
const sockets = ['ws', 'grpc'] as const
type SocketCarrier = (typeof sockets)[number]

function listen(
  carrier: SocketCarrier,
  handler: ConnectionHandler,
  options: TransportSecurity & { readonly host?: string; readonly limits?: Limits } = {},
): Promise<Listener> {
  return listeners[carrier](handler, { port: 0, admission: createAdmission(), limits: defaultLimits, ...options })
}

carrierContract(
  'memory',
  async (handler, { server, client }) => memoryListener(handler, { limits: server, clientLimits: client }),
  { clientNamesCodes: true },
)

for (const carrier of sockets) {
  carrierContract(
    carrier,
    async (handler, { server, client }) => {
      const listener = await listen(carrier, handler, { limits: server })
      return { listener, dial: dialUrl(listener.url, { limits: client }) }
    },
    { clientNamesCodes: carrier === 'ws' },
  )
}

describe.skipIf(!hasOpenssl)('TLS (needs the program openssl)', () => {
  let made: Certificates | undefined
  const certificates = () => {
    made ??= makeCertificates()
    return made
  }

  for (const carrier of sockets) {
    carrierContract(
      `${carrier} over TLS`,
      async (handler, { server, client }) => {
        const { ca, server: tls } = certificates()
        const listener = await listen(carrier, handler, { limits: server, tls })
        return { listener, dial: dialUrl(listener.url, { limits: client, tls: { ca } }) }
      },
      { clientNamesCodes: carrier === 'ws', brief: true },
    )

    describe(`${carrier} over TLS`, () => {
      /** What becomes of a dial: the remote address that the server sees, or the code of the refusal. */
      async function outcome(server: TransportSecurity, client: DialOptions['tls']): Promise<string> {
        const accepted = new Arrivals<string>()
        const listener = await listen(carrier, (connection) => accepted.put(connection.remote), server)
        try {
          const code = await codeOf(dialUrl(listener.url, client === undefined ? {} : { tls: client })())
          return code === 'nothing thrown' ? await accepted.take() : code
        } finally {
          await listener.stop()
        }
      }

      it('is named by the scheme', async () => {
        const listener = await listen(carrier, () => {}, { tls: certificates().server })
        expect(listener.url).toMatch(carrier === 'ws' ? /^wss:/ : /^grpcs:/)
        await listener.stop()
      })

      it('does not trust an unknown authority', async () => {
        expect(await outcome({ tls: certificates().server }, undefined)).toBe('tls.untrusted')
      })

      it('checks the name in the certificate', async () => {
        const { ca, server: tls } = certificates()
        expect(await outcome({ tls }, { ca, serverName: 'coordinator.example' })).toBe('127.0.0.1')
        expect(await outcome({ tls }, { ca, serverName: 'somebody.example' })).toBe('tls.certificate')
      })

      it('takes only clients with a certificate of the authority that it was given', async () => {
        const { ca, server, client, stranger } = certificates()
        const tls = { ...server, clientCa: ca }
        expect(await outcome({ tls }, { ca, ...client })).toBe('127.0.0.1')
        expect(await outcome({ tls }, { ca })).toBe('session.unreachable')
        expect(await outcome({ tls }, { ca, ...stranger })).toBe('session.unreachable')
      })

      it('names a certificate that cannot be used', async () => {
        const { cert } = certificates().server
        expect(await codeOf(listen(carrier, () => {}, { tls: { cert, key: 'no key' } }))).toBe('config.invalid')
        const { ca } = certificates()
        const url = carrier === 'ws' ? 'wss://127.0.0.1:1' : 'grpcs://127.0.0.1:1'
        for (const tls of [{ ca, cert, key: 'no key' }, { ca: 'no authority' }, { ca, cert }]) {
          expect(() => dialUrl(url, { tls })).toThrow(expect.objectContaining({ code: 'config.invalid' }))
        }
      })
    })
  }
})

describe.each(sockets)('%s', (carrier) => {
  it('refuses clear text beyond loopback on both ends, unless that is written out', async () => {
    expect(await codeOf(listen(carrier, () => {}, { host: '0.0.0.0' }))).toBe('config.insecure')
    expect(await codeOf(listen(carrier, () => {}, { host: '::' }))).toBe('config.insecure')
    const url = `${carrier}://coordinator.example:7000`
    expect(() => dialUrl(url)).toThrow(expect.objectContaining({ code: 'config.insecure' }))
    expect(dialUrl(url, { allowClearTextBeyondLoopback: true })).toBeTypeOf('function')
  })

  it('names a port that is taken', async () => {
    const listener = await listen(carrier, () => {})
    const port = Number(new URL(listener.url).port)
    const second = listeners[carrier](() => {}, { port, admission: createAdmission(), limits: defaultLimits })
    expect(await codeOf(second)).toBe('config.invalid')
    await listener.stop()
  })

  it('gives up a dial to a silent host when the signal aborts or the time is over', async () => {
    const open = new Set<Socket>()
    const silent = createServer((socket) => open.add(socket.on('error', () => {}).resume()))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as { port: number }
    const url = `${carrier}://127.0.0.1:${port}`
    const abort = new AbortController()
    silent.once('connection', () => abort.abort())
    expect(await codeOf(dialUrl(url)(abort.signal))).toBe('session.unreachable')
    const impatient = dialUrl(url, { limits: { ...defaultLimits, handshakeMs: 50 } })
    expect(await codeOf(impatient())).toBe('session.unreachable')
    silent.close()
    for (const socket of open) socket.destroy()
  })
})

describe('dialUrl', () => {
  it.each(['http://127.0.0.1:1', 'tcp://127.0.0.1:1', 'localhost', '', 'grpc:', 'ws://user:secret@127.0.0.1/'])(
    'refuses %j as config.invalid',
    (url) => {
      expect(() => dialUrl(url)).toThrow(expect.objectContaining({ code: 'config.invalid' }))
    },
  )

  it('names the schemes that it knows', () => {
    expect(() => dialUrl('http://127.0.0.1')).toThrow('grpc://, grpcs://, ws://, wss://')
  })
})

describe('gRPC', () => {
  it('lets an authenticated peer send ahead of the reader, and strangers only HTTP/2’s 64 KiB', async () => {
    const accepted = new Arrivals<Parameters<ConnectionHandler>[0]>()
    const listener = await listen('grpc', (connection) => accepted.put(connection))
    const session = connectHttp2(listener.url.replace('grpc', 'http'))
    const stream = session.request({
      ':method': 'POST',
      ':path': '/parley.v1.Coordinator/Session',
      'content-type': 'application/grpc',
    })
    const connection = await accepted.take()
    expect(session.remoteSettings.initialWindowSize).toBe(65_535)
    const widened = new Promise((resolve) => session.on('remoteSettings', resolve))
    connection.authenticated?.()
    expect(await widened).toMatchObject({ initialWindowSize: 4 * 1024 * 1024, maxHeaderListSize: 16 * 1024 })
    stream.write(Buffer.of(0, 0, 0, 0, 2, 8, 9))
    expect(await read(connection, 1)).toEqual([Uint8Array.of(8, 9)])
    session.destroy()
    await listener.stop()
  })
})

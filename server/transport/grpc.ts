import type { ServerHttp2Stream } from 'node:http2'
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerOptions,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import { catalogue, type ErrorCode, ParleyError } from '../../core/errors/index.ts'
import { hostPort } from '../../core/wire/address.ts'
import { CarrierConnection } from '../../core/wire/carrier-connection.ts'
import type { ConnectionHandler, Listener } from '../../core/wire/connection.ts'
import { descriptor } from '../../core/wire/generated/descriptor.ts'
import { descriptor as healthDescriptor } from '../../core/wire/generated/health-descriptor.ts'
import type { Limits } from '../../core/wire/limits.ts'
import { sentStatus, wasReset, watchStreams, widenWindow } from './grpc-internals.ts'
import { type Health, healthHandlers } from './health.ts'
import { openPort, type Port, type PortOptions, type Visit } from './port.ts'
import { checkSecurity, type ServerTls, type TransportSecurity } from './tls.ts'

export type GrpcLimits = Pick<Limits, 'frameBytes' | 'sendQueueBytes' | 'handshakeMs' | 'idleMs' | 'stallMs'>

export type GrpcOptions = PortOptions &
  TransportSecurity & {
    readonly limits: GrpcLimits
    /** With it, `grpc.health.v1.Health` answers on the same port. */
    readonly health?: Health
  }

export type GrpcListener = Listener & {
  /** Connections from now on get this certificate; those that are open go on. */
  renewTls(tls: ServerTls): void
}

type SessionCall = ServerDuplexStream<Buffer, Buffer>

/** How long a peer that is refused may take to hear it. */
const PARTING_MS = 1_000

/** A session and the odd health check next to it. */
const STREAMS_PER_CONNECTION = 4

/**
 * Takes gRPC sessions on a port of its own, one per TCP connection.
 * Rejects with `config.insecure` (clear text beyond loopback) or `config.invalid` (address in use, bad certificate).
 */
export async function listenGrpc(handler: ConnectionHandler, options: GrpcOptions): Promise<GrpcListener> {
  const { host = '127.0.0.1', tls, limits, health } = options
  checkSecurity(host, options)
  const server = new Server(serverOptions(limits))
  const streams = new WeakMap<Visit, ServerHttp2Stream>()
  const visitOf = (port: Port, peer: string) => {
    const colon = peer.lastIndexOf(':')
    return port.visit(peer.slice(0, colon), Number(peer.slice(colon + 1)))
  }
  const busy = new WeakSet<Visit>()
  let injector = server.createConnectionInjector(credentials(tls))
  const port = await openPort(options, { accept: (socket) => injector.injectConnection(socket) })
  watchStreams(server, (stream, headers) => {
    const { remoteAddress, remotePort } = stream.session?.socket ?? {}
    const visit = port.visit(remoteAddress, remotePort)
    if (visit !== undefined && !busy.has(visit) && headers[':path'] === SESSION_PATH) streams.set(visit, stream)
  })
  server.addService(sessionService, {
    Session: (call: SessionCall) => {
      const visit = visitOf(port, call.getPeer())
      if (visit === undefined || busy.has(visit)) {
        endCall(call, visit === undefined ? 'session.closed' : 'session.too-many')
        return
      }
      busy.add(visit)
      const free = () => busy.delete(visit)
      handler(sessionConnection(call, visit, streams.get(visit), limits, free))
    },
  })
  if (health !== undefined) server.addService(healthService, healthHandlers(health) as UntypedServiceImplementation)
  const stop = async () => {
    await port.stop()
    server.forceShutdown()
  }
  const renewTls = (renewed: ServerTls) => {
    injector = server.createConnectionInjector(credentials(renewed))
  }
  return { url: `${tls ? 'grpcs' : 'grpc'}://${hostPort(host, port.port)}`, renewTls, stop }
}

const SESSION_PATH = '/parley.v1.Coordinator/Session'
const healthService = load(healthDescriptor, 'grpc.health.v1.Health')
const sessionService = passThrough(load(descriptor, 'parley.v1.Coordinator'))

function load(json: object, name: string): ServiceDefinition {
  const definition = fromJSON(json, { enums: String, defaults: true })[name]
  if (definition === undefined || 'format' in definition) throw new ParleyError('internal', `no service ${name}`)
  return definition
}

/** The frames are encoded and decoded by the sessions, the same for every carrier. */
function passThrough(service: ServiceDefinition): ServiceDefinition {
  const methods = Object.entries(service).map(([name, method]) => [
    name,
    { ...method, requestDeserialize: (bytes: Buffer) => bytes, responseSerialize: (bytes: Buffer) => bytes },
  ])
  return Object.fromEntries(methods)
}

function serverOptions(limits: GrpcLimits): ServerOptions {
  return {
    'grpc.max_receive_message_length': limits.frameBytes,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': STREAMS_PER_CONNECTION,
    // A peer that vanished without a word is found by the heartbeats of the session; this finds it below them as well.
    'grpc.keepalive_time_ms': limits.idleMs,
    'grpc.keepalive_timeout_ms': limits.handshakeMs,
    'grpc.enable_channelz': 0,
  }
}

function credentials(tls: ServerTls | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure()
  const { cert, key, clientCa } = tls
  return ServerCredentials.createSsl(
    clientCa === undefined ? null : Buffer.from(clientCa),
    [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }],
    clientCa !== undefined,
  )
}

function sessionConnection(
  call: SessionCall,
  visit: Visit,
  stream: ServerHttp2Stream | undefined,
  limits: GrpcLimits,
  free: () => void,
): CarrierConnection {
  let lingering: NodeJS.Timeout | undefined
  let ending = false
  const end = (code: ErrorCode | undefined) => {
    ending = true
    lingering ??= setTimeout(visit.destroy, limits.stallMs)
    endCall(call, code)
    call.resume()
  }
  const connection = new CarrierConnection({
    carrier: 'grpc',
    remote: visit.address,
    limits,
    line: {
      write: (frame, passed) => {
        call.write(
          Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength),
          (error?: Error | null) => error ?? passed(),
        )
      },
      pause: () => call.pause(),
      resume: () => call.resume(),
      close: end,
      destroy: visit.destroy,
    },
    onAuthenticated: () => {
      visit.authenticated()
      if (stream !== undefined) widenWindow(stream)
    },
  })
  visit.sessionBegan()
  holdOneMessage(call)
  call.on('data', (bytes: Buffer) => {
    connection.arrived(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  })
  call.once('end', () => {
    // Node ends a stream that was reset, too. (A client of grpc-js ends before it resets: that looks like good order.)
    if (stream !== undefined && wasReset(stream)) return
    connection.ended()
    end(undefined)
  })
  const gone = () => {
    clearTimeout(lingering)
    connection.ended(new ParleyError('session.closed', 'the connection broke'))
    connection.gone()
    free()
    visit.sessionEnded()
    // Says GOAWAY and closes once a health check next to the session is over, too.
    stream?.session?.close()
  }
  call.once('cancelled', () => {
    if (stream === undefined || stream.closed || stream.destroyed) return gone()
    // The status is on its way: what is left to the peer is to read it.
    lingering ??= setTimeout(visit.destroy, PARTING_MS)
    if (!ending) connection.ended(new ParleyError(libraryReason(sentStatus(stream))))
    stream.once('close', gone)
  })
  // Answers the client that the session stands, so that its dial can end.
  call.sendMetadata(new Metadata())
  return connection
}

/** Why grpc-js ended a call by itself: nearly always because of a message above the limit. */
function libraryReason(sent: number | undefined): ErrorCode {
  switch (sent) {
    case status.INTERNAL:
    case status.UNIMPLEMENTED:
      // Compressed in a way that it does not know, or not at all.
      return 'frame.malformed'
    case status.DEADLINE_EXCEEDED:
      return 'session.closed'
    default:
      return 'frame.too-large'
  }
}

function endCall(call: SessionCall, code: ErrorCode | undefined): void {
  if (code === undefined) {
    call.end()
    return
  }
  const metadata = new Metadata()
  metadata.set('parley-code', code)
  const { grpc, meaning } = catalogue[code]
  call.emit('error', { code: status[grpc], details: meaning, metadata })
}

/** Node's streams of objects read 16 ahead, which would be 16 MiB here. */
function holdOneMessage(call: SessionCall): void {
  const state: unknown = Reflect.get(call, '_readableState')
  if (typeof state === 'object' && state !== null) Reflect.set(state, 'highWaterMark', 1)
}

import {
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  type Metadata,
  type StatusObject,
  status,
} from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import { isErrorCode, ParleyError } from '../../core/errors/index.ts'
import { CarrierConnection } from '../../core/wire/carrier-connection.ts'
import type { Connection, Dial } from '../../core/wire/connection.ts'
import { descriptor } from '../../core/wire/generated/descriptor.ts'
import { defaultLimits } from '../../core/wire/limits.ts'
import { patienceFor, whyGivenUp } from '../network/connect.ts'
import { checkProxy, proxyFor } from '../network/proxy.ts'
import { channelTarget, unreached, type Way, WayCredentials } from './grpc-credentials.ts'
import type { DialLimits, DialOptions } from './options.ts'
import { checkTls, refuseClearText } from './tls.ts'

/** What the coordinator may have under way to a client that does not read, in bytes. */
const WINDOW_BYTES = 4 * 1024 * 1024

type SessionCall = ClientDuplexStream<Buffer, Buffer>

/**
 * Dials `grpc://host:port` and `grpcs://host:port`, each time over a TCP connection of its own, through a proxy where one is chosen. Throws `config.insecure`
 * for clear text beyond loopback, `config.invalid` for certificates that cannot be used. A dial waits at most `handshakeMs`.
 */
export function dialGrpc(target: string | URL, options: DialOptions = {}): Dial {
  const url = new URL(target)
  if (url.protocol === 'grpc:') refuseClearText(url, options.allowClearTextBeyondLoopback)
  checkTls(options.tls)
  checkProxy(options.proxy)
  return async (signal) => open(url, options, signal)
}

function open(url: URL, options: DialOptions, signal: AbortSignal | undefined): Promise<Connection> {
  const { limits = defaultLimits, tls = {} } = options
  const proxy = proxyFor(url, options.proxy)
  return new Promise((resolve, reject) => {
    const way: Way = { url, tls, proxy, patience: patienceFor(limits.handshakeMs, signal) }
    const credentials = new WayCredentials(way)
    const unreachable = (reason: string) => unreached(way, credentials.reached, reason)
    if (signal?.aborted) return reject(unreachable('dialling was cancelled'))
    const client = new Client(channelTarget(way), credentials, channelOptions(limits, way))
    const call = client.makeBidiStreamRequest(sessionMethod.path, bytes, bytes)
    const connection = sessionConnection(call, client, url.host, limits)
    const { signal: over } = way.patience
    const abort = () => {
      settled()
      // Whoever is still making the connection gives up by the same signal, and knows better where it stopped.
      setImmediate(() => {
        reject(credentials.failure ?? unreachable(whyGivenUp(way.patience)))
        connection.destroy()
      })
    }
    const settled = () => over.removeEventListener('abort', abort)
    over.addEventListener('abort', abort, { once: true })
    call.once('metadata', () => {
      settled()
      resolve(connection)
    })
    call.once('status', (end: StatusObject) => {
      settled()
      const named = namedCode(end.metadata)
      reject(
        named === undefined ? (credentials.failure ?? unreachable(end.details)) : new ParleyError(named, end.details),
      )
    })
  })
}

const sessionMethod = loadSession()
const bytes = (message: Buffer) => message

function loadSession(): { readonly path: string } {
  const service = fromJSON(descriptor)['parley.v1.Coordinator']
  const method = service !== undefined && !('format' in service) ? service.Session : undefined
  if (method === undefined) throw new ParleyError('internal', 'the descriptor has no Coordinator.Session')
  return method
}

function channelOptions(limits: DialLimits, { url, proxy }: Way): ClientOptions {
  return {
    'grpc.max_receive_message_length': limits.frameBytes,
    'grpc.max_send_message_length': -1,
    'grpc-node.flow_control_window': WINDOW_BYTES,
    // One connection per dial; a session that breaks is resumed by the client node, not by the library.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_channelz': 0,
    // It would take a proxy of the environment by rules of its own.
    'grpc.enable_http_proxy': 0,
    ...(proxy === undefined ? {} : { 'grpc.default_authority': url.host }),
  }
}

function sessionConnection(call: SessionCall, client: Client, remote: string, limits: DialLimits): CarrierConnection {
  let lingering: NodeJS.Timeout | undefined
  let end: ParleyError | undefined
  const connection = new CarrierConnection({
    carrier: 'grpc',
    remote,
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
      // A gRPC client cannot say why it ends: that is what the Close frame is for.
      close: () => {
        lingering = setTimeout(() => call.cancel(), limits.stallMs)
        call.end()
        call.resume()
      },
      destroy: () => {
        call.cancel()
        call.resume()
      },
    },
  })
  holdOneMessage(call)
  call.on('data', (message: Buffer) => {
    connection.arrived(new Uint8Array(message.buffer, message.byteOffset, message.byteLength))
  })
  // The same failure comes as `status`, with the end of the readable side after the last frame.
  call.on('error', () => {})
  call.once('status', (ended: StatusObject) => {
    end = statusError(ended)
    clearTimeout(lingering)
    connection.gone()
    client.close()
  })
  call.once('end', () => process.nextTick(() => connection.ended(end)))
  return connection
}

const namedCode = (metadata: Metadata) => {
  const code = String(metadata.get('parley-code')[0])
  return isErrorCode(code) ? code : undefined
}

/** What the status of an ended call means to the reader of frames; undefined is the end in good order. */
function statusError({ code, details, metadata }: StatusObject): ParleyError | undefined {
  const named = namedCode(metadata)
  if (named !== undefined) return new ParleyError(named, details)
  if (code === status.OK) return undefined
  // Said by the library of either end.
  if (code === status.RESOURCE_EXHAUSTED) return new ParleyError('frame.too-large', details)
  return new ParleyError('session.closed', `the session ended with gRPC status ${status[code]}: ${details}`)
}

/** Node's streams of objects read 16 ahead, which would be 16 MiB here. */
function holdOneMessage(call: SessionCall): void {
  const state: unknown = Reflect.get(call, '_readableState')
  if (typeof state === 'object' && state !== null) Reflect.set(state, 'highWaterMark', 1)
}

import { createRequire } from 'node:module'
import { type ClientOptions, WebSocket } from 'ws'
import { ParleyError } from '../../core/errors/index.ts'
import type { Connection, Dial } from '../../core/wire/connection.ts'
import { defaultLimits } from '../../core/wire/limits.ts'
import { WEBSOCKET_PATH, websocketConnection } from '../../core/wire/websocket.ts'
import { patienceFor, whyGivenUp } from '../network/connect.ts'
import { checkProxy } from '../network/proxy.ts'
import { connectionOf } from '../network/web.ts'
import type { DialOptions } from './options.ts'
import { checkTls, refuseClearText } from './tls.ts'

/**
 * Dials `ws://` and `wss://`, through a proxy where one is chosen; without a path in the URL it asks for `/v1/session`. Throws `config.insecure` for clear text
 * beyond loopback, `config.invalid` for certificates that cannot be used. A dial waits at most `handshakeMs`.
 */
export function dialWebSocket(target: string | URL, options: DialOptions = {}): Dial {
  const url = new URL(target)
  if (url.protocol === 'ws:') refuseClearText(url, options.allowClearTextBeyondLoopback)
  checkTls(options.tls)
  checkProxy(options.proxy)
  if (url.pathname === '/') url.pathname = WEBSOCKET_PATH
  if (options.warn !== undefined && !hasBufferutil()) {
    options.warn('the package bufferutil is missing: WebSocket uploads take about five times the processor time')
  }
  return async (signal) => open(url, options, signal)
}

function open(url: URL, options: DialOptions, signal: AbortSignal | undefined): Promise<Connection> {
  const { limits = defaultLimits } = options
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new ParleyError('session.unreachable', 'dialling was cancelled'))
    const patience = patienceFor(limits.handshakeMs, signal)
    // The types of the package know only a connection that is returned.
    const createConnection = connectionOf(url, options, patience) as unknown as ClientOptions['createConnection']
    const socket = new WebSocket(url, { ...clientOptions(options), createConnection })
    // Made at once: frames may come in the same packet as the answer to the upgrade.
    const connection = websocketConnection(socket, { remote: url.host, limits })
    const abort = () => {
      // Whoever is still making the connection gives up by the same signal, and knows better where it stopped.
      setImmediate(() => {
        reject(new ParleyError('session.unreachable', `${url.host}: ${whyGivenUp(patience)}`))
        socket.terminate()
      })
    }
    const settled = () => patience.signal.removeEventListener('abort', abort)
    patience.signal.addEventListener('abort', abort, { once: true })
    socket.once('open', () => {
      settled()
      resolve(connection)
    })
    socket.once('unexpected-response', (request, response) => {
      settled()
      reject(refusal(response.statusCode, response.headers['parley-code']))
      request.destroy()
    })
    socket.once('error', (cause) => {
      settled()
      const named = cause instanceof ParleyError
      reject(named ? cause : new ParleyError('session.unreachable', `${url.host}: ${cause.message}`, { cause }))
    })
  })
}

function clientOptions(options: DialOptions): ClientOptions & { closeTimeout: number } {
  const { limits = defaultLimits, headers } = options
  return {
    perMessageDeflate: false,
    maxPayload: limits.frameBytes,
    closeTimeout: limits.stallMs,
    ...(headers === undefined ? {} : { headers: { ...headers } }),
  }
}

function refusal(status: number | undefined, code: unknown): ParleyError {
  const message = `the upgrade to WebSocket was answered with HTTP ${status}`
  // The one code that a listener gives before any session; others would be words of whoever sits in between.
  return new ParleyError(code === 'session.too-many' ? code : 'session.unreachable', message)
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

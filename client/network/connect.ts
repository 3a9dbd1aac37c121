import { request } from 'node:http'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type SecureContextOptions, type TLSSocket } from 'node:tls'
import { ParleyError } from '../../core/errors/index.ts'
import { hostPort } from '../../core/wire/address.ts'
import { type ProxyRoute, proxyName } from './proxy.ts'
import { tlsRefusal } from './tls-peer.ts'
import { authoritiesOf, type Trust } from './trust.ts'

export type Place = { readonly host: string; readonly port: number }

/** A proxy, and whom a client believes that it is the one, where it speaks TLS by itself. */
export type ProxyWay = ProxyRoute & { readonly trust?: Trust }

export type TlsWith = Trust & {
  readonly cert?: string
  readonly key?: string
  /** The name to find in the certificate, if it is not the host that was asked for. */
  readonly serverName?: string
  readonly alpn?: readonly string[]
  /** Take any certificate: what comes is held against a fingerprint by whoever asks for it. */
  readonly unverified?: boolean
}

/** The ends of every way: an operation that is given up, and how long it may take as a whole. */
export type Patience = { readonly signal: AbortSignal }

const defaultPorts: Readonly<Record<string, number>> = { 'http:': 80, 'ws:': 80, 'https:': 443, 'wss:': 443 }

/** Host and port of a URL; gRPC has 443 where none is named. */
export function placeOf({ hostname, port, protocol }: URL): Place {
  const host = hostname.replace(/^\[|\]$/g, '')
  return { host, port: port === '' ? (defaultPorts[protocol] ?? 443) : Number(port) }
}

/**
 * A TCP connection to a place, through a proxy where one is given. Rejects with `session.unreachable`, and with `proxy.unreachable`,
 * `proxy.authentication`, `proxy.refused`, `proxy.no-route`.
 */
export async function openSocket(to: Place, proxy: ProxyWay | undefined, patience: Patience): Promise<Socket> {
  if (proxy === undefined) return await tcp(to, patience, 'session.unreachable')
  return await throughProxy(await tcp(placeOf(proxy.url), patience, 'proxy.unreachable'), to, proxy, patience)
}

/** Asks a proxy, over a connection to it, to go on to a place (CONNECT, RFC 9110, section 9.3.6). The connection is used up. */
export async function throughProxy(socket: Socket, to: Place, proxy: ProxyWay, patience: Patience): Promise<Socket> {
  const { url, credentials } = proxy
  const toProxy =
    url.protocol === 'https:' ? await secured(socket, placeOf(url).host, proxy.trust ?? {}, patience) : socket
  const target = hostPort(to.host, to.port)
  return await new Promise<Socket>((resolve, reject) => {
    const asking = request({
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...(credentials === undefined ? {} : { 'proxy-authorization': basic(credentials) }) },
      createConnection: () => toProxy,
    })
    const settled = () => patience.signal.removeEventListener('abort', giveUp)
    const fail = (error: ParleyError) => {
      settled()
      toProxy.destroy()
      reject(error)
    }
    const giveUp = () => fail(new ParleyError('proxy.unreachable', `${proxyName(proxy)}: ${whyGivenUp(patience)}`))
    if (patience.signal.aborted) return giveUp()
    patience.signal.addEventListener('abort', giveUp, { once: true })
    asking.once('connect', (response, tunnel, head) => {
      const refusal = refusalOf(response.statusCode ?? 0, response.headers['proxy-authenticate'], target, proxy)
      if (refusal !== undefined) return fail(refusal)
      settled()
      // What came behind the answer in the same packet belongs to the other end.
      if (head.length > 0) tunnel.unshift(head)
      resolve(tunnel as Socket)
    })
    asking.on('error', ({ message }) =>
      fail(new ParleyError('proxy.unreachable', `${proxyName(proxy)} does not answer as a proxy: ${message}`)),
    )
    asking.end()
  })
}

/**
 * TLS over a connection. Rejects with `tls.untrusted` and `tls.certificate`, which name the issuer, and with `session.unreachable`
 * where the other end does not speak TLS; `session.http2-blocked` where it speaks none of `alpn`.
 */
export function secured(socket: Socket, host: string, options: TlsWith, { signal }: Patience): Promise<TLSSocket> {
  const { cert, key, serverName = host, alpn, unverified = false } = options
  const ca = authoritiesOf(options)
  const context: SecureContextOptions = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }
  return new Promise((resolve, reject) => {
    const connection = connectTls({
      socket,
      ...context,
      // Checked below: only an accepted connection can still be asked who certified it. Nothing is sent before.
      rejectUnauthorized: false,
      host: serverName,
      ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
      ...(alpn === undefined ? {} : { ALPNProtocols: [...alpn] }),
    })
    const settled = () => {
      signal.removeEventListener('abort', giveUp)
      connection.off('error', broken)
      connection.off('close', closed)
    }
    const fail = (error: ParleyError) => {
      settled()
      connection.destroy()
      reject(error)
    }
    const unreachable = (reason: string) => fail(new ParleyError('session.unreachable', `${host}: TLS: ${reason}`))
    const giveUp = () => unreachable(whyGivenUp({ signal }))
    const broken = (cause: Error & { readonly code?: string }) => {
      if (cause.code !== 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL') return unreachable(cause.message)
      fail(new ParleyError('session.http2-blocked', `${host} did not agree to HTTP/2 (ALPN)`, { cause }))
    }
    const closed = () => unreachable('the connection was closed')
    if (signal.aborted) return giveUp()
    signal.addEventListener('abort', giveUp, { once: true })
    // Whoever takes the connection over may be a moment late.
    connection.on('error', () => {})
    connection.once('error', broken)
    connection.once('close', closed)
    connection.once('secureConnect', () => {
      if (!connection.authorized && !unverified) return fail(tlsRefusal(connection, serverName))
      settled()
      resolve(connection)
    })
  })
}

function tcp(to: Place, { signal }: Patience, code: 'session.unreachable' | 'proxy.unreachable'): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string, cause?: unknown) => {
      signal.removeEventListener('abort', giveUp)
      socket.destroy()
      reject(new ParleyError(code, `${hostPort(to.host, to.port)}: ${reason}`, { cause }))
    }
    const giveUp = () => fail(whyGivenUp({ signal }))
    const socket = connectTcp({ ...to, noDelay: true })
    socket.on('error', (cause) => fail(cause.message || 'no address of it answers', cause))
    if (signal.aborted) return giveUp()
    signal.addEventListener('abort', giveUp, { once: true })
    socket.once('connect', () => {
      signal.removeEventListener('abort', giveUp)
      resolve(socket)
    })
  })
}

function refusalOf(
  status: number,
  challenge: string | undefined,
  target: string,
  proxy: ProxyRoute,
): ParleyError | undefined {
  if (status >= 200 && status < 300) return undefined
  const message = `${proxyName(proxy)} answered ${status} to CONNECT ${target}`
  const options = { details: { status } }
  if (status === 407) {
    const scheme = /^[A-Za-z0-9-]{1,40}/.exec(challenge ?? '')?.[0]
    const given = proxy.credentials === undefined ? 'none were given' : 'others than those that were given'
    const asked = scheme === undefined ? '' : `, by the scheme ${scheme}`
    return new ParleyError('proxy.authentication', `${message}: it wants credentials${asked}; ${given}`, options)
  }
  return new ParleyError(status >= 500 ? 'proxy.no-route' : 'proxy.refused', message, options)
}

const basic = (credentials: string) => `Basic ${Buffer.from(credentials, 'utf8').toString('base64')}`

/** Why a signal was aborted: a time that is over, or somebody who does not want it any more. */
export function whyGivenUp({ signal }: Patience): string {
  const timedOut = signal.reason instanceof Error && signal.reason.name === 'TimeoutError'
  return timedOut ? 'no answer in time' : 'dialling was cancelled'
}

/** The patience of one dial: at most `ms` milliseconds, and until `signal` aborts. Nothing of it stays with `signal` afterwards. */
export function patienceFor(ms: number, signal?: AbortSignal): Patience {
  const over = new AbortController()
  const giveUp = () => {
    clearTimeout(timer)
    over.abort(signal?.reason)
  }
  const timer = setTimeout(() => {
    signal?.removeEventListener('abort', giveUp)
    over.abort(new DOMException('the time is over', 'TimeoutError'))
  }, ms)
  timer.unref()
  signal?.addEventListener('abort', giveUp, { once: true })
  if (signal?.aborted === true) giveUp()
  return { signal: over.signal }
}

/**
 * How grpc-js 1.14.7 comes by its connections: it opens a TCP connection, to the coordinator or to the proxy, and has its
 * credentials make of that what HTTP/2 is spoken over. So CONNECT and TLS are ours, the same as for WebSocket, and what goes wrong
 * in them has a name. Its own proxy support names nothing, and takes credentials from the environment only.
 */
import type { Socket } from 'node:net'
import { CallCredentials, ChannelCredentials, type experimental } from '@grpc/grpc-js'
import { ParleyError } from '../../core/errors/index.ts'
import { type Patience, placeOf, secured, throughProxy } from '../network/connect.ts'
import { type ProxyRoute, proxyName } from '../network/proxy.ts'
import type { ClientTls } from './tls.ts'

export type Way = {
  readonly url: URL
  readonly tls: ClientTls
  readonly proxy: ProxyRoute | undefined
  readonly patience: Patience
}

export class WayCredentials extends ChannelCredentials {
  readonly #way: Way
  /** How far the last attempt came. */
  reached: 'nothing' | 'tcp' | 'coordinator' = 'nothing'
  /** What was wrong with the last connection, where that has a name. */
  failure: ParleyError | undefined

  constructor(way: Way) {
    super()
    this.#way = way
  }

  override compose(): ChannelCredentials {
    throw new ParleyError('internal', 'sessions have no credentials per call')
  }

  override _isSecure(): boolean {
    return this.#way.url.protocol === 'grpcs:'
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other
  }

  override _createSecureConnector(): experimental.SecureConnector {
    return {
      connect: async (socket) => ({ socket: await this.#over(socket), secure: this._isSecure() }),
      waitForReady: async () => {},
      getCallCredentials: () => CallCredentials.createEmpty(),
      destroy: () => {},
    }
  }

  async #over(socket: Socket): Promise<Socket> {
    this.reached = 'tcp'
    try {
      const way = await open(socket, this.#way)
      this.reached = 'coordinator'
      return way
    } catch (failure) {
      this.failure = ParleyError.from(failure, 'session.unreachable')
      throw this.failure
    }
  }
}

async function open(socket: Socket, { url, tls, proxy, patience }: Way): Promise<Socket> {
  const place = placeOf(url)
  const through = proxy === undefined ? socket : await throughProxy(socket, place, { ...proxy, trust: tls }, patience)
  if (url.protocol === 'grpc:') return through
  const connection = await secured(through, place.host, { ...tls, alpn: ['h2'] }, patience)
  if (connection.alpnProtocol === 'h2') return connection
  connection.destroy()
  throw new ParleyError('session.http2-blocked', `${url.host} did not agree to HTTP/2 (ALPN)`)
}

/** Where grpc-js is to open TCP. */
export function channelTarget({ url, proxy }: Pick<Way, 'url' | 'proxy'>): string {
  if (proxy === undefined) return url.host
  const { host, port } = placeOf(proxy.url)
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** A failure before anything was reached is the proxy's where there is one. */
export function unreached({ url, proxy }: Way, reached: WayCredentials['reached'], reason: string): ParleyError {
  if (reached === 'nothing' && proxy !== undefined) {
    return new ParleyError('proxy.unreachable', `${proxyName(proxy)}: ${reason}`)
  }
  return new ParleyError('session.unreachable', `${url.host}: ${reason}`)
}

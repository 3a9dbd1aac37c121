import type { ClientRequestArgs } from 'node:http'
import type { Socket } from 'node:net'
import { openSocket, type Patience, placeOf, secured, type TlsWith } from './connect.ts'
import { type ProxyChoice, proxyFor } from './proxy.ts'

/** How a client comes to a URL of its coordinator. */
export type Network = { readonly proxy?: ProxyChoice; readonly tls?: TlsWith }

/** A connection to the host of an `http:`, `https:`, `ws:` or `wss:` URL, with TLS where the scheme says so; fails as `openSocket` and `secured`. */
export async function connectTo(url: URL, { proxy, tls = {} }: Network, patience: Patience): Promise<Socket> {
  const place = placeOf(url)
  const route = proxyFor(url, proxy)
  const socket = await openSocket(place, route && { ...route, trust: tls }, patience)
  return /^(https|wss):$/.test(url.protocol) ? await secured(socket, place.host, tls, patience) : socket
}

type CreateConnection = NonNullable<ClientRequestArgs['createConnection']>

/** `createConnection` of Node's HTTP, which waits for a connection that is handed to its callback. */
export function connectionOf(url: URL, network: Network, patience: Patience): CreateConnection {
  return (_request, opened) => {
    // Beside an error no connection is looked at.
    const failed = opened as (error: Error) => void
    connectTo(url, network, patience).then((socket) => opened(null, socket), failed)
    return undefined
  }
}

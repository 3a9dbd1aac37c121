import type { IncomingMessage } from 'node:http'

type Asked = Pick<IncomingMessage, 'headers'>

/** Whether a page of another origin has sent this, as far as its browser says so. Without TLS a proxy in front may have it. */
export function isCrossOrigin({ headers }: Asked, tls: boolean): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true
  return headers.origin !== undefined && !isOwn(headers.origin, headers.host, tls)
}

/** Whether a page of this origin has sent this, and its browser says so. */
export function isSameOrigin(request: Asked, tls: boolean): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers
  return !isCrossOrigin(request, tls) && (origin !== undefined || site === 'same-origin')
}

function isOwn(origin: string, host: string | undefined, tls: boolean): boolean {
  if (host === undefined || !URL.canParse(origin)) return false
  const { protocol, host: from } = new URL(origin)
  // Default ports are left out of the one, and may stand in the other.
  const own = URL.canParse(`${protocol}//${host}`) ? new URL(`${protocol}//${host}`).host : undefined
  return from === own && (protocol === 'https:' || (protocol === 'http:' && !tls))
}

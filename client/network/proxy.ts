import { getProxyForUrl } from 'proxy-from-env'
import { ParleyError } from '../../core/errors/index.ts'
import { isLoopback } from '../../core/wire/address.ts'

/** Which proxy a client goes through. */
export type ProxyChoice = {
  /** `http://` or `https://` with host and port; null goes directly. By default what HTTPS_PROXY and NO_PROXY say. */
  readonly url?: string | null
  /** `name:password`, sent to the proxy and to nobody else (Basic, RFC 7617). */
  readonly credentials?: string
}

export type ProxyRoute = {
  /** `http:` or `https:`, without user name and password. */
  readonly url: URL
  readonly credentials?: string
}

/** What the environment's variables are asked for: none of them knows of gRPC or of WebSocket. */
const webScheme: Readonly<Record<string, string>> = {
  'grpc:': 'http:',
  'ws:': 'http:',
  'http:': 'http:',
  'grpcs:': 'https:',
  'wss:': 'https:',
  'https:': 'https:',
}

/**
 * The proxy on the way to a URL, undefined where the way is direct. The environment's is never used for this machine itself.
 * Throws `config.invalid` for a proxy of another scheme, and for one whose URL holds a password.
 */
export function proxyFor(target: URL, { url, credentials }: ProxyChoice = {}): ProxyRoute | undefined {
  if (url === null) return undefined
  const chosen = url ?? fromEnvironment(target)
  if (chosen === undefined) return undefined
  return { url: proxyUrl(chosen), ...(credentials === undefined ? {} : { credentials: checked(credentials) }) }
}

/** Throws `config.invalid` for what cannot be a choice, before anything is dialled. */
export function checkProxy({ url, credentials }: ProxyChoice = {}): void {
  if (typeof url === 'string') proxyUrl(url)
  if (credentials !== undefined) checked(credentials)
}

function fromEnvironment({ protocol, host, hostname }: URL): string | undefined {
  const scheme = webScheme[protocol]
  if (scheme === undefined || isLoopback(hostname)) return undefined
  // gRPC has the port of TLS where none is named, in clear text too.
  const found = getProxyForUrl(`${scheme}//${host}`)
  return found === '' ? undefined : found
}

/** Messages never repeat the URL: it may hold a password. */
function proxyUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.hostname === '' || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new ParleyError('config.invalid', 'a proxy is http:// or https://, with its host and port')
  }
  if (url.username !== '' || url.password !== '') {
    throw new ParleyError(
      'config.invalid',
      'the URL of the proxy holds a user name or a password, which other programs of this machine can see: put name:password into a file and give it as --proxy-credentials-file',
    )
  }
  return url
}

const MOST_CREDENTIALS = 1_000

function checked(credentials: string): string {
  const fits = credentials.length <= MOST_CREDENTIALS && /^[^:\p{Cc}]+:[^\p{Cc}]*$/u.test(credentials)
  if (!fits) throw new ParleyError('config.invalid', 'credentials of a proxy are one line: name:password')
  return credentials
}

/** The address of a proxy, for people: it holds no secret. */
export function proxyName({ url }: ProxyRoute): string {
  return `${url.protocol}//${url.host}`
}

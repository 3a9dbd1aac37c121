import { ParleyError } from '../../core/errors/index.ts'
import type { Dial } from '../../core/wire/connection.ts'
import { dialGrpc } from './grpc.ts'
import type { DialOptions } from './options.ts'
import { dialWebSocket } from './websocket.ts'

const carriers: ReadonlyMap<string, (url: URL, options: DialOptions) => Dial> = new Map([
  ['grpc:', dialGrpc],
  ['grpcs:', dialGrpc],
  ['ws:', dialWebSocket],
  ['wss:', dialWebSocket],
])

/**
 * The way to dial a coordinator's URL: `grpc://` and `grpcs://` (TLS) with host and port, `ws://` and `wss://` (TLS) with
 * the path `/v1/session` unless another is given. Nothing is opened yet. Throws `config.invalid` for anything else and
 * `config.insecure` for clear text beyond the loopback interface, unless that was allowed.
 */
export function dialUrl(url: string, options: DialOptions = {}): Dial {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const carrier = carriers.get(parsed?.protocol ?? '')
  if (parsed === undefined || carrier === undefined || parsed.hostname === '') {
    const allowed = [...carriers.keys()].map((scheme) => `${scheme}//`).join(', ')
    throw new ParleyError('config.invalid', `not the URL of a coordinator: ${url} (allowed: ${allowed} and a host)`)
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new ParleyError('config.invalid', 'the URL of a coordinator holds no user name or password')
  }
  return carrier(parsed, options)
}

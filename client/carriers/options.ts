import type { Limits } from '../../core/wire/limits.ts'
import type { ProxyChoice } from '../network/proxy.ts'
import type { ClientTls } from './tls.ts'

export type DialLimits = Pick<Limits, 'frameBytes' | 'sendQueueBytes' | 'handshakeMs' | 'stallMs'>

export type DialOptions = {
  readonly limits?: DialLimits
  readonly tls?: ClientTls
  readonly allowClearTextBeyondLoopback?: boolean
  /** By default what HTTPS_PROXY and NO_PROXY say, and never for this machine itself. */
  readonly proxy?: ProxyChoice
  /** WebSocket only: headers of the upgrade request. */
  readonly headers?: Readonly<Record<string, string>>
  /** Told once per dial function what makes the carrier slow on this machine. */
  readonly warn?: (message: string) => void
}

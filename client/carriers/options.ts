import type { Agent } from 'node:http'
import type { Limits } from '../../core/wire/limits.ts'
import type { ClientTls } from './tls.ts'

export type DialLimits = Pick<Limits, 'frameBytes' | 'sendQueueBytes' | 'handshakeMs' | 'stallMs'>

export type DialOptions = {
  readonly limits?: DialLimits
  readonly tls?: ClientTls
  readonly allowClearTextBeyondLoopback?: boolean
  /** WebSocket only: headers of the upgrade request and the HTTP agent that opens the socket. */
  readonly headers?: Readonly<Record<string, string>>
  readonly agent?: Agent
  /** Told once per dial function what makes the carrier slow on this machine. */
  readonly warn?: (message: string) => void
}

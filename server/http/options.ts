import type { Server } from 'node:http'
import { isIPv4 } from 'node:net'
import type { Clock } from '../../core/clock.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { Limits } from '../../core/wire/limits.ts'
import type { CoordinatorApi } from '../api.ts'
import type { People } from '../members/people.ts'
import type { AlertsView } from '../observe/alerts/alert.ts'
import type { Logger } from '../observe/logger.ts'
import type { MetricsRegistry } from '../observe/metrics.ts'
import type { Registry } from '../registry/registry.ts'
import type { Rollouts } from '../registry/rollouts.ts'
import type { Store } from '../store/ports.ts'
import type { ReadableAudit } from './audit.ts'
import type { EnrolmentHttp } from './enrolment.ts'

/** What the routes need. */
export type HttpDeps = {
  readonly api: CoordinatorApi
  readonly registry: Registry
  /** Without it nobody reports outcomes here. */
  readonly rollouts?: Rollouts
  /** Without it nothing is recorded, and there is nothing to read. */
  readonly audit?: ReadableAudit
  /** Without it clients are those of a list. */
  readonly enrolment?: EnrolmentHttp
  /** The coordinator's Ed25519 key, which consumers pin. */
  readonly publicKey: Uint8Array
  readonly parleyVersion: string
  readonly store: Pick<Store, 'records' | 'blobs'>
  readonly metrics: MetricsRegistry
  /** Without it the coordinator does not watch itself. */
  readonly alerts?: { view(): AlertsView }
  readonly logger: Logger
  readonly clock: Clock
  readonly limits: Limits
  /** The key of the machine's owner, who may do anything: at least 16 characters. Without it there is no such key. */
  readonly adminToken?: string
  /** Members and their rights. Without them the key of the machine's owner is the only one. */
  readonly people?: People
}

export type HttpOptions = HttpDeps & {
  /** `127.0.0.1` by default. */
  readonly host?: string
  /** 0 takes a free one. */
  readonly port: number
  /** PEM texts. Without them the server speaks clear text, which it does on the loopback interface only. */
  readonly tls?: { readonly cert: string; readonly key: string }
  readonly allowClearTextBeyondLoopback?: boolean
  /** Origins whose pages may read published models, as `https://clinic.example`; by default none. */
  readonly consumerOrigins?: readonly string[]
  /** Folder of the built dashboard; by default the one that `npm run build` makes. */
  readonly dashboard?: string
  /** How long open answers may take to finish when the server stops; 1 s by default. */
  readonly stopMs?: number
}

/** A route, in the router's way of writing. */
export type ServedRoute = { readonly method: string; readonly path: string }

export interface HttpServer {
  /** `http://127.0.0.1:7080`; known once `start` has resolved. */
  readonly url: string
  /** The server underneath, so that a WebSocket carrier can take its upgrades. */
  readonly server: Server
  readonly routes: readonly ServedRoute[]
  /** Connections from now on get this certificate; those that are open go on. */
  renewTls(tls: { readonly cert: string; readonly key: string }): void
  start(): Promise<void>
  /** Takes no more requests, ends the open ones, closes every connection. May be called twice. */
  stop(): Promise<void>
}

/** Largest head of a request: line and header fields. */
export const REQUEST_HEAD_BYTES = 16 * 1024

/** Throws `config.insecure` or `config.invalid` for options that nobody should start with. */
export function checkOptions({ host = '127.0.0.1', tls, allowClearTextBeyondLoopback, adminToken }: HttpOptions): void {
  // What a header could not carry could never be presented.
  if (adminToken !== undefined && !/^[\x21-\x7e]{16,}$/.test(adminToken))
    throw new ParleyError('config.invalid', 'the admin token is at least 16 characters of ASCII without blanks')
  if (tls === undefined && !isLoopback(host) && allowClearTextBeyondLoopback !== true) {
    throw new ParleyError('config.insecure', `HTTP without TLS on ${host} is refused`)
  }
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}

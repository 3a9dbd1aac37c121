import { ParleyError } from '../../core/errors/index.ts'
import { isLoopback } from '../../core/wire/address.ts'
import type { Told } from './coordinator-observer.ts'
import type { Logger } from './logger.ts'

export type TracingOptions = {
  /** Base address of an OTLP/HTTP receiver; spans go to `/v1/traces` under it. */
  readonly endpoint: string
  readonly parleyVersion: string
  /** The coordinator's public key in hex. */
  readonly coordinator: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Ids of the trace of a run's newest round, as lower-case hex. */
export type TraceIds = { readonly traceId: string; readonly spanId: string }

export type Tracing = {
  readonly observer: Partial<Told>
  readonly idsOf: (run: string) => TraceIds | undefined
  /** Sends what is left, for a few seconds at most. */
  stop(): Promise<void>
}

/** Throws `config.insecure` for clear text beyond the loopback interface, `config.invalid` for an address that is none. */
export function tracesUrl(endpoint: string): string {
  const invalid = (why: string) => new ParleyError('config.invalid', `the endpoint of traces ${why}`)
  if (!URL.canParse(endpoint)) throw invalid('is no URL')
  const url = new URL(endpoint)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw invalid('begins with https://')
  if (url.username !== '' || url.password !== '') throw invalid('has no name and no password in it')
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw new ParleyError('config.insecure', `traces in clear text to ${url.hostname} are refused; use https`)
  }
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/traces`
  return url.href
}

/**
 * Sends traces by OpenTelemetry: one for each round, with its phases, and in them what each client did. Its packages are
 * optional and loaded here. Throws `config.invalid` where they are not installed.
 */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const url = tracesUrl(options.endpoint)
  const { openTelemetry } = await import('./open-telemetry.ts').catch((cause: unknown) => {
    throw new ParleyError('config.invalid', 'traces need the optional packages @opentelemetry/*; install them', {
      cause,
    })
  })
  return openTelemetry(url, options)
}

/** A logger whose lines about a run carry the ids of its trace. */
export function withTraceIds(logger: Logger, idsOf: Tracing['idsOf']): Logger {
  const traced = (fields: object) => {
    const ids = 'run' in fields && typeof fields.run === 'string' ? idsOf(fields.run) : undefined
    return ids === undefined ? fields : { ...fields, ...ids }
  }
  return {
    debug: (fields, message) => logger.debug(traced(fields), message),
    info: (fields, message) => logger.info(traced(fields), message),
    warn: (fields, message) => logger.warn(traced(fields), message),
    error: (fields, message) => logger.error(traced(fields), message),
    child: (fields) => withTraceIds(logger.child(fields), idsOf),
  }
}

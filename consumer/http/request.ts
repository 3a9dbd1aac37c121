import type { Clock } from '../../core/clock.ts'
import { concatBytes } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { Fetch } from '../options.ts'
import { Watchdog } from './watchdog.ts'

export type Answer = {
  /** 200, 206 or 304, where the request does not say otherwise. */
  readonly status: number
  readonly header: (name: string) => string | undefined
  /** The length that the answer promises; undefined when it promises none, or promises it of packed bytes. */
  readonly length: number | undefined
  /** The body in pieces, once. Throws `session.closed` where it breaks off, `session.idle` where it stops coming. */
  readonly body: AsyncIterable<Uint8Array>
  /** Lets go of the connection; to be called always. */
  readonly end: () => void
}

export type Request = {
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** What is sent, with POST; without it the request is a GET. */
  readonly body?: Uint8Array<ArrayBuffer>
  /** Answers with any status are given out, but for redirections, and 304 which nobody asked for. */
  readonly anyStatus?: boolean
  /** Within which the answer must begin, in milliseconds. */
  readonly timeoutMs: number
  /** Within which each piece must come; without it the whole answer must be there within `timeoutMs`. */
  readonly stallMs?: number
  readonly signal: AbortSignal
}

export type HttpDeps = { readonly url: string; readonly fetch: Fetch; readonly clock: Clock }

/** Nothing of the page goes along; and what is kept is kept by the cache of versions, which is verified. */
const manners = {
  redirect: 'manual',
  credentials: 'omit',
  cache: 'no-store',
  referrerPolicy: 'no-referrer',
} as const

/**
 * Asks the registry. Throws `object.not-found` for 404 and 410, `session.unreachable` when there is no answer or it says to
 * try again, `verify.failed` for a redirection, which is never followed, `request.invalid` for other refusals, `interrupted`
 * when the signal ends it.
 */
export async function ask(deps: HttpDeps, request: Request): Promise<Answer> {
  const { path, headers = {}, body, anyStatus = false, timeoutMs, stallMs, signal } = request
  const watchdog = new Watchdog(deps.clock, signal)
  watchdog.feed(timeoutMs)
  const url = `${deps.url}${path}`
  let response: Response
  try {
    const sent = body === undefined ? {} : { method: 'POST', body }
    response = await deps.fetch(url, { ...manners, ...sent, headers: { ...headers }, signal: watchdog.signal })
  } catch (cause) {
    watchdog.end()
    throw watchdog.reason ?? new ParleyError('session.unreachable', 'the registry cannot be reached', { cause })
  }
  const end = () => watchdog.end()
  try {
    checkPlace(response, url)
    if (!anyStatus) checkStatus(response)
  } catch (refused) {
    end()
    throw refused
  }
  if (stallMs !== undefined) watchdog.feed(stallMs)
  return {
    status: response.status,
    header: (name) => response.headers.get(name) ?? undefined,
    length: lengthOf(response.headers),
    body: pieces(response, watchdog, stallMs),
    end,
  }
}

/** A small answer whole. Throws `verify.failed` beyond `maxBytes`. */
export async function smallBody(answer: Answer, maxBytes: number): Promise<Uint8Array> {
  const tooLong = () => new ParleyError('verify.failed', `the registry's answer has more than ${maxBytes} bytes`)
  try {
    if ((answer.length ?? 0) > maxBytes) throw tooLong()
    const parts: Uint8Array[] = []
    let length = 0
    for await (const piece of answer.body) {
      length += piece.length
      if (length > maxBytes) throw tooLong()
      parts.push(piece)
    }
    if (answer.length !== undefined && answer.length !== length) throw new ParleyError('session.closed')
    return concatBytes(...parts)
  } finally {
    answer.end()
  }
}

function checkPlace({ status, type, url: answeredBy }: Response, url: string): void {
  // A browser shows nothing of a redirection; a `fetch` that was passed in may have followed one.
  const elsewhere = type === 'opaqueredirect' || (answeredBy !== '' && answeredBy !== new URL(url).href)
  if (elsewhere || (status >= 300 && status < 400 && status !== 304)) {
    throw new ParleyError('verify.failed', 'the registry sends elsewhere, and that is not followed')
  }
}

function checkStatus({ status }: Response): void {
  if (status === 200 || status === 206 || status === 304) return
  if (status === 404 || status === 410) throw new ParleyError('object.not-found', 'the registry has no such object')
  if (status >= 500 || status === 429 || status === 408) {
    throw new ParleyError('session.unreachable', `the registry answers with status ${status}`, { details: { status } })
  }
  throw new ParleyError('request.invalid', `the registry refuses with status ${status}`, { details: { status } })
}

function lengthOf(headers: Headers): number | undefined {
  const text = headers.get('content-length')
  if (text === null || headers.has('content-encoding')) return undefined
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

async function* pieces(
  response: Response,
  watchdog: Watchdog,
  stallMs: number | undefined,
): AsyncGenerator<Uint8Array> {
  // Not every browser lets a stream be iterated.
  const reader = response.body?.getReader()
  if (reader === undefined) return
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      // Time that the reader of the pieces takes is not the registry's.
      if (stallMs !== undefined) watchdog.rest()
      yield value
      if (stallMs !== undefined) watchdog.feed(stallMs)
    }
  } catch (cause) {
    throw watchdog.reason ?? new ParleyError('session.closed', 'the connection to the registry broke', { cause })
  } finally {
    watchdog.end()
    reader.cancel().catch(() => {})
  }
}

import { z } from 'zod'
import { parseDsse } from '../../core/attestation/dsse.ts'
import { fromUtf8, utf8 } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { VersionFile } from '../../core/release/manifest.ts'
import { consumerLimits as limits } from '../limits.ts'
import { readEvents } from './event-stream.ts'
import { type Answer, ask, type HttpDeps, smallBody } from './request.ts'

const numberField = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER)
const withdrawnListSchema = z.object({ numbers: z.array(numberField).max(100_000) })
const withdrawnEventSchema = z.object({ number: numberField })

export type RegistryEvent =
  /** A record of the alias, as it is signed. `id` is what the reader names when it comes back. */
  | { readonly type: 'alias'; readonly envelope: Uint8Array; readonly id: string | undefined }
  | { readonly type: 'withdrawn'; readonly number: number }

/** Part of a file: the bytes from `from` to its end. */
export type FileAnswer = { readonly from: number; readonly body: AsyncIterable<Uint8Array>; readonly end: () => void }

/** What a registry tells about one model. Nothing of it is believed here but its form; errors are those of `ask`. */
export class Registry {
  readonly #deps: HttpDeps
  readonly #path: string

  constructor(deps: HttpDeps, model: string) {
    this.#deps = deps
    this.#path = `/v1/models/${model}`
  }

  /** The newest record of an alias, as it is signed; undefined when it is still the one of the tag. */
  async record(
    alias: string,
    tag: string | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly envelope: Uint8Array; readonly tag: string | undefined } | undefined> {
    const headers: Record<string, string> = tag === undefined ? {} : { 'if-none-match': tag }
    const answer = await this.#ask(`/aliases/${alias}/record`, signal, headers)
    if (answer.status === 304) {
      answer.end()
      if (tag !== undefined) return undefined
      throw new ParleyError('verify.failed', 'the registry says that nothing changed, and was not asked that')
    }
    const etag = answer.header('etag')
    return {
      envelope: await smallBody(answer, limits.envelopeBytes),
      tag: etag !== undefined && /^(?:W\/)?"[!#-~]{1,200}"$/.test(etag) ? etag : undefined,
    }
  }

  /** The numbers of all withdrawn versions. */
  async withdrawn(signal: AbortSignal): Promise<readonly number[]> {
    const bytes = await smallBody(await this.#ask('/withdrawn', signal), limits.withdrawnBytes)
    return shaped(withdrawnListSchema, bytes).numbers
  }

  /** The signed manifest of a version. */
  async envelope(number: number, signal: AbortSignal): Promise<Uint8Array> {
    return smallBody(await this.#ask(`/versions/${number}/envelope`, signal), limits.envelopeBytes)
  }

  /**
   * The bytes of a file from `from` on, or all of them where the registry does not give parts. Throws `verify.failed` when
   * the answer is of another length than the manifest's, before a byte of it is read.
   */
  async file(number: number, file: VersionFile, from: number, signal: AbortSignal): Promise<FileAnswer> {
    const { path, sha256, bytes } = file
    const headers: Record<string, string> = from === 0 ? {} : { range: `bytes=${from}-`, 'if-range': `"${sha256}"` }
    const answer = await ask(this.#deps, {
      path: `${this.#path}/versions/${number}/files/${path}`,
      headers,
      timeoutMs: limits.timeoutMs,
      stallMs: limits.stallMs,
      signal,
    })
    const problem = fileProblem(answer, from, bytes)
    if (problem === undefined) return { from: answer.status === 206 ? from : 0, body: answer.body, end: answer.end }
    answer.end()
    throw new ParleyError('verify.failed', `${path}: ${problem}`)
  }

  /** What happens to the model from now on. Ends when the registry ends it. Throws `verify.failed` for what is no such event. */
  async *events(alias: string, lastId: string | undefined, signal: AbortSignal): AsyncGenerator<RegistryEvent> {
    const answer = await ask(this.#deps, {
      path: `${this.#path}/events`,
      headers: { accept: 'text/event-stream', ...(lastId === undefined ? {} : { 'last-event-id': lastId }) },
      timeoutMs: limits.timeoutMs,
      stallMs: limits.silenceMs,
      signal,
    })
    try {
      if (answer.status !== 200 || !/^text\/event-stream\b/i.test(answer.header('content-type') ?? '')) {
        throw new ParleyError('verify.failed', 'the registry does not answer with a stream of events')
      }
      for await (const { type, data, id } of readEvents(answer.body, limits.eventLineBytes)) {
        if (type === 'withdrawn') yield { type, number: shaped(withdrawnEventSchema, utf8(data)).number }
        else if (type === 'alias' && !isOfAnother(alias, data)) yield { type, envelope: utf8(data), id }
      }
    } finally {
      answer.end()
    }
  }

  #ask(path: string, signal: AbortSignal, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return ask(this.#deps, { path: `${this.#path}${path}`, headers, timeoutMs: limits.timeoutMs, signal })
  }
}

function fileProblem({ status, header, length }: Answer, from: number, bytes: number): string | undefined {
  if (status === 304) return 'the registry sends nothing'
  if (status === 206) {
    const range = header('content-range') ?? ''
    if (range !== `bytes ${from}-${bytes - 1}/${bytes}`) return 'the registry sends another part'
  }
  const due = status === 206 ? bytes - from : bytes
  return length === undefined || length === due ? undefined : `the registry sends ${length} bytes, and ${due} are due`
}

/** Other aliases of the model are told of in the same stream. What cannot be read is left to whoever refuses it. */
function isOfAnother(alias: string, envelope: string): boolean {
  try {
    const record: unknown = JSON.parse(fromUtf8(parseDsse(utf8(envelope)).payload))
    return z.object({ alias: z.string() }).parse(record).alias !== alias
  } catch {
    return false
  }
}

function shaped<Schema extends z.ZodType>(schema: Schema, bytes: Uint8Array): z.output<Schema> {
  let value: unknown
  try {
    value = JSON.parse(fromUtf8(bytes))
  } catch (cause) {
    throw new ParleyError('verify.failed', 'the registry’s answer is not JSON', { cause })
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new ParleyError('verify.failed', 'the registry’s answer has another form')
}

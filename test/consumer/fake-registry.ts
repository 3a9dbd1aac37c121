/** A registry as `docs/consumer.md` describes it, over real HTTP, that a test may make as hostile as it likes. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { ALIAS_PAYLOAD_TYPE, type AliasRecord, aliasPayload } from '../../core/attestation/alias-record.ts'
import { dsseBytes, signDsse } from '../../core/attestation/dsse.ts'
import { timestampOf } from '../../core/attestation/time.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { fromUtf8, toHex } from '../../core/encoding/bytes.ts'
import { registryKey, type Version } from './versions.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => boolean | undefined

export const DAY_MS = 86_400_000

export class FakeRegistry {
  readonly versions = new Map<number, Version>()
  readonly withdrawn = new Set<number>()
  /** Paths that were asked for, in order, without the model's. */
  readonly asked: string[] = []
  readonly requests: IncomingMessage[] = []
  /** Takes a request first; true when it answered it. */
  intercept: Handler = () => false
  readonly streams = new Set<ServerResponse>()
  readonly #aliases = new Map<string, { record: AliasRecord; sha256: string; envelope: Uint8Array }>()
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #now: () => number
  readonly #watchers = new Set<() => void>()
  readonly #model: string

  constructor(now: () => number, versions: readonly Version[] = [], model = 'heart') {
    this.#now = now
    this.#model = model
    for (const version of versions) this.versions.set(version.manifest.number, version)
    this.#server = createServer((request, response) => this.#answer(request, response))
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  async start(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
    return this.url
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async stop(): Promise<void> {
    this.cut()
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve))
  }

  /** Breaks all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Resolves when it holds, looked at after each request and each closed stream. */
  async until(holds: () => boolean): Promise<void> {
    if (holds()) return
    await new Promise<void>((resolve) => {
      const watcher = () => {
        if (!holds()) return
        this.#watchers.delete(watcher)
        resolve()
      }
      this.#watchers.add(watcher)
    })
  }

  async sign(record: AliasRecord, key = registryKey): Promise<Uint8Array> {
    return dsseBytes(await signDsse(key, ALIAS_PAYLOAD_TYPE, aliasPayload(record)))
  }

  /** The next record of an alias, not yet to be seen by anybody. */
  next(alias: string, number: number, changes: Partial<AliasRecord> = {}): AliasRecord {
    const before = this.#aliases.get(alias)
    return {
      v: 1,
      model: this.#model,
      alias,
      sequence: (before?.record.sequence ?? 0) + 1,
      number,
      root: this.versions.get(number)?.manifest.root ?? 'f'.repeat(64),
      previous: before?.sha256 ?? null,
      reason: 'because',
      actor: 'operator',
      at: timestampOf(this.#now()),
      expires: timestampOf(this.#now() + 30 * DAY_MS),
      ...changes,
    }
  }

  /** Moves an alias and tells the streams. */
  async move(alias: string, number: number, changes: Partial<AliasRecord> = {}): Promise<AliasRecord> {
    const record = this.next(alias, number, changes)
    await this.put(record)
    return record
  }

  async put(record: AliasRecord, envelope?: Uint8Array): Promise<void> {
    const bytes = envelope ?? (await this.sign(record))
    const sha256 = toHex(nodeCrypto.sha256(aliasPayload(record)))
    this.#aliases.set(record.alias, { record, sha256, envelope: bytes })
    for (const stream of this.streams) stream.write(aliasEvent(record.sequence, bytes))
  }

  withdraw(number: number): void {
    this.withdrawn.add(number)
    for (const stream of this.streams) stream.write(`event: withdrawn\ndata: {"number":${number}}\n\n`)
  }

  record(alias: string): { readonly record: AliasRecord; readonly envelope: Uint8Array } {
    return this.#aliases.get(alias)!
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '').replace(`/v1/models/${this.#model}`, '')
    this.requests.push(request)
    this.asked.push(path)
    response.on('close', () => this.#watch())
    if (this.intercept(request, response) !== true) this.#serve(path, request, response)
    this.#watch()
  }

  #watch(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }

  #serve(path: string, request: IncomingMessage, response: ServerResponse): void {
    const [, alias] = /^\/aliases\/([^/]+)\/record$/.exec(path) ?? []
    const [, number, rest = ''] = /^\/versions\/(\d+)\/(.+)$/.exec(path) ?? []
    const version = this.versions.get(Number(number))
    const found = alias === undefined ? undefined : this.#aliases.get(alias)
    if (path === '/withdrawn') return json(response, JSON.stringify({ numbers: [...this.withdrawn] }))
    if (path === '/events') return this.#stream(response)
    if (found !== undefined) {
      const tag = `"${createHash('sha256').update(found.envelope).digest('hex')}"`
      const headers = { etag: tag, 'cache-control': 'no-cache', 'content-type': 'application/json' }
      if (request.headers['if-none-match'] === tag) return void response.writeHead(304, headers).end()
      return void response.writeHead(200, headers).end(found.envelope)
    }
    if (version !== undefined && rest === 'envelope') return json(response, fromUtf8(version.envelope))
    const file = rest.startsWith('files/') ? version?.files.get(rest.slice('files/'.length)) : undefined
    if (file !== undefined) return sendFile(file, request, response)
    response.writeHead(404, { 'content-type': 'application/json' })
    response.end('{"error":{"code":"object.not-found"}}')
  }

  #stream(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const { record, envelope } of this.#aliases.values()) response.write(aliasEvent(record.sequence, envelope))
    this.streams.add(response)
    response.on('close', () => {
      this.streams.delete(response)
      this.#watch()
    })
  }
}

export function aliasEvent(sequence: number, envelope: Uint8Array): string {
  return `event: alias\nid: ${sequence}\ndata: ${fromUtf8(envelope)}\n\n`
}

/** A file or the end of it, as the contract says. */
export function sendFile(file: Uint8Array, request: IncomingMessage, response: ServerResponse): void {
  const tag = `"${createHash('sha256').update(file).digest('hex')}"`
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  const whole = from === 0 || request.headers['if-range'] !== tag
  const bytes = whole ? file : file.subarray(from)
  response.writeHead(whole ? 200 : 206, {
    etag: tag,
    'content-length': bytes.length,
    ...(whole ? {} : { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` }),
  })
  response.end(bytes)
}

function json(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(text)
}

import { connect, type Socket } from 'node:net'
import { afterEach } from 'vitest'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { DryRun } from '../../core/run/dry-run.ts'
import type { Recomputation } from '../../core/run/recomputation.ts'
import type { RunView } from '../../core/run/view.ts'
import { systemClock } from '../../core/system-clock.ts'
import { defaultLimits } from '../../core/wire/limits.ts'
import type { CoordinatorApi } from '../../server/api.ts'
import type { HttpOptions, HttpServer } from '../../server/http/options.ts'
import { createHttpServer } from '../../server/http/server.ts'
import { createLogger } from '../../server/observe/logger.ts'
import { createMetrics } from '../../server/observe/metrics.ts'
import { publishVersion } from '../../server/registry/publish.ts'
import type { RecomputeRequest } from '../../server/rounds/recompute.ts'
import type { SeenClient } from '../../server/sessions/sessions.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import type { Store, VersionRecord } from '../../server/store/ports.ts'
import { candidateIn, publishDeps, registryOf } from '../support/release.ts'

export const TOKEN = 'an-admin-token-of-some-length'
export const releaseKey = nodeCrypto.signingKey(new Uint8Array(32).fill(9))

export const view = (run: string, changes: Partial<RunView> = {}): RunView => ({
  run,
  model: 'heart',
  plan: 'a'.repeat(64),
  createdAt: '2026-01-02T00:00:00.000Z',
  phase: 'collecting',
  round: 1,
  rounds: 3,
  engaged: [],
  history: [],
  suspects: [],
  ...changes,
})

/** A coordinator that knows one run, and remembers what it was asked. */
export class FakeApi implements CoordinatorApi {
  readonly started: string[] = []
  readonly stopped: [string, string][] = []
  readonly paused: [string, string][] = []
  readonly resumed: [string, string][] = []
  readonly recomputed: [string, number, RecomputeRequest][] = []
  views: AsyncIterable<RunView> = (async function* () {})()
  signal: AbortSignal | undefined
  isReady = true
  dry: DryRun = {
    model: 'heart',
    plan: 'a'.repeat(64),
    canonical: '{}',
    parameters: 8,
    rounds: 3,
    clients: [],
    cohort: { size: 4, atOnce: 4, later: 3, waitMs: 1_000, ready: 0 },
    bytes: { down: 132, evaluation: 132, up: 32 },
  }

  async startRun(planText: string): Promise<RunView> {
    if (planText.includes('defect')) throw new TypeError('secret detail of the inside')
    if (!planText.startsWith('parley:')) throw new ParleyError('plan.invalid', 'parley: is missing')
    this.started.push(planText)
    return view('run_new')
  }
  async dryRun(planText: string): Promise<DryRun> {
    if (!planText.startsWith('parley:')) throw new ParleyError('plan.invalid', 'parley: is missing')
    return this.dry
  }
  async runs(): Promise<readonly RunView[]> {
    return [view('run_1')]
  }
  async run(id: string): Promise<RunView> {
    if (id !== 'run_1') throw new ParleyError('run.not-found')
    return view(id)
  }
  watch(_id: string, signal: AbortSignal): AsyncIterable<RunView> {
    this.signal = signal
    return this.views
  }
  async *watchAll(signal: AbortSignal): AsyncIterable<readonly RunView[]> {
    yield await this.runs()
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
  }
  async stopRun(id: string, reason: string): Promise<RunView> {
    this.stopped.push([id, reason])
    return view(id, { phase: 'over', outcome: { kind: 'stopped', reason } })
  }
  async pauseRun(id: string, reason: string): Promise<RunView> {
    this.paused.push([id, reason])
    return view(id, { paused: { at: '2026-01-02T00:00:01.000Z', reason } })
  }
  async resumeRun(id: string, reason: string): Promise<RunView> {
    this.resumed.push([id, reason])
    return view(id)
  }
  async recompute(id: string, round: number, request: RecomputeRequest): Promise<Recomputation> {
    this.recomputed.push([id, round, request])
    return {
      run: id,
      round,
      without: request.without ?? [],
      recorded: 'a'.repeat(64),
      recomputed: 'b'.repeat(64),
      identical: false,
      difference: { norm: 1, relative: 0.5, cosine: 0.9 },
      recomputedReport: { rule: 'mean', attackers: null, norm: 1, clients: [] },
    }
  }
  seen: readonly SeenClient[] = []
  seenClients(): readonly SeenClient[] {
    return this.seen
  }
  ready(): boolean {
    return this.isReady
  }
}

const cleanUp: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of cleanUp.splice(0).reverse()) await stop()
})

export type Running = {
  readonly http: HttpServer
  readonly url: string
  readonly api: FakeApi
  readonly store: Store
  /** All lines of the log so far. */
  readonly log: () => string
  readonly get: (path: string, headers?: Record<string, string>) => Promise<Response>
  readonly admin: (method: string, path: string, body?: string, type?: string) => Promise<Response>
}

/** A server on a free port, stopped after the test. */
export async function running(options: Partial<HttpOptions> = {}): Promise<Running> {
  const api = new FakeApi()
  const store = memoryStore()
  let log = ''
  const stream = {
    write: (line: string) => {
      log += line
    },
  }
  const http = createHttpServer({
    api,
    registry: registryOf(store, releaseKey),
    publicKey: releaseKey.publicKey,
    parleyVersion: '0.1.0',
    store,
    metrics: createMetrics(),
    logger: createLogger({ stream, now: () => 0, level: 'debug' }),
    clock: systemClock,
    limits: defaultLimits,
    adminToken: TOKEN,
    port: 0,
    stopMs: 50,
    ...options,
  })
  await http.start()
  cleanUp.push(() => http.stop())
  const { url } = http
  const get = (path: string, headers: Record<string, string> = {}) => fetch(url + path, { headers })
  const admin = (method: string, path: string, body?: string, type = 'application/yaml') =>
    fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, ...(body === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body }),
    })
  return { http, url, api, store, log: () => log, get, admin }
}

/** Publishes a version of `heart` with so many parameters, and returns its record and file. */
export async function publish(
  store: Store,
  round: number,
  parameters = 8,
): Promise<{ version: VersionRecord; file: Uint8Array }> {
  const values = Array.from({ length: parameters }, (_, i) => i + round)
  const candidate = await candidateIn(store, round, { values })
  const file = Uint8Array.from(await store.blobs.read(candidate.weights.digest, 0, candidate.weights.bytes))
  const deps = publishDeps(store, releaseKey, () => 1_000 * round)
  const version = await publishVersion(deps, candidate, { name: 'production', reason: `round ${round}` })
  return { version, file }
}

/** Sends bytes as they are, which no HTTP client would, and returns all that is answered until the server closes. */
export async function raw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.setEncoding('utf8')
  socket.write(text)
  let answer = ''
  for await (const part of socket) answer += part
  return answer
}

export async function opened(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  cleanUp.push(async () => void socket.destroy())
  await new Promise((resolve) => socket.once('connect', resolve))
  return socket
}

/** The answer to the beginning of a WebSocket session, with these headers. */
export async function upgraded(url: string, ...headers: string[]): Promise<string> {
  const socket = await opened(url)
  const head = [
    'GET /v1/session HTTP/1.1',
    `host: ${new URL(url).host}`,
    'connection: upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
    ...headers,
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  const [text] = await new Promise<Buffer[]>((resolve) => socket.once('data', (data) => resolve([data])))
  socket.destroy()
  return String(text)
}

/** The error of an answer, which must be of that status and code. */
export async function failure(response: Response): Promise<{ status: number; code: string; message: string }> {
  const body = (await response.json()) as { error: { code: string; message: string; hint: string; retryable: boolean } }
  const { code, message, hint, retryable } = body.error
  if (typeof hint !== 'string' || typeof retryable !== 'boolean') throw new Error('not the form of an error')
  return { status: response.status, code, message }
}

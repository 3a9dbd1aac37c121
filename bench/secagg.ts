/** Whole sessions of secure aggregation, both halves in one process, and what each side spends on them. */
import { createNodeCrypto, nodeCrypto } from '../core/crypto/node.ts'
import type { SigningKey } from '../core/crypto/primitives.ts'
import { toHex, utf8 } from '../core/encoding/bytes.ts'
import {
  addVector,
  advertise,
  broadcastFor,
  bucketOf,
  type ClientContext,
  type ClientState,
  type CoordinatorState,
  checksumKey,
  chooseGraph,
  clientPolicy,
  closePhase,
  configHashOf,
  confirmSurvivors,
  decodeSum,
  delivered,
  encodeInput,
  maskInput,
  openSession,
  planUnmasking,
  removeMasks,
  type SessionConfiguration,
  shareKeys,
  type Transition,
  take,
  unmask,
  vectorBytes,
  vectorDigest,
} from '../core/secagg/index.ts'
import { keepLargeBlocks } from '../core/wire/large-blocks.ts'
import { createKernels, maskArithmeticIn } from '../kernels/index.ts'

export type SecaggRow = {
  /** Clients, coordinates, share of the clients that drop out before they send their vector. */
  readonly n: number
  readonly d: number
  readonly dropout: number
  /** Clients of a bucket; absent for one sum. */
  readonly buckets?: number
  /** Neighbours of a client (n − 1: the complete graph), and answers that are needed. */
  readonly k: number
  readonly t: number
  /** What the coordinator takes for the session, of time and of CPU, and what one client takes of CPU. */
  readonly serverMs: number
  readonly serverCpuMs: number
  readonly clientMs: number
  /** What a client sends for each coordinate. */
  readonly bytesPerParam: number
}

type Setting = Pick<SecaggRow, 'n' | 'd' | 'dropout'> & {
  readonly buckets?: number
  readonly completeUpTo?: number
  readonly repeats: number
}

const settings: readonly Setting[] = [
  { n: 100, d: 100_000, dropout: 0.1, repeats: 3 },
  { n: 100, d: 100_000, dropout: 0.1, buckets: 8, repeats: 3 },
  { n: 100, d: 100_000, dropout: 0.1, completeUpTo: 64, repeats: 3 },
  { n: 10, d: 1_000_000, dropout: 0, repeats: 3 },
  { n: 500, d: 100_000, dropout: 0.1, repeats: 1 },
]

/** The best of some sessions each, after one that warms the engine up. */
export async function benchSecagg(): Promise<{ readonly rows: readonly SecaggRow[] }> {
  // As coordinators and clients do at their start.
  keepLargeBlocks()
  await measure(settings[0] as Setting)
  const rows: SecaggRow[] = []
  for (const setting of settings) {
    const runs: SecaggRow[] = []
    for (let i = 0; i < setting.repeats; i++) runs.push(await measure(setting))
    rows.push(runs.reduce((best, run) => (run.serverMs + run.clientMs < best.serverMs + best.clientMs ? run : best)))
  }
  await kernels.close()
  return { rows }
}

async function measure(setting: Setting): Promise<SecaggRow> {
  const session = new Session(setting)
  await session.run()
  return session.row
}

const crypto = nodeCrypto
/** Of the coordinator: with threads, as it has them. Clients mask on the thread they are on. */
const kernels = createKernels()
const masks = maskArithmeticIn(kernels, crypto)
const coordinatorKey = crypto.signingKey(crypto.sha256(utf8('coordinator')))

class Session {
  readonly #setting: Setting
  readonly #names: readonly string[]
  readonly #keys: readonly SigningKey[]
  readonly #configuration: SessionConfiguration
  readonly #coin = crypto.randomBytes(32)
  readonly #contexts: readonly ClientContext[]
  readonly #states: (ClientState | undefined)[] = []
  readonly #masks = masks
  #state: CoordinatorState
  #serverMs = 0
  #serverCpuMs = 0
  #clientMs = 0
  #messageBytes = 0

  constructor(setting: Setting) {
    this.#setting = setting
    const { n, d, buckets, dropout, completeUpTo } = setting
    this.#names = Array.from({ length: n }, (_, i) => `client-${String(i).padStart(4, '0')}`)
    this.#keys = this.#names.map((name) => crypto.signingKey(crypto.sha256(utf8(name))))
    const threat = { corrupted: n < 50 ? 0 : 0.1, dropouts: dropout, server: 'semi-malicious' } as const
    const choice = chooseGraph({ clients: n, ...threat }, completeUpTo)
    if (!choice.ok) throw new Error(choice.why)
    const minimum = Math.min(16, n)
    this.#configuration = {
      v: 1,
      protocol: 'parley/secagg/1',
      task: 'bench',
      round: 1,
      session: toHex(crypto.randomBytes(16)),
      model: toHex(crypto.randomBytes(32)),
      coordinates: d,
      bits: 16,
      clip: 1,
      modulusBits: 32,
      weight: { min: 1, max: buckets === undefined ? Math.floor(65_536 / n) : 1 },
      noiseBound: 0,
      extras: [],
      cohort: n,
      minimum,
      threat,
      graph: choice.graph,
      buckets: buckets === undefined ? null : { size: buckets, minSurvivors: 5 },
      coin: toHex(crypto.sha256(this.#coin)),
      beacon: null,
      deadlines: { advertise: 1, share: 1, input: 1, survivors: 1, unmask: 1 },
    }
    const known = Object.fromEntries(
      this.#names.map((name, i) => [name, toHex((this.#keys[i] as SigningKey).publicKey)]),
    )
    const policy = clientPolicy({ known, completeUpTo: Math.min(256, completeUpTo ?? 256), minimum })
    // Each client is a program of its own, which knows no keys from the others.
    this.#contexts = this.#keys.map((signingKey) => {
      return { crypto: createNodeCrypto(), signingKey, policy, masks: this.#masks }
    })
    this.#state = openSession({ crypto }, coordinatorKey, this.#configuration, this.#coin, known).state
  }

  get row(): SecaggRow {
    const { n, d, dropout, buckets } = this.#setting
    const { graph } = this.#configuration
    const rounded = (value: number) => Number(value.toFixed(1))
    return {
      n,
      d,
      dropout,
      ...(buckets === undefined ? {} : { buckets }),
      k: graph.kind === 'complete' ? n - 1 : graph.degree,
      t: graph.threshold,
      serverMs: rounded(this.#serverMs),
      serverCpuMs: rounded(this.#serverCpuMs),
      clientMs: rounded(this.#clientMs / n),
      bytesPerParam: Number(((vectorBytes(this.#configuration) + this.#messageBytes / n) / d).toFixed(3)),
    }
  }

  async run(): Promise<void> {
    const { n, d, dropout } = this.#setting
    const everyone = this.#names.map((_, i) => i)
    const { configuration } = openSession({ crypto }, coordinatorKey, this.#configuration, this.#coin, {})
    const { model } = this.#configuration
    await this.#step(everyone, (i) =>
      advertise(
        this.#contexts[i] as ClientContext,
        configuration,
        {
          client: this.#names[i] as string,
          coordinatorKey: coordinatorKey.publicKey,
          task: 'bench',
          model,
          coordinates: d,
          lastRound: 0,
        },
        crypto.randomBytes,
      ),
    )
    await this.#close()
    await this.#answer(everyone, shareKeys)
    await this.#close()

    const values = new Float32Array(d).fill(0.25)
    const key = checksumKey(crypto, configHashOf(crypto, this.#configuration))
    const live = everyone.slice(0, n - Math.round(dropout * n))
    const sums = new Map<number, Uint32Array>()
    // A few vectors at a time: all of them would be 200 MB.
    for (let at = 0; at < live.length; at += 10) {
      const some = live.slice(at, at + 10)
      const vectors = new Map<number, Uint32Array>()
      await this.#answer(some, (context, state, message, i) => {
        const lanes = encodeInput(crypto, this.#configuration, key, { values, weight: 1 }, crypto.randomBytes)
        vectors.set(i, lanes)
        return maskInput(context, state, message, lanes)
      })
      await this.#serving(() => {
        for (const [i, lanes] of vectors) this.#receive(i, lanes, sums)
      })
    }
    await this.#close()
    const survivors = live.filter((i) => this.#broadcast(i) !== undefined)
    await this.#answer(survivors, confirmSurvivors)
    await this.#close()
    await this.#answer(survivors, unmask)
    await this.#serving(() => this.#open(sums, key))
  }

  async #serving(work: () => void | Promise<void>): Promise<void> {
    const [began, before] = [performance.now(), process.cpuUsage()]
    await work()
    this.#serverMs += performance.now() - began
    const { user, system } = process.cpuUsage(before)
    this.#serverCpuMs += (user + system) / 1000
  }

  #broadcast(i: number) {
    return broadcastFor({ crypto }, this.#state, this.#names[i] as string)
  }

  /** What the coordinator shows these clients, and what they make of it. */
  async #answer(
    clients: readonly number[],
    transition: (context: ClientContext, state: ClientState, message: unknown, i: number) => Transition<ClientState>,
  ): Promise<void> {
    let messages: unknown[] = []
    await this.#serving(() => {
      messages = clients.map((i) => this.#broadcast(i))
    })
    await this.#step(clients, (i, at) =>
      transition(this.#contexts[i] as ClientContext, this.#states[i] as ClientState, messages[at], i),
    )
  }

  async #step(
    clients: readonly number[],
    transition: (i: number, at: number) => Transition<ClientState>,
  ): Promise<void> {
    let made: Transition<ClientState>[] = []
    this.#clientMs += timed(() => {
      made = clients.map(transition)
    })
    const messages = made.map((one, at) => {
      if (!one.ok) throw new Error(one.refusal.text)
      this.#states[clients[at] as number] = one.state
      this.#messageBytes += one.message.payload.length + one.message.signature.length
      return one.message
    })
    await this.#serving(() => {
      for (const [at, message] of messages.entries()) {
        const { state, receipt } = take({ crypto }, this.#state, this.#names[clients[at] as number] as string, message)
        if (!receipt.ok) throw new Error(receipt.reason)
        this.#state = state
      }
    })
  }

  #receive(i: number, lanes: Uint32Array, sums: Map<number, Uint32Array>): void {
    const name = this.#names[i] as string
    this.#state = delivered(this.#state, name, toHex(vectorDigest(crypto, lanes))).state
    const bucket = bucketOf(this.#state, name) as number
    const sum = sums.get(bucket) ?? new Uint32Array(lanes.length)
    sums.set(bucket, sum)
    addVector(sum, lanes)
  }

  async #close(): Promise<void> {
    await this.#serving(() => {
      const closed = closePhase({ crypto }, this.#state)
      if (!closed.ok) throw new Error(closed.failure.reason)
      this.#state = closed.state
    })
  }

  async #open(sums: ReadonlyMap<number, Uint32Array>, key: Uint8Array): Promise<void> {
    if (this.#state.phase !== 'unmask') throw new Error(this.#state.phase)
    const plan = planUnmasking({ crypto }, this.#state)
    if (!plan.ok) throw new Error(plan.failure.reason)
    for (const { bucket, masks, survivors } of plan.buckets) {
      const lanes = sums.get(bucket) as Uint32Array
      await removeMasks(this.#masks, masks, lanes)
      const decoded = decodeSum(crypto, this.#configuration, key, lanes, survivors.length)
      if (!decoded.ok || Math.abs((decoded.mean[7] as number) - 0.25) > 1e-4) throw new Error('the sum is wrong')
    }
  }
}

/** Milliseconds of CPU. */
function timed(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type ClientNode, createClientNode } from '../../client/node/client.ts'
import type { ClientEvent, ClientOptions } from '../../client/node/options.ts'
import type { Trainer } from '../../client/training/ports.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import type { SigningKey } from '../../core/crypto/primitives.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import type { ParleyError } from '../../core/errors/index.ts'
import type { BinaryCounts } from '../../core/metrics/counts.ts'
import { SCORE_BINS } from '../../core/metrics/counts.ts'
import type { Plan } from '../../core/plan/plan.ts'
import type { RunView } from '../../core/run/view.ts'
import { systemClock } from '../../core/system-clock.ts'
import { type Layout, layoutLength, layoutOf } from '../../core/tensors/layout.ts'
import type { Dial } from '../../core/wire/connection.ts'
import { defaultLimits, type Limits } from '../../core/wire/limits.ts'
import { memoryListener } from '../../core/wire/pipe.ts'
import { createKernels } from '../../kernels/index.ts'
import { Coordinator, type CoordinatorDeps } from '../../server/coordinator.ts'
import type { CoordinatorObserver } from '../../server/observe/coordinator-observer.ts'
import { parseAllowList } from '../../server/sessions/allow-list.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import type { Store } from '../../server/store/ports.ts'

/** A signing key that depends on nothing but its name. */
export function keyOf(name: string): SigningKey {
  return nodeCrypto.signingKey(new Uint8Array(createHash('sha256').update(`test key ${name}`).digest()))
}

/** On the thread of the tests: what they aggregate is small. */
export const kernels = createKernels({ threads: 0 })

export const coordinatorKey = keyOf('coordinator')

export function allowListOf(names: readonly string[]) {
  return parseAllowList({ clients: names.map((id) => ({ id, publicKey: toHex(keyOf(id).publicKey) })) })
}

export function tinyLayout(parameters = 4): Layout {
  return layoutOf([
    { name: 'dense_1/kernel', shape: [parameters - 1, 1] },
    { name: 'dense_1/bias', shape: [1] },
  ])
}

/** Counts of `rows` held-out rows of which `right` were right. */
export function countsOf(rows: number, right: number): BinaryCounts {
  const positiveScores = Array<number>(SCORE_BINS).fill(0)
  const negativeScores = Array<number>(SCORE_BINS).fill(0)
  positiveScores[SCORE_BINS - 1] = right
  negativeScores[SCORE_BINS - 1] = rows - right
  return {
    task: 'binary',
    rows,
    truePositives: right,
    falsePositives: rows - right,
    trueNegatives: 0,
    falseNegatives: 0,
    lossMicros: 0,
    positiveScores,
    negativeScores,
  }
}

/** A trainer that adds a fixed value to every weight: what comes out can be worked out by hand. */
export function addingTrainer(value: number, options: Partial<Trainer> & { samples?: number } = {}): Trainer {
  return {
    engine: 'adding',
    layout: tinyLayout(),
    train: async ({ weights }) => ({
      weights: weights.map((weight) => weight + value),
      samples: options.samples ?? 10,
      loss: 0.5,
      steps: 1,
    }),
    evaluate: async () => countsOf(10, 8),
    dispose: () => {},
    ...options,
  }
}

export type FederationOptions = {
  readonly clients?: readonly string[]
  readonly store?: Store
  readonly limits?: Partial<Limits>
  readonly layout?: Layout
  readonly publish?: CoordinatorDeps['publish']
  readonly residentBytes?: number
  readonly rootUpdate?: CoordinatorDeps['rootUpdate']
  readonly holdout?: CoordinatorDeps['holdout']
  readonly latency?: CoordinatorDeps['latency']
  readonly baseFiles?: CoordinatorDeps['baseFiles']
  readonly audit?: CoordinatorDeps['audit']
}

/** A coordinator in this process, with whatever clients are added to it; over memory unless other ways are given. */
export class Federation {
  readonly store: Store
  readonly limits: Limits
  readonly coordinator: Coordinator
  readonly dial: Dial
  readonly refusedSessions: ParleyError[] = []
  readonly closedSessions: { client: string; error: ParleyError | undefined }[] = []
  readonly decided: Parameters<CoordinatorObserver['updateDecided']>[0][] = []
  readonly fatal: ParleyError[] = []
  readonly events = new EventTarget()
  readonly #nodes: ClientNode[] = []

  constructor(options: FederationOptions = {}) {
    this.store = options.store ?? memoryStore()
    this.limits = { ...defaultLimits, ...options.limits }
    const layout = options.layout ?? tinyLayout()
    this.coordinator = new Coordinator({
      crypto: nodeCrypto,
      clock: systemClock,
      store: this.store,
      limits: this.limits,
      identity: coordinatorKey,
      sealingSecret: new Uint8Array(32).fill(7),
      allowList: allowListOf(options.clients ?? ['a', 'b', 'c', 'd']),
      initialModel: async () => ({ layout, weights: new Float32Array(layoutLength(layout)) }),
      publish: options.publish ?? (async () => 1),
      keepRounds: 100,
      kernels,
      residentBytes: options.residentBytes ?? 1 << 20,
      ...(options.rootUpdate === undefined ? {} : { rootUpdate: options.rootUpdate }),
      ...(options.holdout === undefined ? {} : { holdout: options.holdout }),
      ...(options.latency === undefined ? {} : { latency: options.latency }),
      ...(options.baseFiles === undefined ? {} : { baseFiles: options.baseFiles }),
      ...(options.audit === undefined ? {} : { audit: options.audit }),
      observer: {
        sessionOpened: (client) => this.#emit('opened', client),
        sessionClosed: (client, _carrier, error) => {
          this.closedSessions.push({ client, error })
          this.#emit('closed', client)
        },
        sessionRefused: (_carrier, _remote, error) => {
          this.refusedSessions.push(error)
          this.#emit('refused', error.code)
        },
        updateDecided: (update) => {
          this.decided.push(update)
          this.#emit('decided', update.client)
        },
        runStarted: () => {},
        uploadStarted: () => {},
        evaluated: () => {},
        phaseChanged: () => {},
        roundClosed: () => {},
        runEnded: () => {},
        fatal: (error) => this.fatal.push(error),
      },
    })
    this.dial = memoryListener(this.coordinator.serve, { limits: this.limits }).dial
  }

  addClient(name: string, trainer: Trainer | ((plan: Plan) => Promise<Trainer>), options: Partial<ClientOptions> = {}) {
    const events: ClientEvent[] = []
    const rounds = new Map<string, number>()
    const node = createClientNode({
      crypto: nodeCrypto,
      clock: systemClock,
      identity: keyOf(name),
      coordinatorKey: coordinatorKey.publicKey,
      dials: [this.dial],
      trainer: typeof trainer === 'function' ? trainer : async () => trainer,
      memory: { last: async (run) => rounds.get(run), remember: async (run, round) => void rounds.set(run, round) },
      limits: this.limits,
      minCohort: 1,
      agent: 'test',
      unsafeAllowAnyPlan: true,
      onEvent: (event) => events.push(event),
      ...options,
    })
    this.#nodes.push(node)
    node.start()
    return { node, events }
  }

  /** The run's view once it is over, or once `until` holds. */
  async view(run: string, until: (view: RunView) => boolean = (view) => view.phase === 'over'): Promise<RunView> {
    for await (const view of this.coordinator.watch(run, new AbortController().signal)) if (until(view)) return view
    throw new Error('the run ended before that')
  }

  async next(event: 'opened' | 'closed' | 'refused' | 'decided'): Promise<void> {
    await once(this.events, event)
  }

  async stop(): Promise<void> {
    for (const node of this.#nodes) await node.stop()
    await this.coordinator.stop()
    await this.store.close()
  }

  #emit(event: string, detail: string): void {
    this.events.dispatchEvent(new CustomEvent(event, { detail }))
  }
}

/** The float32 values of a stored model of the tiny layout. */
export async function storedWeights(store: Store, digest: string, parameters = 4): Promise<number[]> {
  const size = (await store.blobs.size(digest)) ?? 0
  const bytes = await store.blobs.read(digest, size - 4 * parameters, 4 * parameters)
  return [...new Float32Array(bytes.slice().buffer)]
}

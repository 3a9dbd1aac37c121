import { dialUrl } from '../../client/carriers/dial.ts'
import { type ClientNode, createClientNode } from '../../client/node/client.ts'
import type { ClientOptions } from '../../client/node/options.ts'
import type { Trainer } from '../../client/training/ports.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import type { RunView } from '../../core/run/view.ts'
import { systemClock } from '../../core/system-clock.ts'
import { layoutLength } from '../../core/tensors/layout.ts'
import { defaultLimits } from '../../core/wire/limits.ts'
import { createLogger } from '../../server/observe/logger.ts'
import { type CoordinatorConfig, type RunningCoordinator, startCoordinator } from '../../server/start.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { allowListOf, coordinatorKey, keyOf, tinyLayout } from './federation.ts'
import { releaseSigner } from './release.ts'

export const adminToken = 'the-admin-token-of-the-tests'

/** A coordinator as a program starts it, with both carriers and HTTP on free ports; in memory unless a store is given. */
export class Started {
  readonly running: RunningCoordinator
  readonly #nodes: ClientNode[] = []

  private constructor(running: RunningCoordinator) {
    this.running = running
  }

  static async create(
    config: Partial<CoordinatorConfig> & { clients?: readonly string[]; parameters?: number } = {},
  ): Promise<Started> {
    const layout = tinyLayout(config.parameters)
    const running = await startCoordinator({
      store: memoryStore(),
      identity: coordinatorKey,
      sealingSecret: new Uint8Array(32).fill(7),
      adminToken,
      releaseSigner,
      allowList: allowListOf(config.clients ?? ['a', 'b', 'c', 'd']),
      initialModel: async () => ({ layout, weights: new Float32Array(layoutLength(layout)) }),
      grpcPort: 0,
      httpPort: 0,
      parleyVersion: 'test',
      logger: createLogger({ now: systemClock.now, level: 'silent' }),
      onFatal: (error) => {
        throw error
      },
      ...config,
    })
    return new Started(running)
  }

  url(carrier: 'grpc' | 'ws'): string {
    return this.running.urls[carrier]
  }

  addClient(name: string, carrier: 'grpc' | 'ws', trainer: Trainer, options: Partial<ClientOptions> = {}): ClientNode {
    const rounds = new Map<string, number>()
    const node = createClientNode({
      crypto: nodeCrypto,
      clock: systemClock,
      identity: keyOf(name),
      coordinatorKey: coordinatorKey.publicKey,
      dials: [dialUrl(this.url(carrier))],
      trainer: async () => trainer,
      memory: { last: async (run) => rounds.get(run), remember: async (run, round) => void rounds.set(run, round) },
      limits: defaultLimits,
      minCohort: 1,
      agent: 'test',
      unsafeAllowAnyPlan: true,
      ...options,
    })
    this.#nodes.push(node)
    node.start()
    return node
  }

  /** The run's view once `until` holds; by default once it is over. */
  async view(run: string, until: (view: RunView) => boolean = ({ phase }) => phase === 'over'): Promise<RunView> {
    for await (const view of this.running.api.watch(run, new AbortController().signal)) if (until(view)) return view
    throw new Error('the run ended before that')
  }

  async stop(): Promise<void> {
    for (const node of this.#nodes) await node.stop()
    await this.running.stop()
  }
}

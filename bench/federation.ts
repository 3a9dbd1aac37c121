import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { newReleaseKey, nodeReleaseSigner } from '../core/attestation/node.ts'
import { nodeCrypto } from '../core/crypto/node.ts'
import { toHex } from '../core/encoding/bytes.ts'
import { systemClock } from '../core/system-clock.ts'
import { layoutLength } from '../core/tensors/layout.ts'
import {
  createLogger,
  openDurableStore,
  parseAllowList,
  type RunningCoordinator,
  type Store,
  startCoordinator,
} from '../server/index.ts'
import { mlpLayout } from './noop-trainer.ts'

export type Ports = { readonly grpcPort: number; readonly httpPort: number }
export type BenchModel = { readonly inputs: number; readonly hidden: number }

export const ADMIN_TOKEN = 'a-token-of-the-benchmark'
export const identity = nodeCrypto.signingKey(new Uint8Array(32).fill(1))
const seedOf = (client: number) => toHex(new Uint8Array(32).fill(100 + client))
const clientScript = fileURLToPath(new URL('./bench-client.js', import.meta.url))

export function parametersOf({ inputs, hidden }: BenchModel): number {
  return layoutLength(mlpLayout(inputs, hidden))
}

/** A coordinator on a durable store in a folder, which knows `clients` clients. */
export async function benchCoordinator(
  folder: string,
  model: BenchModel,
  clients: number,
  options: { readonly ports?: Ports; readonly wrap?: (journal: Store['journal']) => Store['journal'] } = {},
): Promise<RunningCoordinator> {
  const { ports = { grpcPort: 0, httpPort: 0 }, wrap = (journal) => journal } = options
  const store = await openDurableStore({ folder })
  return startCoordinator({
    store: { ...store, journal: wrap(store.journal) },
    identity,
    sealingSecret: new Uint8Array(32).fill(2),
    allowList: parseAllowList({
      clients: Array.from({ length: clients }, (_, index) => ({
        id: `client-${index}`,
        publicKey: toHex(nodeCrypto.signingKey(new Uint8Array(32).fill(100 + index)).publicKey),
      })),
    }),
    initialModel: async () => {
      const layout = mlpLayout(model.inputs, model.hidden)
      return { layout, weights: new Float32Array(layoutLength(layout)) }
    },
    ...ports,
    keepRounds: 2,
    adminToken: ADMIN_TOKEN,
    releaseSigner: nodeReleaseSigner(newReleaseKey()),
    parleyVersion: 'bench',
    logger: createLogger({ now: systemClock.now, level: 'error' }),
    onFatal: (error) => {
      throw error
    },
  })
}

/** A client process; each line that it writes, one for each receipt of an update, goes to `onLine`. */
export function benchClient(
  index: number,
  urls: readonly string[],
  model: BenchModel,
  onLine: (line: string) => void = () => {},
): { readonly stop: () => Promise<void> } {
  const distance = 1e-4 * (index + 1)
  const config = { seed: seedOf(index), coordinatorKey: toHex(identity.publicKey), urls, distance, ...model }
  const child = spawn(process.execPath, [...process.execArgv, clientScript, JSON.stringify(config)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  createInterface({ input: child.stdout }).on('line', onLine)
  return {
    stop: async () => {
      if (child.exitCode !== null) return
      child.stdin.end()
      await once(child, 'exit')
    },
  }
}

export function benchPlan(options: {
  model: BenchModel
  rounds: number
  clients: number
  evaluateEvery?: number
  gates?: string
}): string {
  const { model, rounds, clients, evaluateEvery = 1, gates = '[]' } = options
  const columns = Array.from({ length: model.inputs }, (_, index) => `      - { name: x${index}, type: number }`).join(
    '\n',
  )
  return `
parley: 1
name: bench
model: { mlp: { hidden: [${model.hidden}] } }
data:
  csv:
    columns:
${columns}
      - { name: y, type: label }
    label: { positive: { above: 0 } }
training: { epochs: 1, batch: 4, optimizer: { sgd: { learningRate: 0.1 } } }
rounds: ${rounds}
window: { count: { min: ${clients}, max: ${clients} }, time: { max: 10m } }
aggregation: { screens: { maxNorm: 100000 } }
evaluation: { every: ${evaluateEvery} }
gates: ${gates}
`
}

/** Runs `work` with a coordinator and client processes over one carrier, in a folder that is removed afterwards. */
export async function withFederation<T>(
  options: { model: BenchModel; clients: number; carrier: 'grpc' | 'ws' },
  work: (coordinator: RunningCoordinator) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-bench-'))
  const coordinator = await benchCoordinator(folder, options.model, options.clients)
  const url = coordinator.urls[options.carrier]
  const clients = Array.from({ length: options.clients }, (_, index) => benchClient(index, [url], options.model))
  try {
    return await work(coordinator)
  } finally {
    for (const client of clients) await client.stop()
    await coordinator.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeCrypto } from '../core/crypto/node.ts'
import { toHex } from '../core/encoding/bytes.ts'
import { systemClock } from '../core/system-clock.ts'
import { layoutLength } from '../core/tensors/layout.ts'
import {
  createLogger,
  openDurableStore,
  parseAllowList,
  type RunningCoordinator,
  startCoordinator,
} from '../server/index.ts'
import { mlpLayout } from './noop-trainer.ts'

export type BenchModel = { readonly inputs: number; readonly hidden: number }

const identity = nodeCrypto.signingKey(new Uint8Array(32).fill(1))
const seedOf = (client: number) => toHex(new Uint8Array(32).fill(100 + client))
const clientScript = fileURLToPath(new URL('./bench-client.js', import.meta.url))

export function parametersOf({ inputs, hidden }: BenchModel): number {
  return layoutLength(mlpLayout(inputs, hidden))
}

/** A coordinator on a durable store in a folder, which knows `clients` clients. */
export function benchCoordinator(
  folder: string,
  model: BenchModel,
  clients: number,
  ports = { grpcPort: 0, httpPort: 0 },
) {
  return openDurableStore({ folder }).then((store) =>
    startCoordinator({
      store,
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
      adminToken: 'a token of the benchmark',
      parleyVersion: 'bench',
      logger: createLogger({ now: systemClock.now, level: 'error' }),
      onFatal: (error) => {
        throw error
      },
    }),
  )
}

/** A client process; ended with the returned function. */
export function benchClient(
  index: number,
  urls: readonly string[],
  model: BenchModel,
): { readonly stop: () => Promise<void> } {
  const config = { seed: seedOf(index), coordinatorKey: toHex(identity.publicKey), urls, ...model }
  const child: ChildProcess = spawn(process.execPath, [clientScript, JSON.stringify(config)], {
    stdio: ['pipe', 'inherit', 'inherit'],
  })
  return {
    stop: async () => {
      if (child.exitCode !== null) return
      child.stdin?.end()
      await once(child, 'exit')
    },
  }
}

export function benchPlan(options: {
  model: BenchModel
  rounds: number
  clients: number
  evaluateEvery?: number
}): string {
  const { model, rounds, clients, evaluateEvery = 1 } = options
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
gates: []
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

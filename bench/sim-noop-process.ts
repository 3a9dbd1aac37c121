/** One simulation without training: see sim-noop.ts. */
import type { Trainer } from '../client/index.ts'
import { keepLargeBlocks } from '../core/wire/large-blocks.ts'
import { checkScenario, simulate } from '../sim/index.ts'

const CLIENTS = 1_000
const ROUNDS = 6

keepLargeBlocks()
const scenario = checkScenario({
  scenario: 1,
  plan: {
    parley: 1,
    name: 'noop',
    model: { mlp: { hidden: [200, 200] } },
    data: { idx: { shape: [28, 28], classes: 10 } },
    training: { epochs: 1, batch: 10, optimizer: { sgd: { learningRate: 0.1 } } },
    rounds: ROUNDS,
    window: { count: { min: CLIENTS, max: CLIENTS } },
    evaluation: { every: 1_000_000, window: { count: { min: 1 }, time: { min: '0s', max: '1s' } } },
    aggregation: { screens: { maxNorm: 1e6 } },
  },
  world: {
    clients: CLIENTS,
    data: { generated: { images: { rows: 2 * CLIENTS, height: 28, width: 28, classes: 10 } } },
    evaluateEvery: 0,
  },
})

/** Sends always the same. */
function idle(layout: Trainer['layout']): Trainer {
  let trained: Float32Array | undefined
  return {
    engine: 'none',
    layout,
    train: async ({ weights }) => {
      trained ??= weights.map((value) => value + 1e-3)
      return { weights: trained, samples: 1, loss: 0, steps: 1 }
    },
    evaluate: async () => {
      throw new Error('not today')
    },
    dispose: () => {},
  }
}

let shared: Trainer | undefined
const times: number[] = []
await simulate(scenario, {
  trainer: (_client, layout) => {
    shared ??= idle(layout)
    return shared
  },
  onEvent: (event) => {
    if (event.type === 'ready') process.stdout.write(`${JSON.stringify({ ready: true })}\n`)
    times.push(performance.now())
  },
})
// The first round pays for memory that the others use again.
const seconds = ((times.at(-1) ?? 0) - (times[1] ?? 0)) / 1000
const rssMiB = Math.round(process.resourceUsage().maxRSS / 1024)
const clientsPerSecond = Math.round((CLIENTS * (ROUNDS - 1)) / seconds)
process.stdout.write(`${JSON.stringify({ clientsPerSecond, rssMiB })}\n`)
process.exit(0)

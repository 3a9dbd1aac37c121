/** Training steps a second of the simulator on McMahan's 2NN: 10 of 100 clients, 600 examples each, B = 10, E = 1. */
import type { EngineName } from '../client/index.ts'
import { checkScenario, simulate } from '../sim/index.ts'
import { askPython } from './python.ts'

export type Sim2nnRow = { readonly engine: string; readonly threads: number; readonly stepsPerSecond: number }

const COHORT = 10
const ROUNDS = 13
/** Rounds in which threads start and code is compiled. */
const WARM_UP = 3
/** Of one client in one round. */
const STEPS = 60

const engines: readonly EngineName[] = ['wasm', 'tfjs-node', 'tfjs-wasm']

export async function benchSim2nn(): Promise<object> {
  const rows: Sim2nnRow[] = []
  const skipped: string[] = []
  for (const engine of engines) {
    for (const threads of [1, 2]) {
      try {
        rows.push({ engine, threads, stepsPerSecond: await measure(engine, threads) })
      } catch (failure) {
        skipped.push(`${engine}: ${failure instanceof Error ? failure.message : failure}`)
        break
      }
    }
  }
  for (const threads of [1, 2]) {
    const torch = await timeTorch(threads)
    if (typeof torch === 'number') rows.push({ engine: 'pytorch', threads, stepsPerSecond: torch })
    else skipped.push(torch.skipped)
  }
  return { rows, ...(skipped.length === 0 ? {} : { skipped: [...new Set(skipped)] }) }
}

async function measure(engine: EngineName, workers: number): Promise<number> {
  const times: number[] = []
  const scenario = checkScenario({
    scenario: 1,
    plan: {
      parley: 1,
      name: 'two-nn',
      model: { mlp: { hidden: [200, 200] } },
      data: { idx: { shape: [28, 28], classes: 10 } },
      training: { epochs: 1, batch: 10, optimizer: { sgd: { learningRate: 0.1 } } },
      rounds: ROUNDS,
      window: { count: { min: COHORT, max: COHORT } },
      evaluation: { every: 1_000_000, window: { count: { min: 1 }, time: { min: '0s', max: '1s' } } },
    },
    world: {
      clients: 100,
      data: { generated: { images: { rows: 75_000, height: 28, width: 28, classes: 10 } } },
      evaluateEvery: 0,
    },
  })
  const { outcome } = await simulate(scenario, { workers, engine, onEvent: () => times.push(performance.now()) })
  if (outcome.kind === 'failed') throw new Error(outcome.message)
  // Before the first round there is an event of its own.
  const seconds = ((times.at(-1) ?? 0) - (times[WARM_UP] ?? 0)) / 1000
  return Math.round((COHORT * STEPS * (ROUNDS - WARM_UP)) / seconds)
}

const torchLoop = `
import sys, time, torch
torch.set_num_threads(int(sys.argv[1]))
x = torch.randn(600, 784); y = torch.randint(0, 10, (600,))
net = torch.nn.Sequential(torch.nn.Linear(784, 200), torch.nn.ReLU(), torch.nn.Linear(200, 200), torch.nn.ReLU(), torch.nn.Linear(200, 10))
opt = torch.optim.SGD(net.parameters(), 0.1); loss = torch.nn.CrossEntropyLoss()
def client():
    for i in range(0, 600, 10):
        opt.zero_grad(); loss(net(x[i:i+10]), y[i:i+10]).backward(); opt.step()
client(); began = time.perf_counter()
for _ in range(20): client()
print(20 * 60 / (time.perf_counter() - began))
`

/** The same loop of one client after the other in PyTorch; a reason where there is none. */
async function timeTorch(threads: number): Promise<number | { readonly skipped: string }> {
  const answer = await askPython(['-c', torchLoop, String(threads)])
  return typeof answer === 'string' ? Math.round(Number(answer)) : { skipped: `python3 with torch: ${answer.failed}` }
}

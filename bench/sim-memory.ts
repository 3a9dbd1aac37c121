/** Memory of a simulation of 10,000 clients, 10 of them in each of 100 rounds: after it has warmed up it stays where it is. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { checkScenario, simulate } from '../sim/index.ts'

const CLIENTS = 10_000
const ROUNDS = 100

/** Resident memory after every tenth round, in MiB: as it is, and after a garbage collection. */
export async function benchSimMemory(): Promise<{
  readonly rssMiB: readonly number[]
  readonly collectedMiB: readonly number[]
}> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const scenario = checkScenario({
    scenario: 1,
    plan: {
      parley: 1,
      name: 'many',
      model: { mlp: { hidden: [32] } },
      data: { idx: { shape: [14, 14], classes: 10 } },
      training: { epochs: 1, batch: 10, optimizer: { sgd: { learningRate: 0.1 } } },
      rounds: ROUNDS,
      window: { count: { min: 10, max: 10 } },
      evaluation: { every: 1_000_000, window: { count: { min: 1 }, time: { min: '0s', max: '1s' } } },
    },
    world: {
      clients: CLIENTS,
      data: { generated: { images: { rows: 4 * CLIENTS } } },
      evaluateEvery: 10,
    },
  })
  const rssMiB: number[] = []
  const collectedMiB: number[] = []
  const rss = () => Math.round(process.memoryUsage.rss() / 2 ** 20)
  await simulate(scenario, {
    workers: 2,
    onEvent: (event) => {
      if (event.type === 'round' && event.round.round % 10 === 0) {
        rssMiB.push(rss())
        collect()
        collectedMiB.push(rss())
      }
    },
  })
  return { rssMiB, collectedMiB }
}

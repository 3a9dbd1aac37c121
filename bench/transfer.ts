import { benchPlan, parametersOf, withFederation } from './federation.ts'

const CLIENTS = 2
const ROUNDS = 8
const model = { inputs: 500, hidden: 49_800 }

/**
 * Seconds of a whole training round of 2 client processes with a 100 MB model, the median without the first round, in which
 * every process takes its memory for the first time; and the coordinator's peak memory.
 */
export async function benchTransfer() {
  const grpc = await transferOver('grpc')
  const ws = await transferOver('ws')
  return { modelBytes: 4 * parametersOf(model), clients: CLIENTS, rounds: ROUNDS - 2, grpc, ws }
}

function transferOver(carrier: 'grpc' | 'ws') {
  return withFederation({ model, clients: CLIENTS, carrier }, async ({ api }) => {
    const { run } = await api.startRun(benchPlan({ model, rounds: ROUNDS, clients: CLIENTS, evaluateEvery: ROUNDS }))
    let peak = 0
    const sampling = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage.rss())
    }, 20)
    const seconds: number[] = []
    try {
      for await (const view of api.watch(run, new AbortController().signal)) {
        // Each round but the last: that one is evaluated as well.
        for (const { openedAt, closedAt } of view.history.slice(seconds.length, ROUNDS - 1)) {
          seconds.push((Date.parse(closedAt) - Date.parse(openedAt)) / 1000)
        }
      }
    } finally {
      clearInterval(sampling)
    }
    const [firstSeconds, ...later] = seconds
    const sorted = later.toSorted((a, b) => a - b)
    const middle = sorted.length >> 1
    const median = ((sorted[middle] ?? Number.NaN) + (sorted[(sorted.length - 1) >> 1] ?? Number.NaN)) / 2
    return {
      seconds: Math.round(1000 * median) / 1000,
      firstSeconds,
      all: seconds,
      rssMiB: Math.round(peak / 1024 ** 2),
    }
  })
}

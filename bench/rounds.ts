import { benchPlan, parametersOf, withFederation } from './federation.ts'

const CLIENTS = 2
const ROUNDS = 60
// The first rounds compile the code of both ends.
const WARM_UP = 10
const model = { inputs: 100, hidden: 980 }

/** Milliseconds per round, median and mean: 2 client processes, 0.4 MB model, no training, train and evaluate, durable store. */
export async function benchRounds() {
  const grpc = await roundsOver('grpc')
  const ws = await roundsOver('ws')
  return { modelBytes: 4 * parametersOf(model), clients: CLIENTS, rounds: ROUNDS - WARM_UP, grpc, ws }
}

function roundsOver(carrier: 'grpc' | 'ws') {
  return withFederation({ model, clients: CLIENTS, carrier }, async ({ api }) => {
    const { run } = await api.startRun(benchPlan({ model, rounds: ROUNDS, clients: CLIENTS }))
    const ends: number[] = []
    for await (const view of api.watch(run, new AbortController().signal)) {
      while (ends.length < view.history.length) ends.push(performance.now())
    }
    const times = ends.slice(WARM_UP).map((end, index) => end - (ends[WARM_UP + index - 1] ?? end))
    times.sort((a, b) => a - b)
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length
    return {
      msPerRound: round(times[times.length >> 1] ?? Number.NaN),
      mean: round(mean),
      max: round(times.at(-1) ?? Number.NaN),
    }
  })
}

function round(value: number): number {
  return Math.round(10 * value) / 10
}

import { cpus } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import { dataEnds } from '../../core/plan/data.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { randomOf } from '../../core/random/random.ts'
import {
  LATENCY_ANSWERS,
  LATENCY_MOST_MS,
  LATENCY_WARM_UP,
  type LatencyFigure,
  type LatencyLook,
  type LatencyMeter,
  latenciesAsked,
  percentileOf,
  timeAnswers,
} from '../../core/run/latency.ts'
import type { EngineName } from './engine-names.ts'
import { chooseNetwork } from './engines.ts'
import type { ReadHeld } from './holdout.ts'
import { widthOf } from './length.ts'
import type { Network } from './network.ts'

export type LatencyOptions = {
  /** The coordinator's own rows; without them rows are drawn from the plan's seed, evenly from 0 to 1. */
  readonly held?: ReadHeld | undefined
  /** By default the fastest engine that works here: what evaluations run on. */
  readonly engine?: EngineName
  /** In ms; a clock that only goes on. */
  readonly now?: () => number
  readonly machine?: LatencyLook['machine']
}

/**
 * Measures a model on this machine as a service would run it: weights are on the engine, and an answer is from inputs in memory to
 * outputs in memory. Between answers the event loop may run.
 */
export function latencyMeter(options: LatencyOptions = {}): LatencyMeter {
  const { held, engine: name, now = () => performance.now(), machine = thisMachine() } = options
  return {
    measure: async (plan, weights) => {
      const dataset = held === undefined ? undefined : (await held(plan)).rows.dataset
      const rows = dataset?.test.features ?? drawn(plan)
      const network = await chooseNetwork({ model: plan.model, ends: dataset ?? dataEnds(plan.data) }, { own: name })
      try {
        const figures = await figuresOf({ network, rows, weights, plan, now })
        if (figures === undefined)
          return { failure: `its answers take more than ${LATENCY_MOST_MS / 1000} s altogether` }
        return {
          engine: network.engine,
          machine,
          rows: dataset === undefined ? 'synthetic' : 'holdout',
          answers: LATENCY_ANSWERS,
          warmUp: LATENCY_WARM_UP,
          figures,
        }
      } finally {
        network.dispose()
      }
    },
  }
}

type Work = {
  readonly network: Network
  /** Row-major; whole rows. */
  readonly rows: Float32Array
  readonly weights: Float32Array
  readonly plan: Plan
  readonly now: () => number
}

async function figuresOf({ network, rows, weights, plan, now }: Work): Promise<LatencyFigure[] | undefined> {
  const asked = latenciesAsked(plan)
  const predictor = network.predictor(weights)
  try {
    const figures: LatencyFigure[] = []
    for (const batch of new Set(asked.map((one) => one.batch))) {
      const prepare = (n: number) => {
        const x = batchAt(rows, n * batch, batch, widthOf({ shape: dataEnds(plan.data).shape }))
        return () => void predictor.predict(x, batch)
      }
      const times = await timeAnswers({ prepare, now, pause: () => setImmediate() })
      if (times === undefined) return undefined
      for (const one of asked) {
        // Microseconds are as fine as clocks are.
        if (one.batch === batch)
          figures.push({ ...one, ms: Math.round(1e3 * percentileOf(times, one.percentile)) / 1e3 })
      }
    }
    return figures
  } finally {
    predictor.end()
  }
}

/** So many rows from one on; behind the last comes the first again. */
function batchAt(rows: Float32Array, first: number, batch: number, width: number): Float32Array {
  const all = rows.length / width
  const x = new Float32Array(batch * width)
  for (let i = 0; i < batch; i++) {
    const row = (first + i) % all
    x.set(rows.subarray(row * width, (row + 1) * width), i * width)
  }
  return x
}

const DRAWN_ROWS = 64

function drawn({ data, seed }: Plan): Float32Array {
  const random = randomOf(seed, 'latency rows')
  return Float32Array.from({ length: DRAWN_ROWS * widthOf(dataEnds(data)) }, () => random.uniform())
}

/** No name of the host: verdicts are signed and published. */
function thisMachine(): LatencyLook['machine'] {
  const all = cpus()
  const model = (all[0]?.model ?? '').replace(/\s+/g, ' ').trim().slice(0, 100)
  return { processors: Math.max(1, all.length), model: model === '' ? 'of an unknown model' : model }
}

import type { Plan } from '../plan/plan.ts'

/** Answers before the first that is measured: engines compile and allocate in their first ones. */
export const LATENCY_WARM_UP = 20
/** Answers that are measured. */
export const LATENCY_ANSWERS = 200
/** All answers of one batch size together, in ms: a model that is slower is not waited for. */
export const LATENCY_MOST_MS = 60_000

/** A model's time to answer: the percentile of its answers to so many rows at once, in ms. */
export type LatencyFigure = { readonly batch: number; readonly percentile: number; readonly ms: number }

/** What was measured, by what, and where. Nobody can measure the same again: it stands in the journal, and is taken from there. */
export type LatencyLook = {
  /** What the model ran on: `tfjs-node`, `tfjs-wasm`. */
  readonly engine: string
  /** Processors and the name of their model, as the system says it. */
  readonly machine: { readonly processors: number; readonly model: string }
  /** Rows that the coordinator holds, or rows drawn from the plan’s seed. */
  readonly rows: 'holdout' | 'synthetic'
  readonly answers: number
  readonly warmUp: number
  /** For each batch and percentile that a gate of the plan asks for, once. */
  readonly figures: readonly LatencyFigure[]
}

/** Why nothing was measured, although the plan asks for it. */
export type LatencyResult = LatencyLook | { readonly failure: string }

/** An engine and a clock to measure a model with: a port, since only clients carry engines. */
export type LatencyMeter = {
  /** `weights`: flat vector without control variates. Fails as an evaluation does. */
  readonly measure: (plan: Plan, weights: Float32Array) => Promise<LatencyResult>
}

/**
 * Milliseconds of each measured answer, in their order; undefined where they take more than `LATENCY_MOST_MS` together.
 *
 * - `prepare`: makes ready what answers for the n-th time, from 0 on; what it gives is what is measured;
 * - `now`: a clock in ms that only goes on;
 * - `pause`: called between answers.
 */
export async function timeAnswers({
  prepare,
  now,
  pause,
}: {
  readonly prepare: (n: number) => () => void
  readonly now: () => number
  readonly pause: () => Promise<void> | void
}): Promise<number[] | undefined> {
  const times: number[] = []
  let total = 0
  for (let n = 0; n < LATENCY_WARM_UP + LATENCY_ANSWERS; n++) {
    await pause()
    const answer = prepare(n)
    const start = now()
    answer()
    const time = now() - start
    total += time
    if (total > LATENCY_MOST_MS) return undefined
    if (n >= LATENCY_WARM_UP) times.push(time)
  }
  return times
}

/** The percentile by nearest rank: the ⌈p/100 · n⌉-th smallest, a time that was measured and none in between. */
export function percentileOf(times: readonly number[], percentile: number): number {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((percentile / 100) * sorted.length) - 1)] ?? Number.NaN
}

/** The batches and percentiles that a plan’s gates ask for, each once. */
export function latenciesAsked({ gates }: Pick<Plan, 'gates'>): readonly Omit<LatencyFigure, 'ms'>[] {
  const asked = new Map<string, Omit<LatencyFigure, 'ms'>>()
  for (const gate of gates) {
    if (!('latency' in gate)) continue
    const { batch, percentile } = gate.latency
    asked.set(`${batch}/${percentile}`, { batch, percentile })
  }
  return [...asked.values()]
}

/** By what and where it was measured, in words. */
export function latencyWords({ engine, machine, rows, answers, warmUp }: LatencyLook): string {
  const { processors, model } = machine
  const on = rows === 'holdout' ? 'rows of the holdout' : 'rows drawn from the seed'
  const where = `${processors} ${processors === 1 ? 'processor' : 'processors'}, ${model}`
  return `${answers} answers after ${warmUp} to warm up, on ${on}, ${engine}, ${where}`
}

import { type LatencyResult, latencyWords } from '../core/run/latency.ts'
import type { RunView } from '../core/run/view.ts'

/** The times to answer of the last round that they were measured in; no lines for none. */
export function latencyLines(view: RunView): string[] {
  const latency = view.history.findLast((round) => round.latency !== undefined)?.latency
  return latency === undefined ? [] : [latencyText(latency)]
}

export function latencyText(latency: LatencyResult): string {
  if ('failure' in latency) return `latency: ${latency.failure}`
  const figures = latency.figures.map(
    ({ batch, percentile, ms }) =>
      `${percentile} % of the answers to ${batch === 1 ? 'one row' : `${batch} rows`} within ${ms} ms`,
  )
  return `latency: ${figures.join(', ')} (${latencyWords(latency)})`
}

/** Of a round that is looked at again: what nobody can measure again. */
export function recordedLatencyText(latency: LatencyResult): string {
  return `${latencyText(latency)}; recorded, not recomputed`
}

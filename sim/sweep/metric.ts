import { lowerIsBetter, metricNames } from '../../core/metrics/metrics.ts'
import type { SimulatedRound, SimulationResult } from '../results.ts'

/** What a sweep may compare points by: metrics of the central evaluation, and what only the simulator knows. */
export const sweepMetrics = [...metricNames, 'attackSuccess', 'bytes', 'virtualMs'] as const
export type SweepMetric = (typeof sweepMetrics)[number]

export type Goal = 'max' | 'min'

/** What somebody who defends the training wants of a metric. */
export function usualGoal(metric: SweepMetric): Goal {
  if (metric === 'attackSuccess' || metric === 'bytes' || metric === 'virtualMs') return 'min'
  return lowerIsBetter(metric) ? 'min' : 'max'
}

/** A metric over the rounds of one simulation. */
export type Figure = { readonly last: number; readonly min: number; readonly max: number }

export type Figures = { readonly [Name in SweepMetric]?: Figure }

/** All metrics of a simulation; those that no round has are absent. */
export function figuresOf({ rounds, virtualMs }: Pick<SimulationResult, 'rounds' | 'virtualMs'>): Figures {
  const bytes = rounds.reduce((sum, round) => sum + round.bytes, 0)
  const totals = { bytes, virtualMs }
  const entries = sweepMetrics.map((name) => {
    const values =
      name === 'bytes' || name === 'virtualMs' ? [totals[name]] : rounds.map((round) => ofRound(round, name))
    return [name, figureOf(values)] as const
  })
  return Object.fromEntries(entries.filter(([, figure]) => figure !== undefined))
}

function ofRound({ central, attackSuccess }: SimulatedRound, name: Exclude<SweepMetric, 'bytes' | 'virtualMs'>) {
  // Rounds that were not evaluated are passed over; of one that was, a figure that is not defined stays so.
  if (central === undefined) return undefined
  return name === 'attackSuccess' ? attackSuccess : (central[name] ?? Number.NaN)
}

/** Undefined where the last round that has the metric, has it undefined: a model that diverged is not as good as it was before. */
function figureOf(values: readonly (number | undefined)[]): Figure | undefined {
  const known = values.filter((value) => value !== undefined)
  const last = known.at(-1)
  if (last === undefined || !Number.isFinite(last)) return undefined
  const finite = known.filter(Number.isFinite)
  return { last, min: Math.min(...finite), max: Math.max(...finite) }
}

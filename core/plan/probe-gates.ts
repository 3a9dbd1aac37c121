import { z } from 'zod'
import type { GateMetricName } from '../metrics/named.ts'
import { type Cell, cellSchema } from './data.ts'
import type { WrittenGate } from './gate-shape.ts'
import type { GateCommon } from './gates.ts'

export const probeNames = ['perturbed', 'trigger', 'change'] as const
export type ProbeName = (typeof probeNames)[number]

/** How inputs are disturbed: Gaussian noise of this standard deviation on each input as the model is given it. */
export const perturbSchema = z.strictObject({
  noise: z
    .number()
    .gt(0)
    .max(100)
    .describe('in standard deviations of the input; of images in the unit of divided pixels'),
})

/**
 * Bounds a metric on disturbed rows of the holdout: by `min` or `max` itself, by `maxDrop` how much worse it is than on the
 * same rows as they are.
 */
export type PerturbedGate = GateCommon & {
  readonly probe: 'perturbed'
  readonly perturb: { readonly noise: number }
  readonly metric: GateMetricName
  readonly atPrecision?: number | undefined
  readonly min?: number | undefined
  readonly max?: number | undefined
  readonly maxDrop?: number | undefined
}

/** Bounds the share of rows with a trigger, of other classes than the target, that are given the target. */
export type TriggerGate = GateCommon & { readonly probe: 'trigger'; readonly target: Cell; readonly max: number }

/** Bounds the share of rows of the holdout that are given another class than by the version in use. */
export type ChangeGate = GateCommon & { readonly probe: 'change'; readonly max: number }

/** Asks the candidate about rows that the coordinator holds, beyond how well it does on them. */
export type ProbeGate = PerturbedGate | TriggerGate | ChangeGate

export const probeTargetSchema = cellSchema

/** A probe that has passed its check, with nothing but its own. `head`: its id, and whether it is hard. */
export function effectiveProbe(gate: WrittenGate, head: Pick<GateCommon, 'id' | 'hard'>): ProbeGate {
  const { probe, perturb, target, metric, atPrecision, min, max, maxDrop, confidence } = gate
  const sure = { ...head, ...(confidence === undefined ? {} : { confidence }) }
  if (probe === 'perturbed' && perturb !== undefined && metric !== undefined) {
    const bounds = Object.entries({ atPrecision, min, max, maxDrop }).filter(([, value]) => value !== undefined)
    return { ...sure, probe, perturb, metric, ...Object.fromEntries(bounds) }
  }
  if (probe === 'trigger' && target !== undefined && max !== undefined) return { ...sure, probe, target, max }
  if (probe === 'change' && max !== undefined) return { ...sure, probe, max }
  throw new TypeError('a probe without its members has passed its check')
}

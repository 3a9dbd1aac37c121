import { z } from 'zod'
import { diagonal } from '../gram.ts'
import { medianOf } from '../order.ts'
import { defineStage } from '../rule.ts'

const options = z.strictObject({})

/**
 * FedNova: clients that took more local steps have gone farther, not farther in the right direction; each update is scaled to
 * the median number of steps, xᵢ ← xᵢ·τ_eff/τᵢ with τ_eff = median τᵢ.
 * Wang, Liu, Liang, Joshi and Poor, Tackling the objective inconsistency problem in heterogeneous federated optimization,
 * NeurIPS 2020. They take the mean, and leave τ_eff to the coordinator: with the mean one client that claims many rows would
 * stretch the updates of all others.
 */
export const fednova = defineStage<z.output<typeof options>>({
  options,
  breakdown: () => Number.POSITIVE_INFINITY,
  condition: 'any n',
  attackers: () => undefined,
  wantsAttackers: false,
  mixes: false,
  count: (n) => n,
  apply({ n, steps }) {
    const effective = medianOf(steps)
    return diagonal(Float64Array.from({ length: n }, (_, point) => effective / (steps[point] as number)))
  },
})

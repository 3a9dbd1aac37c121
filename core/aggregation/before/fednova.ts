import { z } from 'zod'
import { diagonal } from '../gram.ts'
import { defineStage } from '../rule.ts'

const options = z.strictObject({})

/**
 * FedNova: clients that took more local steps have gone farther, not farther in the right direction; each update is scaled to
 * the mean number of steps, xᵢ ← xᵢ·τ_eff/τᵢ with τ_eff = (1/n)·Σ τᵢ.
 * Wang, Liu, Liang, Joshi and Poor, Tackling the objective inconsistency problem in heterogeneous federated optimization,
 * NeurIPS 2020.
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
    const effective = steps.reduce((sum, count) => sum + count, 0) / n
    return diagonal(Float64Array.from({ length: n }, (_, point) => effective / (steps[point] as number)))
  },
})

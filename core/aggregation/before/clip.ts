import { z } from 'zod'
import { clipFactor, norms } from '../clipping.ts'
import { diagonal } from '../gram.ts'
import { defineStage } from '../rule.ts'

const options = z.strictObject({
  /** Longer updates are shortened to this Euclidean norm. */
  norm: z.number().positive().max(1e15),
})

/** Clipping: xᵢ ← min(1, c/‖xᵢ‖)·xᵢ, with the same c for everybody. */
export const clip = defineStage<z.output<typeof options>>({
  options,
  breakdown: () => Number.POSITIVE_INFINITY,
  condition: 'any n',
  attackers: () => undefined,
  wantsAttackers: false,
  mixes: false,
  count: (n) => n,
  apply: ({ gram, n }, { norm }) => diagonal(norms(gram, n).map((length) => clipFactor(length, norm))),
})

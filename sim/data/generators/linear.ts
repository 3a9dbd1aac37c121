import { z } from 'zod'
import { RANGE_UNITS } from '../../../core/metrics/numeric.ts'
import type { Random } from '../../../core/random/random.ts'
import { exp, sigmoid } from '../elementary.ts'
import { classCount, defineGenerator, endsOf, type Generated, inputs, rows } from '../generator.ts'

const options = z.strictObject({
  rows,
  inputs: inputs.default(10),
  classes: classCount.default(2),
  scale: z
    .number()
    .min(0)
    .max(1e3)
    .default(4)
    .describe('standard deviation of the logits: large is nearly separable, 0 pure chance'),
  numeric: z
    .strictObject({
      min: z.number(),
      max: z.number(),
      noise: z
        .number()
        .min(0)
        .max(1)
        .default(0.05)
        .describe('standard deviation of the noise, as a share of the range'),
    })
    .refine(({ min, max }) => min < max, { message: 'min is not below max', path: ['max'] })
    .optional()
    .describe('the label is a number of this range, and classes and scale do not count'),
})

/** Standard deviation of numeric labels before the noise, as a share of their range: nearly all of them lie in it. */
const SPREAD = 0.15

/**
 * Linear: inputs are standard normal, and labels are drawn from a logistic (softmax) regression with weights that are drawn first:
 * P(y = 1) = 1/(1 + e^−s) with s = scale · ⟨w, x⟩/‖w‖; with more classes P(y = k) ∝ e^sₖ. The best model for it is linear.
 * A numeric label is the middle of its range plus 0.15 · ⟨w, x⟩/‖w‖ and normal noise, both as shares of the range; beyond its
 * ends it is the end.
 */
export const linear = defineGenerator<z.output<typeof options>>({
  options,
  generate({ rows, inputs, classes, scale, numeric }, random) {
    if (numeric !== undefined) return numbers(rows, inputs, numeric, random)
    const outputs = endsOf(classes)
    const weights = Array.from({ length: outputs }, () => direction(inputs, scale, random))
    const features = new Float32Array(rows * inputs)
    const labels = new Int32Array(rows)
    for (let row = 0; row < rows; row++) {
      const x = features.subarray(row * inputs, (row + 1) * inputs)
      for (let j = 0; j < inputs; j++) x[j] = random.normal()
      const logits = weights.map((w) => w.reduce((sum, weight, j) => sum + weight * (x[j] as number), 0))
      labels[row] = drawnLabel(logits, random)
    }
    return { rows, features, labels, shape: [inputs], classes: outputs }
  },
})

function numbers(
  rows: number,
  inputs: number,
  { min, max, noise }: NonNullable<z.output<typeof options>['numeric']>,
  random: Random,
): Generated {
  const weights = direction(inputs, SPREAD, random)
  const features = new Float32Array(rows * inputs)
  const labels = new Int32Array(rows)
  for (let row = 0; row < rows; row++) {
    const x = features.subarray(row * inputs, (row + 1) * inputs)
    for (let j = 0; j < inputs; j++) x[j] = random.normal()
    const value = weights.reduce((sum, weight, j) => sum + weight * (x[j] as number), 0.5 + noise * random.normal())
    labels[row] = Math.round(Math.min(1, Math.max(0, value)) * RANGE_UNITS)
  }
  return { rows, features, labels, shape: [inputs], classes: 1, numeric: { min, max } }
}

function direction(inputs: number, length: number, random: Random): Float64Array {
  const weights = Float64Array.from({ length: inputs }, () => random.normal())
  const norm = Math.sqrt(weights.reduce((sum, weight) => sum + weight * weight, 0))
  return weights.map((weight) => (length * weight) / norm)
}

/** One logit is of a binary label, several are of one class each. */
function drawnLabel(logits: readonly number[], random: Random): number {
  const u = random.uniform()
  const [only] = logits
  if (logits.length === 1 && only !== undefined) return u < sigmoid(only) ? 1 : 0
  const most = Math.max(...logits)
  const odds = logits.map((logit) => exp(logit - most))
  let rest = u * odds.reduce((a, b) => a + b, 0)
  const found = odds.findIndex((share) => {
    rest -= share
    return rest < 0
  })
  return found < 0 ? odds.length - 1 : found
}

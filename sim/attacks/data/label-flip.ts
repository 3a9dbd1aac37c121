import { z } from 'zod'
import { RANGE_UNITS } from '../../../core/metrics/numeric.ts'
import { defineDataAttack } from '../attack.ts'

const options = z.strictObject({})

/**
 * Label flip: honest training on the labels C − 1 − y in the place of y, with C classes; 1 − y where the label is binary; of a
 * numeric label it is mirrored in its range.
 * Biggio, Nelson and Laskov, Poisoning attacks against support vector machines, ICML 2012; in this form in Fang et al., USENIX
 * Security 2020, and Blades.
 */
export const labelFlip = defineDataAttack<z.output<typeof options>>({
  kind: 'data',
  options,
  poison(examples, { classes, numeric }) {
    const last = numeric !== undefined ? RANGE_UNITS : classes === 1 ? 1 : classes - 1
    return { ...examples, labels: examples.labels.map((label) => last - label) }
  },
})

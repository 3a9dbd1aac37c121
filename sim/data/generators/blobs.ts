import { z } from 'zod'
import { balancedLabels, classCount, defineGenerator, endsOf, inputs, rows } from '../generator.ts'

const options = z.strictObject({
  rows,
  inputs: inputs.default(2),
  classes: classCount.default(3),
  separation: z.number().min(0).max(1e6).default(5).describe('standard deviation of the centres, in each input'),
  spread: z.number().min(0).max(1e6).default(1).describe('standard deviation of a class around its centre'),
})

/** Blobs: each class is normally distributed around a centre of its own. Classes are of equal size. */
export const blobs = defineGenerator<z.output<typeof options>>({
  options,
  generate({ rows, inputs, classes, separation, spread }, random) {
    const centres = Float64Array.from({ length: classes * inputs }, () => separation * random.normal())
    const labels = balancedLabels(rows, classes, random)
    const features = new Float32Array(rows * inputs)
    for (let i = 0; i < features.length; i++) {
      const label = labels[Math.floor(i / inputs)] as number
      features[i] = (centres[label * inputs + (i % inputs)] as number) + spread * random.normal()
    }
    return { rows, features, labels, shape: [inputs], classes: endsOf(classes) }
  },
})

import { z } from 'zod'
import type { Examples } from '../../client/index.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { Random } from '../../core/random/random.ts'

export const featureShiftSchema = z.strictObject({
  turns: z
    .int()
    .min(1)
    .max(4)
    .default(1)
    .describe('orientations of square images: client i has its images turned by i mod turns quarter turns'),
  contrast: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('each client draws a factor between 1 − contrast and 1 + contrast'),
  brightness: z
    .number()
    .min(0)
    .max(1e6)
    .default(0)
    .describe('each client draws a summand between −brightness and brightness'),
  noise: z
    .number()
    .min(0)
    .max(1e6)
    .default(0)
    .describe('variance of the noise at the last client; at client i of n (i + 1)/n of it'),
})
export type FeatureShift = z.output<typeof featureShiftSchema>

/** How one client's features differ from those of the others. */
export type ClientShift = {
  /** Quarter turns, counter-clockwise. */
  readonly turns: number
  readonly contrast: number
  readonly brightness: number
  readonly deviation: number
}

/**
 * Feature shift: labels are dealt by a partitioner, and each client sees the world in its own way. Rotations as in Ghosh et al., An
 * efficient framework for clustered federated learning, NeurIPS 2020; noise by client as in Li et al., ICDE 2022.
 *
 * `random`: the client's own generator for this; the same one gives the same shift.
 */
export function shiftOf(
  { turns, contrast, brightness, noise }: FeatureShift,
  { client, clients, random }: { readonly client: number; readonly clients: number; readonly random: Random },
): ClientShift {
  const around = () => 2 * random.uniform() - 1
  return {
    turns: client % turns,
    contrast: 1 + contrast * around(),
    brightness: brightness * around(),
    deviation: Math.sqrt((noise * (client + 1)) / clients),
  }
}

/**
 * A changed copy of the examples: turned, then contrast · x + brightness + noise. Nothing is clipped. `random`: for the noise.
 * Throws `plan.infeasible` for images that are to be turned and are no images, or not square.
 */
export function shifted(examples: Examples, shape: readonly number[], shift: ClientShift, random: Random): Examples {
  const { contrast, brightness, deviation } = shift
  const turned = shift.turns === 0 ? examples.features : turnedImages(examples, shape, shift.turns)
  const features = turned.map((value) => {
    const noise = deviation === 0 ? 0 : deviation * random.normal()
    return contrast * value + brightness + noise
  })
  return { ...examples, features }
}

function turnedImages({ rows, features }: Examples, shape: readonly number[], turns: number): Float32Array {
  const [side, width, channels] = shape
  if (side === undefined || channels === undefined || side !== width) {
    throw new ParleyError(
      'plan.infeasible',
      `features of shape ${shape.join(' × ')} cannot be turned: only square images can`,
    )
  }
  const size = side * side * channels
  const from = sources(side, channels, turns)
  const turned = new Float32Array(features.length)
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < size; i++) turned[row * size + i] = features[row * size + (from[i] as number)] as number
  }
  return turned
}

/** For each value of a turned image its place in the image before. */
function sources(side: number, channels: number, turns: number): Uint32Array {
  return Uint32Array.from({ length: side * side * channels }, (_, i) => {
    const channel = i % channels
    const pixel = (i - channel) / channels
    let [y, x] = [Math.floor(pixel / side), pixel % side]
    // Counter-clockwise: what was at the right end of a row comes to the top of a column.
    for (let turn = 0; turn < turns; turn++) [y, x] = [x, side - 1 - y]
    return (y * side + x) * channels + channel
  })
}

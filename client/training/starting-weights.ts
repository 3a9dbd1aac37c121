import { ParleyError } from '../../core/errors/index.ts'
import { randomOf } from '../../core/random/random.ts'
import { checkModelNames } from '../../core/tensors/control.ts'
import { type Layout, layoutLength, layoutOf, type TensorSpec, tensorsIn } from '../../core/tensors/layout.ts'
import type { InitialModel } from './ports.ts'
import type { Start, StartingTensor } from './starting-tensor.ts'

/** Values in a model that a node builds at most: 1 GiB of float32. */
const MOST_PARAMETERS = 2 ** 28

/** Draws each tensor from its own stream, so that a layer more or less leaves the others' starting weights alone. */
export function startingWeights(tensors: readonly StartingTensor[], seed: number): InitialModel {
  const layout = layoutOf(tensors)
  checkModelNames(layout)
  const length = checkSize(layout)
  const starts = new Map(tensors.map(({ name, start }) => [name, start]))
  const weights = new Float32Array(length)
  for (const { tensor, offset, length } of tensorsIn(layout)) {
    fill(weights.subarray(offset, offset + length), tensor, starts.get(tensor.name) ?? 'zeros', seed)
  }
  return { layout, weights }
}

/** The length of a layout; throws `engine.model-unsupported` where it is more than a node builds. */
export function checkSize(layout: Layout): number {
  const length = layoutLength(layout)
  if (length <= MOST_PARAMETERS) return length
  throw new ParleyError('engine.model-unsupported', `the model has ${length} parameters, at most ${MOST_PARAMETERS}`)
}

function fill(values: Float32Array, tensor: TensorSpec, start: Start, seed: number): void {
  if (start === 'ones') values.fill(1)
  // The second quarter of an LSTM's bias is its forget gate (Jozefowicz et al., ICML 2015: it starts open).
  if (start === 'forget-gate') values.fill(1, values.length / 4, values.length / 2)
  if (start !== 'glorot') return
  const random = randomOf(seed, tensor.name)
  const bound = glorotBound(tensor.shape)
  for (let i = 0; i < values.length; i++) values[i] = (2 * random.uniform() - 1) * bound
}

/** √(6 / (fan-in + fan-out)): Glorot and Bengio, AISTATS 2010. The leading axes of a kernel are its receptive field. */
function glorotBound(shape: readonly number[]): number {
  const outputs = shape.at(-1) ?? 1
  const inputs = shape.at(-2) ?? 1
  const field = shape.slice(0, -2).reduce((product, size) => product * size, 1)
  return Math.sqrt(6 / (field * (inputs + outputs)))
}

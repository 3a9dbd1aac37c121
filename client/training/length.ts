import { ParleyError } from '../../core/errors/index.ts'
import { type Layout, layoutLength } from '../../core/tensors/layout.ts'

/** Throws `node.model-mismatch` unless a flat vector is as long as its layout. */
export function checkLength(layout: Layout, weights: Float32Array): void {
  const length = layoutLength(layout)
  if (weights.length !== length) {
    throw new ParleyError('node.model-mismatch', `the weights have ${weights.length} values, the model has ${length}`)
  }
}

/** Values of one example. */
export function widthOf({ shape }: { readonly shape: readonly number[] }): number {
  return shape.reduce((product, size) => product * size, 1)
}

import type { Random } from '../../../core/random/random.ts'
import type { Layout } from '../../../core/tensors/layout.ts'
import type { Tensor } from './load.ts'

/**
 * A model on an engine. Weights are tensors in layout order; every function is called inside `tf.tidy` and leaves its
 * result only.
 */
export type TensorNetwork = {
  readonly layout: Layout
  /** Shape of one example. */
  readonly input: readonly number[]
  /** Logits of a batch, `[rows, units]`. `x` is `[rows, …input]`. */
  predict(weights: readonly Tensor[], x: Tensor): Tensor
  /**
   * Gradients of the loss in layout order. `lossGradient` takes the logits and gives the gradient with respect to them.
   * `random` is for dropout.
   */
  gradients(
    weights: readonly Tensor[],
    x: Tensor,
    lossGradient: (logits: Tensor) => Tensor,
    random: Random,
  ): readonly Tensor[]
  dispose(): void
}

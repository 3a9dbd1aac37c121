import { frozenTensors, zeroFrozen } from '../../core/plan/freeze.ts'
import type { Model } from '../../core/plan/model.ts'
import { type Layout, tensorsIn } from '../../core/tensors/layout.ts'
import type { SessionOptions } from './network.ts'
import { addDecay, addProximal, addTo, clipToNorm, createOptimizer } from './optimizer.ts'

/** Changes `weights` by one step along the gradient of the loss, which it overwrites. */
export type Descent = (weights: Float32Array, gradient: Float32Array) => void

/** The clipping and penalties of a plan, the client's correction and the optimizer, in this order, on plain arrays. */
export function descentOf(
  model: Model,
  layout: Layout,
  { training, weights: start, correction }: Pick<SessionOptions, 'training' | 'weights' | 'correction'>,
): Descent {
  const frozen = frozenTensors(training.freeze, layout)
  const optimize = createOptimizer(training.optimizer, start.length, frozen)
  const { clipGradient, weightDecay = 0 } = training
  const mu = training.fedprox?.mu ?? 0
  const begin = start.slice()
  const decayed = decayedKernel(model, layout)
  return (weights, gradient) => {
    if (clipGradient !== undefined) clipToNorm(gradient, clipGradient.norm)
    if (mu > 0) addProximal(gradient, weights, begin, mu)
    if (decayed !== undefined) {
      const { l2, offset, length } = decayed
      for (let i = offset; i < offset + length; i++) {
        gradient[i] = (gradient[i] as number) + l2 * (weights[i] as number)
      }
    }
    if (weightDecay > 0) addDecay(gradient, weights, weightDecay)
    if (correction !== undefined) addTo(gradient, correction)
    // Last: every optimizer leaves a weight without a gradient exactly where it is.
    zeroFrozen(gradient, 0, frozen)
    optimize(weights, gradient)
  }
}

/** The kernel of a logistic or linear model and its weight decay; undefined where there is none. */
export function decayedKernel(
  model: Model,
  layout: Layout,
): { readonly l2: number; readonly offset: number; readonly length: number } | undefined {
  const l2 = 'logistic' in model ? model.logistic.l2 : 'linear' in model ? model.linear.l2 : 0
  const kernel = [...tensorsIn(layout)].find(({ tensor }) => tensor.name.endsWith('/kernel'))
  return l2 === 0 || kernel === undefined ? undefined : { l2, offset: kernel.offset, length: kernel.length }
}

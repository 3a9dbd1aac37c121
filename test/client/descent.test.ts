import { expect, test } from 'vitest'
import { descentOf } from '../../client/training/descent.ts'
import { modelSchema } from '../../core/plan/model.ts'
import { trainingSchema } from '../../core/plan/training.ts'

const layout = [
  { name: 'dense_1/bias', shape: [1] },
  { name: 'dense_1/kernel', shape: [1, 1] },
]

/** The weights 1 and 2 after one step of size 1 along the gradient 3, 4, which has the length 5. */
function moved(training: object, correction?: Float32Array, weights = Float32Array.of(1, 2)): number[] {
  const descend = descentOf(modelSchema.parse({ logistic: { l2: 0.125 } }), layout, {
    training: trainingSchema.parse({ steps: 1, optimizer: { sgd: { learningRate: 1 } }, ...training }),
    weights: Float32Array.of(0, 0),
    correction,
  })
  descend(weights, Float32Array.of(3, 4))
  return [...weights]
}

test('a step is along the gradient of the loss and the kernel’s own decay', () => {
  expect(moved({})).toEqual([1 - 3, 2 - 4 - 0.25])
})

test('weight decay is of all weights, biases too', () => {
  expect(moved({ weightDecay: 0.5 })).toEqual([1 - 3 - 0.5, 2 - 4 - 0.25 - 1])
})

test('clipping is of the loss alone: what penalties and a correction add comes behind it', () => {
  const training = { clipGradient: { norm: 2.5 }, weightDecay: 0.5, fedprox: { mu: 0.25 } }
  const correction = Float32Array.of(100, 200)
  expect(moved(training, correction)).toEqual([1 - (1.5 + 0.25 + 0.5 + 100), 2 - (2 + 0.5 + 0.25 + 1 + 200)])
})

/** The gradients of TF.js as it is shipped, with the kernels that are composed for its wasm backend, against the float64 reference. */
import { describe, expect, test } from 'vitest'
import { tfjsNetwork } from '../../client/training/tfjs/network.ts'
import { gradientError, meanGradient } from './reference/reference.ts'
import { type Case, cases } from './wasm/layer-cases.ts'
import { derivedOf, dropoutOf, plainDescent, problemOf, trainingOf } from './wasm/problems.ts'

const RATE = 100

async function expectGradient({ model, ends, vocabulary }: Case): Promise<void> {
  for (const rows of [1, 5]) {
    const problem = problemOf(model, ends, { rows, seed: rows, vocabulary })
    const { weights, batch } = problem
    const network = await tfjsNetwork({ model: problem.model, ends, why: '' }, 'tfjs-wasm')
    const training = trainingOf({ optimizer: plainDescent(RATE) })
    const session = network.begin({ weights, training, rows, dropout: dropoutOf(1) })
    session.step(batch)
    const gradient = Float64Array.from(session.weights, (after, i) => (weights[i]! - after) / RATE)
    session.end()
    network.dispose()
    expect(gradientError(gradient, meanGradient(derivedOf(problem)))).toBeLessThan(1e-4)
  }
}

// TF.js has no GroupNormalization, fails to train LayerNormalization without its scale or shift, and draws the masks of topologies itself.
const others = /^(group-norm|layer-norm with|dropout)/

describe('of layers', () => {
  test.each(cases.filter(({ name }) => !others.test(name)))('$name', expectGradient)
})

describe('of short forms', () => {
  const ends = { shape: [9, 7, 2], classes: 3 }
  test.each(['relu', 'tanh', 'sigmoid', 'elu'])(
    'with %s, before a pool whose values may all be negative',
    async (activation) => {
      for (const pool of [1, 2, 3]) {
        await expectGradient({
          name: '',
          model: { cnn: { filters: [3, 4], kernel: 3, pool, dense: 5, activation } },
          ends,
        })
        await expectGradient({ name: '', model: { mlp: { hidden: [6, 5], activation, dropout: 0.2 } }, ends })
      }
    },
  )
})

/** The same training on our own engine and on TF.js. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Dataset } from '../../../client/data/dataset.ts'
import { loadDataset } from '../../../client/data/load.ts'
import { initialModel } from '../../../client/training/initial.ts'
import { createTrainer } from '../../../client/training/trainer.ts'
import { metricsOf } from '../../../core/metrics/compute.ts'
import { dataSchema } from '../../../core/plan/data.ts'
import { modelSchema } from '../../../core/plan/model.ts'
import { randomOf } from '../../../core/random/random.ts'
import { layoutLength } from '../../../core/tensors/layout.ts'
import { relativeError } from '../reference/reference.ts'
import { anyRound, randomDataset, unaborted } from '../training-fixtures.ts'
import { plainDescent, trainingOf } from './problems.ts'

const table = randomDataset(60, [7], 1)
const classes = randomDataset(60, [7], 3)
const images = randomDataset(30, [9, 7, 2], 3)
const measured: Dataset = {
  ...table,
  numeric: { min: -3, max: 5 },
  train: { ...table.train, labels: table.train.labels.map((label, i) => 300_000 * label + 1000 * i) },
}

const engines = ['wasm', 'tfjs-wasm'] as const

/** A model on one engine, with the same weights to begin with on each. */
async function trainerOn(engine: (typeof engines)[number], model: unknown, dataset: Dataset, options: object) {
  const parsed = modelSchema.parse(model)
  const trainer = await createTrainer({ model: parsed, dataset, training: trainingOf(options), engine })
  expect(trainer.engine).toBe(engine)
  const random = randomOf(3, 'start')
  const length = layoutLength(trainer.layout)
  const weights = Float32Array.from({ length }, () => 0.2 * random.normal())
  return { trainer, weights }
}

describe('trains to the same weights as TF.js', () => {
  const momentum = plainDescent(0.02, 0.9)
  const adam = { adam: { learningRate: 0.01 } }
  const cases: readonly (readonly [name: string, model: object, dataset: Dataset, training: object])[] = [
    ['logistic regression', { logistic: {} }, table, { epochs: 4, batch: 7, optimizer: plainDescent(0.3) }],
    ['its decay', { logistic: { l2: 0.3 } }, classes, { epochs: 4, batch: 60, optimizer: momentum }],
    ['linear regression', { linear: { l2: 0.1 } }, measured, { epochs: 4, batch: 8, optimizer: plainDescent(0.1) }],
    [
      'its loss by Huber',
      { linear: {} },
      measured,
      { epochs: 4, batch: 8, optimizer: adam, loss: { huber: { delta: 1 } } },
    ],
    ['hidden layers', { mlp: { hidden: [33, 9] } }, classes, { epochs: 4, batch: 11, optimizer: momentum }],
    ['dropout', { mlp: { hidden: [33, 9], dropout: 0.4 } }, classes, { epochs: 4, batch: 11, optimizer: adam }],
    ['FedProx', { mlp: { hidden: [9] } }, classes, { epochs: 4, batch: 8, optimizer: momentum, fedprox: { mu: 2 } }],
    ['frozen layers', { mlp: { hidden: [9] } }, classes, { epochs: 4, batch: 8, optimizer: adam, freeze: ['dense_2'] }],
    [
      'SCAFFOLD',
      { mlp: { hidden: [9] } },
      classes,
      { epochs: 4, batch: 8, optimizer: plainDescent(0.1), scaffold: {} },
    ],
    [
      'convolutions',
      { cnn: { filters: [5, 3], kernel: 3, dense: 7 } },
      images,
      { epochs: 2, batch: 8, optimizer: momentum },
    ],
  ]

  test.each(cases)('%s', async (_, model, dataset, options) => {
    const results = []
    for (const engine of engines) {
      const { trainer, weights } = await trainerOn(engine, model, dataset, options)
      const first = await trainer.train({ ...anyRound, weights })
      await first.accepted?.()
      const second = await trainer.train({ ...anyRound, seed: 2, weights: first.weights })
      const { loss, rmse } = metricsOf(await trainer.evaluate(second.weights.subarray(0, weights.length), unaborted))
      results.push({
        ...second,
        evaluated: loss ?? rmse,
        moved: second.weights.map((weight, i) => weight - weights[i]!),
      })
      trainer.dispose()
    }
    const [own, other] = results as [(typeof results)[0], (typeof results)[0]]
    expect(relativeError(own.moved, other.moved)).toBeLessThan(1e-4)
    expect(own.loss / other.loss).toBeCloseTo(1, 4)
    expect(own).toMatchObject({ samples: other.samples, steps: other.steps })
    expect(own.evaluated! / other.evaluated!).toBeCloseTo(1, 3)
  })
})

const root = fileURLToPath(new URL('../../..', import.meta.url))
const mnist = join(process.env.PARLEY_SHARED ?? join(root, '../shared'), 'data/mnist')
const missing = !existsSync(mnist)
if (missing) console.log(`skipped: no MNIST in ${mnist}`)

describe.skipIf(missing)('its losses on MNIST, round by round, are those of TF.js', () => {
  test.each([
    ['2NN', { mlp: { hidden: [200, 200] } }, { steps: 40, batch: 10, optimizer: plainDescent(0.1) }, 4],
    // So slow that cells whose maximum is the same but for rounding do not set the curves apart.
    [
      'a small CNN',
      { cnn: { filters: [6, 12], dense: 32 } },
      { steps: 12, batch: 10, optimizer: plainDescent(0.03) },
      3,
    ],
  ] as const)('%s', async (_, model, training, rounds) => {
    const files = { images: 't10k-images-idx3-ubyte.gz', labels: 't10k-labels-idx1-ubyte.gz' }
    const data = dataSchema.parse({ idx: {}, split: { test: 0.8 } })
    const dataset = await loadDataset(data, { images: join(mnist, files.images), labels: join(mnist, files.labels) })
    const curves = []
    for (const engine of engines) {
      const { trainer } = await trainerOn(engine, model, dataset, training)
      let { weights } = await initialModel(modelSchema.parse(model), data, 1)
      const losses: number[] = []
      for (let round = 1; round <= rounds; round++) {
        const result = await trainer.train({ ...anyRound, seed: round, weights })
        losses.push(result.loss)
        weights = result.weights
      }
      trainer.dispose()
      curves.push(losses)
    }
    const [own, other] = curves as [number[], number[]]
    for (const [round, loss] of own.entries()) expect(Math.abs(loss / other[round]! - 1)).toBeLessThan(1e-3)
    expect(own.at(-1)!).toBeLessThan(own[0]!)
  })
})

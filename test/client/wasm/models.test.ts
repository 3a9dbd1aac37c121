import { expect, test } from 'vitest'
import type { Dataset } from '../../../client/data/dataset.ts'
import { initialModel } from '../../../client/training/initial.ts'
import { createTrainer } from '../../../client/training/trainer.ts'
import { type Data, dataSchema } from '../../../core/plan/data.ts'
import { modelSchema } from '../../../core/plan/model.ts'
import { trainingSchema } from '../../../core/plan/training.ts'
import { anyRound, randomDataset, unaborted } from '../training-fixtures.ts'

const layer = (class_name: string, config: object = {}) => ({ class_name, config })
const sequential = (input: readonly number[], ...layers: { class_name: string; config: object }[]) => {
  const all = [...layers, layer('Flatten'), layer('Dense', { units: 3, activation: 'softmax' })]
  return {
    layers: {
      class_name: 'Sequential',
      config: {
        layers: all.map(({ class_name, config }, i) => ({
          class_name,
          config: { name: `layer_${i}`, ...config, ...(i === 0 ? { batch_input_shape: [null, ...input] } : {}) },
        })),
      },
    },
  }
}

const images = randomDataset(24, [9, 7, 2], 3)

/** Numbers below 11, six in a row. */
const words = ((): Dataset => {
  const set = randomDataset(24, [6], 3)
  const numbers = ({ features }: Dataset['train']) => features.map((x) => Math.abs(Math.round(4 * x)) % 11)
  return {
    ...set,
    train: { ...set.train, features: numbers(set.train) },
    test: { ...set.test, features: numbers(set.test) },
  }
})()

function planData({ shape, classes }: Dataset): Data {
  if (shape.length === 3) return dataSchema.parse({ idx: { shape, classes } })
  const columns = Array.from({ length: shape[0]! }, (_, i) => ({ name: `x${i}`, type: 'number' }))
  const label = { classes: [...Array(classes).keys()] }
  return dataSchema.parse({ csv: { columns: [...columns, { name: 'y', type: 'label' }], label } })
}

const image = (...layers: { class_name: string; config: object }[]) => sequential([9, 7, 2], ...layers)

const models: readonly [what: string, model: unknown, dataset: Dataset][] = [
  ['a short form of convolutions', { cnn: { filters: [5, 6], kernel: 3, pool: 2 } }, images],
  [
    'convolutions with strides and margins',
    image(
      layer('Conv2D', { filters: 9, kernel_size: [3, 2], strides: [2, 1], padding: 'same', activation: 'tanh' }),
      layer('Conv2D', { filters: 4, kernel_size: 2, padding: 'valid', use_bias: false, activation: 'gelu' }),
      layer('Conv2D', { filters: 8, kernel_size: 1, activation: 'sigmoid' }),
    ),
    images,
  ],
  [
    'depthwise convolutions, one with a multiplier',
    image(
      layer('DepthwiseConv2D', { kernel_size: 3, padding: 'same', depth_multiplier: 3, activation: 'elu' }),
      layer('DepthwiseConv2D', { kernel_size: [2, 3], use_bias: false }),
      layer('Softmax', { axis: -1 }),
    ),
    images,
  ],
  [
    'pools whose windows overlap',
    image(
      // TF.js on wasm gives windows without a value above 0 no gradient; those of a rectifier need none.
      layer('Conv2D', { filters: 5, kernel_size: 3, padding: 'same', activation: 'relu' }),
      layer('MaxPooling2D', { pool_size: 3, strides: 2, padding: 'same' }),
      layer('AveragePooling2D', { pool_size: 2, strides: 1, padding: 'valid' }),
      layer('ELU'),
    ),
    images,
  ],
  [
    'the mean of everything',
    image(
      layer('Conv2D', { filters: 5, kernel_size: 3, activation: 'relu' }),
      layer('GlobalAveragePooling2D'),
      layer('Reshape', { target_shape: [1, 5] }),
    ),
    images,
  ],
  [
    'the greatest of everything',
    image(
      layer('Conv2D', { filters: 5, kernel_size: 3, activation: 'relu' }),
      layer('GlobalMaxPooling2D'),
      layer('Reshape', { target_shape: [5, 1] }),
    ),
    images,
  ],
  [
    'an embedding that is normalized',
    sequential(
      [6],
      layer('Embedding', { input_dim: 11, output_dim: 5 }),
      layer('LayerNormalization'),
      layer('Conv1D', { filters: 6, kernel_size: 3, activation: 'relu' }),
      layer('Dense', { units: 4, activation: 'softmax' }),
    ),
    words,
  ],
]

test.each(models)('%s: trained as by TF.js', async (_, model, dataset) => {
  const parsed = modelSchema.parse(model)
  const training = trainingSchema.parse({
    epochs: 2,
    batch: 7,
    optimizer: { sgd: { learningRate: 0.1, momentum: 0.5 } },
  })
  const { weights } = await initialModel(parsed, planData(dataset), 4)
  const [own, tfjs] = await Promise.all(
    (['wasm', 'tfjs-wasm'] as const).map(async (engine) => {
      const trainer = await createTrainer({ model: parsed, dataset, training, engine })
      const { weights: trained, loss } = await trainer.train({ ...anyRound, weights, seed: 3 })
      const counts = await trainer.evaluate(trained, unaborted)
      trainer.dispose()
      return { trained, loss, counts }
    }),
  )
  const moved = tfjs!.trained.map((value, i) => value - weights[i]!)
  const apart = tfjs!.trained.map((value, i) => value - own!.trained[i]!)
  expect(Math.hypot(...moved)).toBeGreaterThan(0.05)
  expect(Math.hypot(...apart) / Math.hypot(...moved)).toBeLessThan(1e-4)
  expect(own!.loss).toBeCloseTo(tfjs!.loss, 5)
  expect(own!.counts.rows).toBe(tfjs!.counts.rows)
})

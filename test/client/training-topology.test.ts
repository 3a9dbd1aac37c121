import { describe, expect, test } from 'vitest'
import type { Dataset } from '../../client/data/dataset.ts'
import { initialModel } from '../../client/training/initial.ts'
import { loadEngine } from '../../client/training/tfjs/load.ts'
import { createTrainer } from '../../client/training/trainer.ts'
import { dataSchema } from '../../core/plan/data.ts'
import { modelSchema } from '../../core/plan/model.ts'
import { trainingSchema } from '../../core/plan/training.ts'
import { anyRound, randomDataset, unaborted } from './training-fixtures.ts'

type Layer = { class_name: string; config: Record<string, unknown> }

const layer = (class_name: string, config: Record<string, unknown> = {}): Layer => ({ class_name, config })
const input = (...shape: number[]) => ({ batch_input_shape: [null, ...shape] })

/** As `sequential.toJSON(null, false)` gives it. */
function sequential(layers: Layer[]) {
  const named = layers.map(({ class_name, config }, i) => layer(class_name, { name: `layer${i}`, ...config }))
  return { class_name: 'Sequential', config: { name: 'model', layers: named }, keras_version: 'tfjs-layers 4.22.0' }
}

const training = trainingSchema.parse({ steps: 5, batch: 4, optimizer: { sgd: { learningRate: 0.1 } } })
const images = randomDataset(12, [8, 8, 1], 3)
/** The cpu backend takes a second for what the others do in a millisecond. */
const smallImages = randomDataset(4, [4, 4, 1], 3)
const table = randomDataset(12, [6], 1)

async function trained(model: unknown, dataset: Dataset, engine: 'tfjs-wasm' | 'tfjs-cpu' = 'tfjs-wasm') {
  const parsed = modelSchema.parse(model)
  const columns = [...Array(dataset.shape[0]!).keys()].map((i) => ({ name: `x${i}`, type: 'number' }))
  const csv = { columns: [...columns, { name: 'y', type: 'label' }], label: { positive: { above: 0 } } }
  const data = dataSchema.parse(
    dataset.classes === 1 ? { csv } : { idx: { shape: dataset.shape, classes: dataset.classes } },
  )
  const trainer = await createTrainer({ model: parsed, dataset, training, engine })
  const { weights, layout } = await initialModel(parsed, data, 4)
  expect(layout).toEqual(trainer.layout)
  const result = await trainer.train({ ...anyRound, weights, seed: 2 })
  return { trainer, layout, initial: weights, result, counts: await trainer.evaluate(result.weights, unaborted) }
}

function expectClose(actual: Float32Array, expected: Float32Array, tolerance: number): void {
  expect(actual.length).toBe(expected.length)
  expect(Math.max(...actual.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(tolerance)
}

describe('a short form trains like the same model in TF.js layers', () => {
  test.each(['relu', 'tanh', 'sigmoid', 'elu'] as const)('dense layers with %s', async (activation) => {
    const short = await trained({ mlp: { hidden: [7, 5], activation } }, table)
    const long = await trained(
      {
        layers: sequential([
          layer('Dense', { units: 7, activation, ...input(6) }),
          layer('Dense', { units: 5, activation }),
          layer('Dense', { units: 1, activation: 'sigmoid' }),
        ]),
      },
      table,
    )
    expect(long.layout).toEqual(short.layout)
    expect(long.initial).toEqual(short.initial)
    expectClose(short.result.weights, long.result.weights, 1e-5)
    expect(short.result.loss).toBeCloseTo(long.result.loss, 5)
  })

  test.each([
    ['tfjs-wasm', 'relu'],
    ['tfjs-wasm', 'tanh'],
    ['tfjs-cpu', 'relu'],
  ] as const)('convolutions on %s with %s', async (engine, activation) => {
    const dataset = engine === 'tfjs-cpu' ? smallImages : images
    const [size] = dataset.shape as [number]
    const short = await trained({ cnn: { filters: [4, 3], kernel: 3, dense: 6, activation } }, dataset, engine)
    const convolution = { kernel_size: [3, 3], padding: 'same', activation }
    const pooling = layer('MaxPooling2D', { pool_size: [2, 2], strides: [2, 2], padding: 'same' })
    const long = await trained(
      {
        layers: sequential([
          layer('Conv2D', { filters: 4, ...convolution, ...input(size, size, 1) }),
          pooling,
          layer('Conv2D', { filters: 3, ...convolution }),
          pooling,
          layer('Flatten'),
          layer('Dense', { units: 6, activation }),
          layer('Dense', { units: 3, activation: 'softmax' }),
        ]),
      },
      dataset,
    )
    expect(long.initial).toEqual(short.initial)
    expectClose(short.result.weights, long.result.weights, 1e-4)
    expect(short.counts).toMatchObject({ confusion: 'confusion' in long.counts ? long.counts.confusion : [] })
  })
})

describe('a topology', () => {
  const recurrent = sequential([
    layer('LSTM', { units: 4, return_sequences: true, ...input(4, 4) }),
    layer('LayerNormalization'),
    layer('Dropout', { rate: 0.3 }),
    layer('GRU', { units: 3 }),
    layer('Dense', { units: 3 }),
  ])

  test('with recurrent layers, normalisation and dropout trains the same way twice, without leaving tensors', async () => {
    const first = await trained({ layers: recurrent }, smallImages)
    const { tf } = await loadEngine('tfjs-wasm')
    const before = tf.memory().numTensors
    const again = await trained({ layers: recurrent }, smallImages)
    again.trainer.dispose()
    again.trainer.dispose()
    expect(again.result.weights).toEqual(first.result.weights)
    expect(again.result.weights).not.toEqual(again.initial)
    expect(tf.memory().numTensors).toBe(before)
    expect(first.layout.map(({ name }) => name)).toEqual([
      'dense_1/bias',
      'dense_1/kernel',
      'gru_1/bias',
      'gru_1/kernel',
      'gru_1/recurrent_kernel',
      'layer_normalization_1/beta',
      'layer_normalization_1/gamma',
      'lstm_1/bias',
      'lstm_1/kernel',
      'lstm_1/recurrent_kernel',
    ])
  })

  test('holds the same number of tensors over twenty rounds', async () => {
    const { trainer, initial } = await trained({ layers: recurrent }, smallImages)
    const { tf } = await loadEngine('tfjs-wasm')
    const counts: number[] = []
    for (let round = 0; round < 20; round++) {
      await trainer.train({ ...anyRound, weights: initial, seed: round })
      counts.push(tf.memory().numTensors)
    }
    trainer.dispose()
    expect(new Set(counts).size).toBe(1)
  })

  test('with depthwise convolutions trains the same on both backends', async () => {
    const layers = sequential([
      layer('DepthwiseConv2D', {
        kernel_size: [2, 3],
        strides: [2, 2],
        depth_multiplier: 3,
        padding: 'same',
        activation: 'tanh',
        ...input(4, 4, 1),
      }),
      layer('DepthwiseConv2D', { kernel_size: [2, 2], use_bias: false }),
      layer('Flatten'),
      layer('Dense', { units: 3 }),
    ])
    const [wasm, cpu] = [await trained({ layers }, smallImages), await trained({ layers }, smallImages, 'tfjs-cpu')]
    expect(wasm.layout.map(({ name, shape }) => [name, shape])).toEqual([
      ['dense_1/bias', [3]],
      ['dense_1/kernel', [3, 3]],
      ['depthwise_conv2d_1/bias', [3]],
      ['depthwise_conv2d_1/depthwise_kernel', [2, 3, 1, 3]],
      ['depthwise_conv2d_2/depthwise_kernel', [2, 2, 3, 1]],
    ])
    expect(wasm.result.weights).not.toEqual(wasm.initial)
    expectClose(wasm.result.weights, cpu.result.weights, 1e-5)
  })

  test('with two branches trains', async () => {
    const node = (...names: string[]) => [names.map((name) => [name, 0, 0, {}])]
    const functional = {
      class_name: 'Model',
      config: {
        name: 'branches',
        layers: [
          { name: 'x', class_name: 'InputLayer', config: { name: 'x', ...input(6) }, inbound_nodes: [] },
          {
            name: 'a',
            class_name: 'Dense',
            config: { name: 'a', units: 3, activation: 'relu' },
            inbound_nodes: node('x'),
          },
          {
            name: 'b',
            class_name: 'Dense',
            config: { name: 'b', units: 3, activation: 'tanh' },
            inbound_nodes: node('x'),
          },
          { name: 'c', class_name: 'Concatenate', config: { name: 'c' }, inbound_nodes: node('a', 'b') },
          {
            name: 'y',
            class_name: 'Dense',
            config: { name: 'y', units: 1, activation: 'sigmoid' },
            inbound_nodes: node('c'),
          },
        ],
        input_layers: [['x', 0, 0]],
        output_layers: [['y', 0, 0]],
      },
    }
    const { result, layout } = await trained({ layers: functional }, table)
    expect(layout).toHaveLength(6)
    expect(result.loss).toBeGreaterThan(0)
  })
})

describe('a topology is refused', () => {
  const dense = layer('Dense', { units: 1, ...input(6) })
  test.each([
    ['with a layer that is not supported', 'BatchNormalization', [dense, layer('BatchNormalization')]],
    ['with a frozen layer', 'layer0 is frozen', [layer('Dense', { units: 1, trainable: false, ...input(6) })]],
    [
      'with dropout inside a recurrent layer',
      'use a Dropout layer',
      [layer('LSTM', { units: 1, dropout: 0.5, ...input(2, 3) })],
    ],
    ['with a layer that is too large', 'units of the layer layer0', [layer('Dense', { units: 1e9, ...input(6) })]],
    ['with a regularizer', 'kernel_regularizer', [layer('Dense', { units: 1, kernel_regularizer: {}, ...input(6) })]],
    ['with another end', 'must give logits', [layer('Dense', { units: 1, activation: 'relu', ...input(6) })]],
    ['with other inputs than the data', 'takes 7 values', [layer('Dense', { units: 1, ...input(7) })]],
    ['with other outputs than the label', 'gives 2 values', [layer('Dense', { units: 2, ...input(6) })]],
    ['that TF.js cannot build', 'cannot build', [layer('Dense', { ...input(6) })]],
    [
      'with a layer that TF.js does not have',
      'use the engine wasm',
      [dense, layer('GroupNormalization', { groups: 1 })],
    ],
    ['without layers', 'no list of layers', []],
  ])('%s', async (_, message, layers) => {
    const model = modelSchema.parse({ layers: sequential(layers) })
    await expect(createTrainer({ model, dataset: table, training, engine: 'tfjs-wasm' })).rejects.toMatchObject({
      code: 'engine.model-unsupported',
      message: expect.stringContaining(message),
    })
  })
})

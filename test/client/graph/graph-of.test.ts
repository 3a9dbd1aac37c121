import { describe, expect, test } from 'vitest'
import type { Graph, OutOfReach } from '../../../client/training/graph/graph.ts'
import { graphOf } from '../../../client/training/graph/graph-of.ts'
import { initialModel } from '../../../client/training/initial.ts'
import { shortFormLayout } from '../../../core/plan/architecture.ts'
import { type Data, dataEnds, dataSchema } from '../../../core/plan/data.ts'
import { modelSchema } from '../../../core/plan/model.ts'
import { layoutOf } from '../../../core/tensors/layout.ts'
import { imageData, numericData, tableData } from '../../export/models.ts'
import { evaluated } from '../reference/reference.ts'

type Layer = { class_name: string; config: Record<string, unknown> }

const layer = (class_name: string, config: Record<string, unknown> = {}): Layer => ({ class_name, config })
const input = (...shape: number[]) => layer('InputLayer', { batch_input_shape: [null, ...shape] })
const images = imageData(6, 6, 4)
const imagesOfFour = dataSchema.parse({ idx: { shape: [6, 6, 4], classes: 4 } })

function sequential(layers: Layer[]) {
  const named = layers.map(({ class_name, config }, i) => layer(class_name, { name: `layer${i}`, ...config }))
  return { layers: { class_name: 'Sequential', config: { name: 'model', layers: named } } }
}

/** A topology between an image of 6 × 6 × 4 and logits of three classes. */
const between = (...layers: Layer[]) =>
  sequential([input(6, 6, 4), ...layers, layer('Flatten'), layer('Dense', { units: 3 })])

function read(model: unknown, data: Data = images): Graph | OutOfReach {
  return graphOf(modelSchema.parse(model), data)
}

function graph(model: unknown, data: Data = images): Graph {
  const found = read(model, data)
  if ('outOfReach' in found) throw new Error(found.outOfReach)
  return found
}

const kindsOf = ({ nodes }: Graph) => nodes.map(({ op }) => op.kind)

describe('a short form is a graph', () => {
  test.each([
    [{ logistic: {} }, tableData(5, 4), ['dense']],
    [{ linear: {} }, numericData(5), ['dense']],
    [{ mlp: { hidden: [7, 5], dropout: 0.5 } }, images, ['dense', 'dropout', 'dense', 'dropout', 'dense']],
    [
      { cnn: { filters: [3, 4], kernel: 3, dense: 6 } },
      images,
      ['conv2d', 'pool', 'conv2d', 'pool', 'reshape', 'dense', 'dense'],
    ],
    [{ cnn: { filters: [3], pool: 1, dropout: 0.2 } }, images, ['conv2d', 'reshape', 'dense']],
  ])('%j', (form, data, kinds) => {
    const model = modelSchema.parse(form)
    const found = graph(form, data)
    expect(kindsOf(found)).toEqual(kinds)
    expect(layoutOf(found.tensors)).toEqual('layers' in model ? [] : shortFormLayout(model, data))
    expect(found.values[found.output]).toEqual([dataEnds(data).classes])
  })

  test('and fails where it does not fit the data', () => {
    expect(() => read({ cnn: { filters: [3] } }, tableData(3))).toThrow(
      expect.objectContaining({ code: 'plan.invalid' }),
    )
  })
})

describe('layers that TF.js does not have', () => {
  const normalized = (config: object) => graph(between(layer('GroupNormalization', { ...config })))

  test('GroupNormalization has groups of the channels, over all positions, and starts as the identity', async () => {
    const found = normalized({ groups: 2, epsilon: 0.5 })
    expect(found.nodes[0]?.op).toEqual({
      kind: 'group-norm',
      positions: 36,
      channels: 4,
      groups: 2,
      epsilon: 0.5,
      gamma: 'group_normalization_1/gamma',
      beta: 'group_normalization_1/beta',
    })
    const { layout, weights } = await initialModel(
      modelSchema.parse(between(layer('GroupNormalization', { groups: 2 }))),
      images,
      1,
    )
    expect(layout.map(({ name, shape }) => [name, shape])).toEqual([
      ['dense_1/bias', [3]],
      ['dense_1/kernel', [144, 3]],
      ['group_normalization_1/beta', [4]],
      ['group_normalization_1/gamma', [4]],
    ])
    expect([...weights.slice(-8)]).toEqual([0, 0, 0, 0, 1, 1, 1, 1])
  })

  test('with -1 each channel is a group, and neither scale nor shift need be', () => {
    expect(normalized({ groups: -1, scale: false, center: false }).nodes[0]?.op).toMatchObject({
      groups: 4,
      gamma: undefined,
      beta: undefined,
    })
  })

  test('a Reshape may leave one axis open also where TF.js would lose track of it', () => {
    const { values } = graph(between(layer('Reshape', { target_shape: [-1, 8] }), layer('LayerNormalization')))
    expect(values).toContainEqual([18, 8])
  })
})

describe('settings mean what TF.js makes of them', () => {
  test('both spellings are read, and the later one counts', () => {
    const found = graph(between(layer('Dense', { units: 2, use_bias: true, useBias: false, activation: 'relu' })))
    expect(found.nodes[0]?.op).toMatchObject({ kind: 'dense', positions: 36, units: 2, bias: undefined })
  })

  test('the activation at the end is taken off, also where it is a layer', () => {
    for (const end of [layer('Softmax'), layer('Activation', { activation: 'softmax' })]) {
      expect(kindsOf(graph(sequential([input(6, 6, 4), layer('Flatten'), layer('Dense', { units: 3 }), end])))).toEqual(
        ['reshape', 'dense'],
      )
    }
  })

  test('layers that do nothing are no nodes', () => {
    const nothing = [layer('Activation', { activation: 'linear' }), layer('Dropout', { rate: 0 })]
    expect(kindsOf(graph(between(...nothing)))).toEqual(['reshape', 'dense'])
  })

  test('an Embedding takes the numbers of the data', () => {
    const words = tableData(3)
    const embedded = [layer('Embedding', { input_dim: 10, output_dim: 2, input_length: 3 }), layer('Flatten')]
    const found = graph(sequential([...embedded, layer('Dense', { units: 1 })]), words)
    expect(found.values[0]).toEqual([3])
    const table = Array.from({ length: 20 }, (_, i) => i)
    const kernel = [1, 0, 0, 0, 0, 100]
    const weights = (name: string) => (name === 'embedding_1/embeddings' ? table : name.endsWith('bias') ? [0] : kernel)
    expect([...evaluated(found, weights, [4, 0, 7])]).toEqual([8 + 1500])
  })
})

describe('beyond the reach of a graph is', () => {
  const conv = { filters: 2, kernel_size: 3 }
  test.each([
    ['a layer of another class', layer('Permute', { dims: [1, 2, 3] }), 'the layer layer1 is of the class Permute'],
    ['a dilation', layer('Conv2D', { ...conv, dilation_rate: [2, 2] }), 'the layer layer1 has a dilation_rate'],
    ['another order of channels', layer('Conv2D', { ...conv, data_format: 'channels_first' }), 'not in the last axis'],
    ['a mask', layer('Embedding', { input_dim: 4, output_dim: 2, mask_zero: true }), 'has mask_zero'],
    ['an activation', layer('Dense', { units: 2, activation: 'hard_sigmoid' }), 'has the activation hardSigmoid'],
    ['a bounded ReLU', layer('ReLU', { max_value: 6 }), 'the layer layer1 has a max_value'],
    ['another axis', layer('LayerNormalization', { axis: [1, 2, 3] }), 'is not over the last axis'],
    ['a softmax over another axis', layer('Softmax'), 'is not over the last axis'],
    ['dropout of whole channels', layer('Dropout', { rate: 0.5, noise_shape: [1, 1, 4] }), 'has a noise_shape'],
  ])('%s', (_, one, why) => {
    expect(read(between(one))).toEqual({ outOfReach: expect.stringContaining(why) })
  })

  const node = (...names: string[]) => [names.map((name) => [name, 0, 0, {}])]
  const functional = (...layers: object[]) => ({
    layers: {
      class_name: 'Functional',
      config: {
        layers: [
          {
            class_name: 'InputLayer',
            name: 'x',
            config: { name: 'x', batch_input_shape: [null, 4] },
            inbound_nodes: [],
          },
          ...layers,
          { class_name: 'Dense', name: 'y', config: { name: 'y', units: 1 }, inbound_nodes: node('last') },
        ],
        input_layers: [['x', 0, 0]],
        output_layers: [['y', 0, 0]],
      },
    },
  })
  const named = (class_name: string, name: string, config: object, inbound_nodes: unknown) => {
    return { class_name, name, config: { name, ...config }, inbound_nodes }
  }

  test.each([
    [
      'a sum that repeats a smaller input',
      [named('Dense', 'one', { units: 1 }, node('x')), named('Add', 'last', {}, node('one', 'x'))],
      'the layer last repeats an input that is smaller than another',
    ],
    [
      'a layer with weights that is called twice',
      [
        named('Dense', 'twice', { units: 4 }, [...node('x'), ...node('x')]),
        named('Add', 'last', {}, [
          [
            ['twice', 0, 0, {}],
            ['twice', 1, 0, {}],
          ],
        ]),
      ],
      'the layer twice has weights and is called more than once',
    ],
    [
      'a call with arguments',
      [named('Dropout', 'last', { rate: 0.5 }, [[['x', 0, 0, { training: true }]]])],
      'the layer last is called with arguments',
    ],
  ])('%s', (_, layers, why) => {
    expect(read(functional(...layers), tableData(4))).toEqual({ outOfReach: why })
  })

  test.each([
    [
      'inputs that differ',
      [named('Dense', 'three', { units: 3 }, node('x')), named('Add', 'last', {}, node('three', 'x'))],
      'the layer last (Add) does not fit its input of 3 and 4',
    ],
    [
      'an input that is never made',
      [named('Dense', 'last', { units: 3 }, node('nobody'))],
      'an input of the layer last is never made',
    ],
    [
      'a circle',
      [named('Add', 'a', {}, node('x', 'last')), named('Dense', 'last', { units: 4 }, node('a'))],
      'an input of the layer a is never made',
    ],
    [
      'two layers of one name',
      [named('Dense', 'last', { units: 3 }, node('x')), named('Dense', 'last', { units: 3 }, node('x'))],
      'two layers have the same name',
    ],
  ])('but wrong is a graph with %s', async (_, layers, why) => {
    const model = modelSchema.parse(functional(...layers))
    const unsupported = expect.objectContaining({
      code: 'engine.model-unsupported',
      message: expect.stringContaining(why),
    })
    expect(() => read(model, tableData(4))).toThrow(unsupported)
    await expect(initialModel(model, tableData(4), 1)).rejects.toEqual(unsupported)
  })
})

describe('a topology is wrong', () => {
  const conv = { filters: 2, kernel_size: 3 }
  test.each([
    ['without units', layer('Dense'), 'units of the layer layer1 must be a whole number from 1 on'],
    ['with half a filter', layer('Conv2D', { ...conv, filters: 2.5 }), 'filters of the layer layer1 must be'],
    [
      'with a window that is larger',
      layer('MaxPooling2D', { pool_size: 7 }),
      'layer1 (MaxPooling2D) does not fit its input of 6 × 6 × 4: its window of 7 × 7 is larger',
    ],
    [
      'with axes too few',
      layer('Conv1D', conv),
      'layer1 (Conv1D) does not fit its input of 6 × 6 × 4: it needs 2 axes',
    ],
    ['with groups that do not divide', layer('GroupNormalization', { groups: 3 }), '4 channels do not make 3 groups'],
    ['with a shape of another size', layer('Reshape', { target_shape: [5, -1] }), 'its target is 5 × -1'],
    ['with an input in its midst', input(6, 6, 4), 'is an input behind the first'],
    [
      'with groups of a convolution',
      layer('Conv2D', { ...conv, groups: 2 }),
      'groups of the layer layer1 is not supported',
    ],
    [
      'with a dilated depthwise convolution',
      layer('DepthwiseConv2D', { kernel_size: 3, dilation_rate: [2, 2] }),
      'dilation_rate of the layer layer1',
    ],
    ['with a leaking ReLU', layer('ReLU', { negative_slope: 0.1 }), 'negative_slope of the layer layer1'],
    [
      'with a kernel that is too large',
      layer('Conv2D', { filters: 1, kernel_size: [1, 1e9] }),
      'kernel_size of the layer layer1 is too large',
    ],
    ['with too many values', layer('Dense', { units: 1_048_576 * 32 }), 'too large'],
  ])('%s', (_, one, why) => {
    expect(() => read(between(one))).toThrow(
      expect.objectContaining({ code: 'engine.model-unsupported', message: expect.stringContaining(why) }),
    )
  })

  test.each([
    [
      'takes another number of values',
      sequential([input(6, 6), layer('Flatten'), layer('Dense', { units: 3 })]),
      'takes 6 × 6 values, the data has 6 × 6 × 4',
    ],
    [
      'gives another',
      sequential([input(6, 6, 4), layer('Flatten'), layer('Dense', { units: 2 })]),
      'gives 2 values, the label needs 3',
    ],
    [
      'has an open axis',
      sequential([layer('InputLayer', { batch_input_shape: [null, null, 4] })]),
      'an axis of unknown size',
    ],
    [
      'has nothing to train',
      sequential([input(6, 6, 4), layer('GlobalMaxPooling2D'), layer('Reshape', { target_shape: [4] })]),
      'no weights to train',
      imagesOfFour,
    ],
    ['says no input', sequential([layer('Dense', { units: 3 })]), 'the first layer layer0 has no input shape'],
    [
      'is of another class',
      { layers: { class_name: 'Bidirectional', config: { layers: [input(4)] } } },
      'of the class Bidirectional',
    ],
  ])('that %s', (_, model, why, data = images) => {
    expect(() => read(model, data)).toThrow(
      expect.objectContaining({ code: 'engine.model-unsupported', message: expect.stringContaining(why) }),
    )
  })
})

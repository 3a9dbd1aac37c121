import type { NetworkEnds } from '../../../client/training/network.ts'

type Layer = { readonly class_name: string; readonly config: Readonly<Record<string, unknown>> }

/** A model as a plan says it. */
export type Case = {
  readonly name: string
  readonly model: unknown
  readonly ends: NetworkEnds
  /** Features are whole numbers below it. */
  readonly vocabulary?: number
}

export const layer = (class_name: string, config: Record<string, unknown> = {}): Layer => ({ class_name, config })
const dense = (units: number, config: object = {}) => layer('Dense', { units, ...config })
const flatten = layer('Flatten')
const reshape = (...target_shape: number[]) => layer('Reshape', { target_shape })

/** Layers one behind the other, of which the last gives a flat value, with an output of three classes behind them. */
export function sequence(name: string, shape: readonly number[], layers: readonly Layer[]): Case {
  const input = layer('InputLayer', { batch_input_shape: [null, ...shape] })
  return {
    name,
    model: { layers: { class_name: 'Sequential', config: { name: 'm', layers: [input, ...layers, dense(3)] } } },
    ends: { shape, classes: 3 },
  }
}

const small = [7, 5, 3] as const
const before = layer('Conv2D', { filters: 5, kernel_size: [2, 3], padding: 'same', activation: 'tanh' })
const behindConvolution = (name: string, ...layers: Layer[]) => sequence(name, small, [before, ...layers, flatten])
const conv2d = (filters: number, kernel_size: unknown, config: object = {}) =>
  layer('Conv2D', { filters, kernel_size, ...config })

/** Images whose convolutions are done in tiles. */
const behindSixteen = (name: string, ...layers: Layer[]) =>
  sequence(name, [2, 9, 2], [dense(16, { activation: 'tanh' }), ...layers, flatten])

/** Every kind of layer with odd sizes, most of them behind another layer with weights, so that their input's gradient counts. */
export const cases: readonly Case[] = [
  sequence('dense', [13], [dense(9), dense(17, { use_bias: false })]),
  sequence('dense on many positions', small, [dense(9), dense(4, { activation: 'relu' }), flatten]),
  behindConvolution('conv2d', conv2d(6, 3, { padding: 'same' })),
  behindConvolution('conv2d inside of the image', conv2d(9, [4, 2], { use_bias: false })),
  behindConvolution('conv2d with strides', conv2d(4, [3, 2], { strides: [2, 3], padding: 'same' })),
  behindConvolution('conv2d of one cell', conv2d(11, 1, { activation: 'relu' })),
  behindConvolution('conv2d of one cell with strides', conv2d(4, 1, { strides: 2 })),
  behindSixteen('conv2d of many channels, 3 wide', conv2d(18, [2, 3], { padding: 'same', activation: 'relu' })),
  behindSixteen('conv2d of many channels, 4 wide', conv2d(17, [2, 4], { use_bias: false })),
  behindSixteen('conv2d of many channels, 5 wide', conv2d(16, [2, 5], { padding: 'same', strides: [2, 1] })),
  sequence('conv2d of one channel', [9, 9, 1], [conv2d(3, 5, { padding: 'same', activation: 'relu' }), flatten]),
  sequence(
    'conv1d',
    [11, 2, 1],
    [
      reshape(11, 2),
      layer('Conv1D', { filters: 4, kernel_size: 3 }),
      layer('Conv1D', { filters: 3, kernel_size: 2, strides: 2 }),
      flatten,
    ],
  ),
  behindConvolution(
    'depthwise-conv2d',
    layer('DepthwiseConv2D', { kernel_size: [3, 2], padding: 'same', activation: 'elu' }),
  ),
  behindConvolution(
    'depthwise-conv2d with a multiplier',
    layer('DepthwiseConv2D', { kernel_size: 2, strides: 2, depth_multiplier: 3 }),
  ),
  behindConvolution('max pool', layer('MaxPooling2D', { pool_size: [2, 3], padding: 'same' })),
  behindConvolution('max pool that overlaps', layer('MaxPooling2D', { pool_size: 3, strides: [2, 1] })),
  behindConvolution('average pool', layer('AveragePooling2D', { pool_size: [2, 3], padding: 'same' })),
  behindConvolution(
    'average pool that overlaps',
    layer('AveragePooling2D', { pool_size: 3, strides: 1, padding: 'same' }),
  ),
  sequence('global max pool', small, [before, layer('GlobalMaxPooling2D')]),
  sequence('global average pool', small, [before, layer('GlobalAveragePooling2D')]),
  behindConvolution('reshape', reshape(5, 35), dense(4)),
  behindConvolution('layer-norm', layer('LayerNormalization'), dense(4)),
  sequence('layer-norm without scale', [37], [dense(19), layer('LayerNormalization', { scale: false, epsilon: 1e-5 })]),
  sequence('layer-norm without shift', [37], [dense(19), layer('LayerNormalization', { center: false })]),
  sequence('group-norm', small, [conv2d(6, 2), layer('GroupNormalization', { groups: 3 }), flatten]),
  behindConvolution('group-norm of each channel', layer('GroupNormalization', { groups: -1, scale: false })),
  behindConvolution('group-norm of all channels', layer('GroupNormalization', { groups: 1, center: false })),
  sequence(
    'dropout',
    [23],
    [dense(31, { activation: 'relu' }), layer('Dropout', { rate: 0.3 }), dense(7), layer('Dropout', { rate: 0.5 })],
  ),
  {
    ...sequence(
      'embedding, of words that come more than once',
      [6, 2, 1],
      [reshape(12), layer('Embedding', { input_dim: 9, output_dim: 5 }), dense(4, { activation: 'relu' }), flatten],
    ),
    vocabulary: 9,
  },
]

import { initialModel } from '../../client/training/initial.ts'
import { probabilities } from '../../client/training/loss.ts'
import { loadEngine } from '../../client/training/tfjs/load.ts'
import { shortFormNetwork } from '../../client/training/tfjs/short-form.ts'
import { topologyNetwork } from '../../client/training/tfjs/topology.ts'
import type { WeightsInput } from '../../core/export/exported.ts'
import { architectureOf } from '../../core/plan/architecture.ts'
import { type Data, dataEnds, dataSchema } from '../../core/plan/data.ts'
import { modelSchema } from '../../core/plan/model.ts'
import { randomOf } from '../../core/random/random.ts'
import { tensorsIn } from '../../core/tensors/layout.ts'

type Layer = { class_name: string; config: Record<string, unknown> }

const layer = (class_name: string, config: Record<string, unknown> = {}): Layer => ({ class_name, config })
const input = (...shape: number[]) => ({ batch_input_shape: [null, ...shape] })
const sequential = (...layers: Layer[]) => ({ layers: { class_name: 'Sequential', config: { name: 'given', layers } } })

/** A table of numbers. */
export function tableData(inputs: number, classes = 1): Data {
  const columns = Array.from({ length: inputs }, (_, i) => ({ name: `x${i}`, type: 'number' }))
  const label = classes === 1 ? { positive: { above: 0 } } : { classes: [...Array(classes).keys()] }
  return dataSchema.parse({ csv: { columns: [...columns, { name: 'y', type: 'label' }], label } })
}

/** The same with a numeric label. */
export function numericData(inputs: number, numeric = { min: -20, max: 60 }): Data {
  const { csv, split } = tableData(inputs) as Extract<Data, { csv: unknown }>
  return dataSchema.parse({ csv: { ...csv, label: { numeric } }, split })
}

export const imageData = (...shape: number[]) => dataSchema.parse({ idx: { shape, classes: 3 } })

/**
 * A graph whose layers TF.js has in another order than they are written: the branch that is written first is the shorter
 * one, and a layer is shared by both.
 */
const graph = {
  layers: {
    class_name: 'Functional',
    config: {
      name: 'graph',
      layers: [
        { class_name: 'InputLayer', name: 'x', config: { name: 'x', ...batch(4) }, inbound_nodes: [] },
        dense('short', { units: 5, activation: 'relu' }, ['x', 0]),
        dense('long', { units: 4, activation: 'tanh' }, ['x', 0]),
        dense('shared', { units: 5, activation: 'elu' }, ['longer', 0], ['x', 0]),
        dense('longer', { units: 4, activation: 'sigmoid' }, ['long', 0]),
        {
          class_name: 'Concatenate',
          name: 'all',
          config: { name: 'all' },
          inbound_nodes: [['short', 'shared#0', 'shared#1'].map(reference)],
        },
        dense('left', { units: 1 }, ['all', 0]),
        dense('right', { units: 1, activation: 'tanh' }, ['all', 0]),
        { class_name: 'Add', name: 'sum', config: { name: 'sum' }, inbound_nodes: [['left', 'right'].map(reference)] },
      ],
      input_layers: [['x', 0, 0]],
      output_layers: [['sum', 0, 0]],
    },
  },
}

function batch(...shape: number[]) {
  return { batch_input_shape: [null, ...shape], dtype: 'float32', sparse: false }
}

function reference(text: string) {
  const [name, node = '0'] = text.split('#')
  return [name, Number(node), 0, {}]
}

function dense(name: string, config: object, ...calls: [string, number][]) {
  const inbound_nodes = calls.map(([from, node]) => [[from, node, 0, {}]])
  return { class_name: 'Dense', name, config: { name, ...config }, inbound_nodes }
}

/** Models of every kind, each with the data that it is for. */
export const cases: readonly [what: string, model: unknown, data: Data][] = [
  ['a logistic model', { logistic: {} }, tableData(5)],
  ['a logistic model of classes', { logistic: {} }, tableData(5, 4)],
  ['a logistic model of images', { logistic: {} }, imageData(4, 3)],
  ['an mlp', { mlp: { hidden: [7, 5], dropout: 0.5 } }, tableData(6)],
  ['an mlp with tanh', { mlp: { hidden: [7], activation: 'tanh' } }, tableData(6, 3)],
  ['an mlp with elu on images', { mlp: { hidden: [7], activation: 'elu' } }, imageData(4, 4, 2)],
  ['a cnn', { cnn: { filters: [3, 4], kernel: 3, dense: 6 } }, imageData(9, 7)],
  ['a cnn without pooling', { cnn: { filters: [3], kernel: 2, pool: 1, activation: 'sigmoid' } }, imageData(5, 5, 3)],
  [
    'a sequence without names and with a linear end',
    sequential(layer('Dense', { units: 4, activation: 'relu', ...input(6) }), layer('Dense', { units: 1 })),
    tableData(6),
  ],
  [
    'a sequence that ends in softmax',
    sequential(layer('Flatten', input(4, 4, 1)), layer('Dense', { name: 'end', units: 3, activation: 'softmax' })),
    imageData(4, 4),
  ],
  [
    'a sequence with layers that remember',
    sequential(
      layer('Reshape', { target_shape: [3, 2], ...input(6) }),
      layer('LSTM', { name: 'a', units: 3, return_sequences: true }),
      layer('GRU', { name: 'b', units: 3, return_sequences: true }),
      layer('SimpleRNN', { units: 4 }),
      layer('LayerNormalization', { name: 'plain', center: false, scale: false, axis: -1 }),
      layer('LayerNormalization', { axis: -1 }),
      layer('Dense', { units: 1, activation: 'sigmoid' }),
    ),
    tableData(6),
  ],
  [
    'a sequence with one-dimensional convolutions',
    sequential(
      layer('Reshape', { target_shape: [6, 1], ...input(6) }),
      layer('Conv1D', { filters: 3, kernel_size: [2], activation: 'relu' }),
      layer('GlobalMaxPooling1D'),
      layer('Dense', { units: 2 }),
    ),
    tableData(6, 2),
  ],
  [
    'a sequence of depthwise convolutions that ends in a Softmax layer',
    sequential(
      layer('DepthwiseConv2D', { kernel_size: [2, 2], depth_multiplier: 2, ...input(4, 4, 1) }),
      layer('Flatten'),
      layer('Dense', { units: 3 }),
      layer('Softmax', { axis: -1 }),
    ),
    imageData(4, 4),
  ],
  ['a graph', graph, tableData(4)],
]

/** A model with weights that are neither zero nor those of its start. */
export async function modelOf(modelSection: unknown, data: Data, seed = 3): Promise<WeightsInput> {
  const model = modelSchema.parse(modelSection)
  const { layout, weights } = await initialModel(model, data, seed)
  const random = randomOf(seed, 'export')
  for (const { offset, length } of tensorsIn(layout)) {
    for (let j = offset; j < offset + length; j++) weights[j] = weights[j]! + 0.2 * random.normal()
  }
  return { name: 'heart', model, data, layout, weights }
}

/** Random examples, as a model takes them. */
export function examplesOf(data: Data, rows = 6): { shape: number[]; values: Float32Array } {
  const shape = [rows, ...dataEnds(data).shape]
  const random = randomOf(5, 'examples')
  return { shape, values: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()) }
}

/** What Parley’s own engine gives for them: probabilities, or numbers in the unit of the label. */
export async function ownOutputs({ model, weights, layout }: WeightsInput, data: Data): Promise<Float64Array> {
  const engine = await loadEngine('tfjs-wasm')
  const network =
    'layers' in model
      ? await topologyNetwork(engine, model.layers, dataEnds(data))
      : shortFormNetwork(engine, architectureOf(model, data))
  expectSame(network.layout, layout)
  const { shape, values } = examplesOf(data)
  engine.use()
  let logits = new Float32Array()
  engine.tf.tidy(() => {
    const tensors = Array.from(tensorsIn(layout), ({ tensor, offset, length }) =>
      engine.upload(weights.subarray(offset, offset + length), tensor.shape),
    )
    logits = engine.read(network.predict(tensors, engine.upload(values, [shape[0]!, ...network.input]))).slice()
  })
  network.dispose()
  const { classes, numeric } = dataEnds(data)
  if (numeric === undefined) return probabilities(logits, classes)
  return Float64Array.from(logits, (share) => numeric.min + share * (numeric.max - numeric.min))
}

function expectSame(a: unknown, b: unknown): void {
  if (JSON.stringify(a) !== JSON.stringify(b)) throw new Error('the engine builds another layout')
}

/** The largest difference of two vectors, each value by itself in proportion to what it should be. */
export function farthest(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY
  return Math.max(...Array.from(expected, (value, i) => Math.abs(actual[i]! - value) / Math.abs(value)))
}

import fc from 'fast-check'
import { type Data, dataSchema } from '../../../core/plan/data.ts'

type Layer = { class_name: string; config: Record<string, unknown> }
type Draw = { kind: number; sizes: [number, number, number]; flag: boolean; other: boolean; activation: string }

const activations = ['relu', 'gelu', 'tanh', 'sigmoid', 'elu', 'softmax', 'linear', null]

const draw: fc.Arbitrary<Draw> = fc.record({
  kind: fc.nat(100),
  sizes: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  flag: fc.boolean(),
  other: fc.boolean(),
  activation: fc.constantFrom(...activations) as fc.Arbitrary<string>,
})

export const imageData = (...shape: number[]): Data => dataSchema.parse({ idx: { shape, classes: 3 } })

/** Layers for an image of the shape, one behind the other, and what shape comes after each. */
function chain(shape: number[], draws: readonly Draw[]): { layer: Layer; shape: number[] }[] {
  const made: { layer: Layer; shape: number[] }[] = []
  for (const one of draws) {
    const next = layerFor(shape, one)
    shape = next.shape
    made.push(next)
  }
  return made
}

function layerFor(shape: number[], { kind, sizes, flag, other, activation }: Draw): { layer: Layer; shape: number[] } {
  const [a, b, c] = sizes
  const last = shape.at(-1)!
  const windowed = (length: number, size: number, stride: number, padding: string) =>
    padding === 'same' ? Math.ceil(length / stride) : Math.floor((length - size) / stride) + 1
  const padding = flag && shape.slice(0, -1).every((length) => length >= Math.max(b, c)) ? 'valid' : 'same'
  const over = (sizes: readonly number[], strides: readonly number[], channels: number) => [
    ...shape.slice(0, -1).map((length, i) => windowed(length, sizes[i]!, strides[i]!, padding)),
    channels,
  ]
  const any: (() => { layer: Layer; shape: number[] })[] = [
    () => ({
      layer: { class_name: 'Dense', config: { units: a, use_bias: flag, activation } },
      shape: [...shape.slice(0, -1), a],
    }),
    () => ({
      layer: {
        class_name: 'LayerNormalization',
        config: { axis: other ? -1 : [shape.length], center: flag, scale: b > 1 },
      },
      shape,
    }),
    () => ({ layer: { class_name: 'Activation', config: { activation } }, shape }),
    () => ({ layer: { class_name: flag ? 'ReLU' : 'ELU', config: other ? {} : { max_value: null } }, shape }),
    () => ({ layer: { class_name: 'Softmax', config: { axis: other ? -1 : shape.length } }, shape }),
    () => ({ layer: { class_name: 'Dropout', config: { rate: b === 1 ? 0 : 0.25 } }, shape }),
    () => ({
      layer: {
        class_name: 'Reshape',
        config: { target_shape: [shape.reduce((x, y) => x * y, 1) / last, last] },
      },
      shape: [shape.reduce((x, y) => x * y, 1) / last, last],
    }),
  ]
  const images: typeof any = [
    () => ({
      layer: {
        class_name: 'Conv2D',
        config: { filters: a, kernel_size: other ? [b, c] : b, strides: [c, 1], padding, useBias: flag, activation },
      },
      shape: over(other ? [b, c] : [b, b], [c, 1], a),
    }),
    () => ({
      layer: {
        class_name: 'DepthwiseConv2D',
        config: { kernelSize: [b, c], depth_multiplier: b, strides: c, padding, use_bias: other },
      },
      shape: over([b, c], [c, c], last * b),
    }),
    () => ({
      layer: {
        class_name: flag ? 'MaxPooling2D' : 'AveragePooling2D',
        config: { pool_size: [b, c], padding, ...(other ? { strides: [1, c] } : {}) },
      },
      shape: over([b, c], other ? [1, c] : [b, c], last),
    }),
    () => ({
      layer: {
        class_name: flag ? 'GlobalMaxPooling2D' : 'GlobalAveragePooling2D',
        config: { data_format: 'channels_last' },
      },
      shape: [last],
    }),
  ]
  const rows: typeof any = [
    () => ({
      layer: { class_name: 'Conv1D', config: { filters: a, kernel_size: [b], strides: c, padding, activation } },
      shape: over([b], [c], a),
    }),
    () => ({
      layer: {
        class_name: flag ? 'MaxPooling1D' : 'AveragePooling1D',
        config: { pool_size: b, padding, ...(other ? { strides: [c] } : {}) },
      },
      shape: over([b], [other ? c : b], last),
    }),
    () => ({
      layer: { class_name: flag ? 'GlobalMaxPooling1D' : 'GlobalAveragePooling1D', config: {} },
      shape: [last],
    }),
  ]
  const flat = () => ({ layer: { class_name: 'Flatten', config: {} }, shape: [shape.reduce((x, y) => x * y, 1)] })
  const choices =
    shape.length === 3 ? [...images, ...images, ...any, flat] : shape.length === 2 ? [...rows, ...any, flat] : any
  return choices[kind % choices.length]!()
}

/** The end of every model: logits of three classes. */
function ended(
  layers: { layer: Layer; shape: number[] }[],
  shape: number[],
  { flag }: Draw,
): { layer: Layer; shape: number[] }[] {
  const rank = (layers.at(-1)?.shape ?? shape).length
  const flatten = rank > 1 ? [{ layer: { class_name: 'Flatten', config: {} }, shape: [] }] : []
  const end = { class_name: 'Dense', config: { units: 3, ...(flag ? { activation: 'softmax' } : {}) } }
  return [...layers, ...flatten, { layer: end, shape: [3] }]
}

export type Topology = { readonly topology: Record<string, unknown>; readonly data: Data }

const shapes = fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 3 }))

/** Random sequences of layers with images of random shape. */
export const sequences: fc.Arbitrary<Topology> = fc
  .record({ shape: shapes, draws: fc.array(draw, { minLength: 1, maxLength: 7 }), inputLayer: fc.boolean() })
  .map(({ shape, draws, inputLayer }) => {
    const layers = ended(chain([...shape], draws), [...shape], draws[0]!).map(({ layer }) => layer)
    const input = { batch_input_shape: [null, ...shape] }
    const first = layers[0]!
    const all = inputLayer
      ? [{ class_name: 'InputLayer', config: input }, ...layers]
      : [{ ...first, config: { ...first.config, ...input } }, ...layers.slice(1)]
    return { topology: { class_name: 'Sequential', config: { name: 'm', layers: all } }, data: imageData(...shape) }
  })

/** Random graphs: layers whose input and output have the same shape become residual blocks, and the layers are listed in any order. */
export const graphs: fc.Arbitrary<Topology> = fc
  .record({
    shape: shapes,
    draws: fc.array(draw, { minLength: 1, maxLength: 7 }),
    order: fc.array(fc.nat(), { minLength: 30, maxLength: 30 }),
  })
  .map(({ shape, draws, order }) => {
    const reference = (name: string) => [name, 0, 0, {}]
    const layers: Record<string, unknown>[] = [
      {
        class_name: 'InputLayer',
        name: 'x',
        config: { name: 'x', batch_input_shape: [null, ...shape] },
        inbound_nodes: [],
      },
    ]
    let [from, before] = ['x', [...shape]]
    ended(chain([...shape], draws), [...shape], draws[0]!).forEach(({ layer, shape: after }, i) => {
      const name = `n${(order[i]! % 7) + 1}_${i}`
      layers.push({ ...layer, name, config: { name, ...layer.config }, inbound_nodes: [[reference(from)]] })
      const same = String(after) === String(before)
      from = same && layer.class_name !== 'Dropout' ? `${name}_sum` : name
      if (from !== name) {
        const inputs = [name, (layers.at(-1) as { inbound_nodes: string[][][] }).inbound_nodes[0]![0]![0]!]
        layers.push({ class_name: 'Add', name: from, config: { name: from }, inbound_nodes: [inputs.map(reference)] })
      }
      before = after
    })
    const listed = layers
      .map((layer, i) => ({ layer, key: order[i] ?? 0 }))
      .sort((a, b) => a.key - b.key)
      .map(({ layer }) => layer)
    const config = { name: 'm', layers: listed, input_layers: [['x', 0, 0]], output_layers: [[from, 0, 0]] }
    return { topology: { class_name: 'Functional', config }, data: imageData(...shape) }
  })

import { type Layout, layoutOf, type TensorSpec } from '../tensors/layout.ts'
import { type DataEnds, type Inputs, type ModelEnds, modelEnds } from './data.ts'
import type { Cnn, Model } from './model.ts'

export type Activation = Cnn['activation'] | 'linear'

/** One layer with weights of a short form; what lies between them (flattening, pooling, dropout) is part of it. */
export type LayerSpec =
  | {
      readonly kind: 'dense'
      readonly name: string
      readonly inputs: number
      readonly units: number
      readonly activation: Activation
      /** Share of this layer's outputs that is dropped in training. */
      readonly dropout: number
    }
  | {
      readonly kind: 'conv2d'
      readonly name: string
      /** Height, width and channels of the input. */
      readonly input: readonly [number, number, number]
      readonly filters: number
      readonly kernel: number
      readonly pool: number
      readonly activation: Activation
    }

/** Models that this package builds itself, without TF.js layers. */
export type ShortForm = Exclude<Model, { layers: unknown }>

export type Architecture = ModelEnds & { readonly layers: readonly LayerSpec[] }

/** The layers of a short form from the input on. Names count the layers of each kind: `conv2d_1`, `dense_1`, `dense_2`. */
export function architectureOf(model: ShortForm, data: Inputs | DataEnds): Architecture {
  const ends = modelEnds(model, data)
  if ('cnn' in model) return { ...ends, layers: convolutional(model.cnn, ends) }
  const inputs = ends.input[0] as number
  if ('logistic' in model || 'linear' in model) return { ...ends, layers: dense(inputs, [], ends.units, 'linear', 0) }
  const { hidden, activation, dropout } = model.mlp
  return { ...ends, layers: dense(inputs, hidden, ends.units, activation, dropout) }
}

function dense(
  inputs: number,
  hidden: readonly number[],
  outputs: number,
  activation: Activation,
  dropout: number,
): LayerSpec[] {
  return [...hidden, outputs].map((units, i) => {
    const last = i === hidden.length
    const before = i === 0 ? inputs : (hidden[i - 1] as number)
    const name = `dense_${i + 1}`
    return last
      ? { kind: 'dense', name, inputs: before, units, activation: 'linear', dropout: 0 }
      : { kind: 'dense', name, inputs: before, units, activation, dropout }
  })
}

function convolutional(cnn: Cnn, { input, units }: ModelEnds): LayerSpec[] {
  let shape: [number, number, number] = [input[0] as number, input[1] as number, input[2] as number]
  const convolutions = cnn.filters.map((filters, i): LayerSpec => {
    const layer: LayerSpec = {
      kind: 'conv2d',
      name: `conv2d_${i + 1}`,
      input: shape,
      filters,
      kernel: cnn.kernel,
      pool: cnn.pool,
      activation: cnn.activation,
    }
    shape = [Math.ceil(shape[0] / cnn.pool), Math.ceil(shape[1] / cnn.pool), filters]
    return layer
  })
  const hidden = cnn.dense === undefined ? [] : [cnn.dense]
  const flat = shape[0] * shape[1] * shape[2]
  return [...convolutions, ...dense(flat, hidden, units, cnn.activation, cnn.dropout)]
}

/** The layout of a short form, without control variates. */
export function shortFormLayout(model: ShortForm, data: Inputs | DataEnds): Layout {
  return layoutOf(architectureOf(model, data).layers.flatMap(layerTensors))
}

/** Kernel and bias of a layer. Kernels: `[inputs, units]`, or `[height, width, channels, filters]`. */
export function layerTensors(layer: LayerSpec): [kernel: TensorSpec, bias: TensorSpec] {
  const kernel = `${layer.name}/kernel`
  const bias = `${layer.name}/bias`
  if (layer.kind === 'dense') {
    return [
      { name: kernel, shape: [layer.inputs, layer.units] },
      { name: bias, shape: [layer.units] },
    ]
  }
  return [
    { name: kernel, shape: [layer.kernel, layer.kernel, layer.input[2], layer.filters] },
    { name: bias, shape: [layer.filters] },
  ]
}

import { architectureOf, type LayerSpec, layerTensors, type ShortForm } from '../plan/architecture.ts'
import { dataEnds, type Inputs } from '../plan/data.ts'
import { type ExportedTopology, finalActivation, type LayerJson, rescalingLayer } from './keras.ts'

/** Weights are read from the file: whatever a layer would draw at first is thrown away. */
const zeros = { class_name: 'Zeros', config: {} }
const initializers = { kernel_initializer: zeros, bias_initializer: zeros }

/**
 * A short form as a sequence of TF.js layers whose tensors have the names of the layout. Takes what the plan's data have:
 * `[inputs]`, or `[height, width, channels]` where it is of images. Dropout is left out, which is for training alone.
 */
export function shortFormTopology(name: string, model: ShortForm, data: Inputs): ExportedTopology {
  const { layers } = architectureOf(model, data)
  const ends = dataEnds(data)
  const { shape, numeric } = ends
  const written: LayerJson[] = []
  const add = (class_name: string, config: Record<string, unknown>) => {
    const input = written.length === 0 ? { batch_input_shape: [null, ...shape], dtype: 'float32' } : {}
    written.push({ class_name, config: { ...input, trainable: true, ...config } })
  }
  let rank = shape.length
  layers.forEach((spec, i) => {
    const activation = i === layers.length - 1 ? finalActivation(ends) : spec.activation
    if (spec.kind === 'dense' && rank > 1) {
      add('Flatten', { name: 'flatten' })
      rank = 1
    }
    add(...layerOf(spec, activation))
    if (spec.kind === 'conv2d' && spec.pool > 1) add(...poolingOf(spec))
  })
  if (numeric !== undefined) written.push(rescalingLayer(numeric, 'prediction'))
  const tensors = layers.flatMap(layerTensors).map(({ name }) => name)
  return {
    topology: { class_name: 'Sequential', config: { name, layers: written } },
    names: new Map(tensors.map((tensor) => [tensor, tensor])),
  }
}

function layerOf(spec: LayerSpec, activation: string): [className: string, config: Record<string, unknown>] {
  const { name } = spec
  const common = { name, activation, use_bias: true, ...initializers }
  if (spec.kind === 'dense') return ['Dense', { ...common, units: spec.units }]
  const { filters, kernel } = spec
  const window = { kernel_size: [kernel, kernel], strides: [1, 1], padding: 'same', data_format: 'channels_last' }
  return ['Conv2D', { ...common, filters, ...window }]
}

function poolingOf({
  name,
  pool,
}: LayerSpec & { kind: 'conv2d' }): [className: string, config: Record<string, unknown>] {
  const window = { pool_size: [pool, pool], strides: [pool, pool], padding: 'same', data_format: 'channels_last' }
  return ['MaxPooling2D', { name: name.replace('conv2d', 'max_pooling2d'), ...window }]
}

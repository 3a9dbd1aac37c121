import type { LayerJson } from '../../../../core/export/keras.ts'
import { nameOf } from '../../../../core/export/layer-order.ts'
import { unsupported } from '../../tfjs/topology-check.ts'
import type { Shape } from '../graph.ts'
import { camelCased, isWhole, setting } from './layer.ts'

/** The shape of the input that a first layer says. Fails with `engine.model-unsupported` where it says none or leaves an axis open. */
export function givenInput(json: LayerJson): Shape {
  const shape = shapeIn(json)
  if (shape === undefined) throw unsupported(`the first layer ${nameOf(json)} has no input shape`)
  return shape.map((size) => {
    if (size === null || size === undefined) throw unsupported('the input of the topology has an axis of unknown size')
    if (!isWhole(size))
      throw unsupported(`the input shape of the layer ${nameOf(json)} has a size that is no whole number`)
    return size
  })
}

function shapeIn({ class_name, config }: LayerJson): readonly unknown[] | undefined {
  const layer = { config: camelCased(config) }
  const batch = setting(layer, 'batch_input_shape')
  if (Array.isArray(batch)) return batch.slice(1)
  const shape = setting(layer, 'input_shape')
  if (Array.isArray(shape)) return shape
  if (class_name === 'Dense') {
    const inputs = setting(layer, 'input_dim')
    return inputs === undefined ? undefined : [inputs]
  }
  if (class_name === 'Embedding') return [setting(layer, 'input_length') ?? null].flat()
  return undefined
}

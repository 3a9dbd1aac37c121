import { layersOf, nameOf } from '../../../core/export/layer-order.ts'
import { type Data, type DataEnds, dataEnds } from '../../../core/plan/data.ts'
import type { Random } from '../../../core/random/random.ts'
import { layoutOf } from '../../../core/tensors/layout.ts'
import type { Start, StartingTensor } from '../starting-tensor.ts'
import { type Engine, type Layers, loadEngine, type Scalar, type Tensor, type Variable } from './load.ts'
import type { TensorNetwork } from './tensor-network.ts'
import { checkTopology, unsupported } from './topology-check.ts'

type LayersModel = Awaited<ReturnType<Layers['models']['modelFromJSON']>>
type LayerVariable = LayersModel['weights'][number]
type NamedWeight = { readonly name: string; readonly className: string; readonly variable: LayerVariable }

/** Names, shapes and starts of a topology's tensors, from TF.js' own shape inference. */
export async function topologyTensors(topology: Record<string, unknown>, data: Data): Promise<StartingTensor[]> {
  const engine = await loadEngine()
  const { model, weights } = await build(engine, topology, dataEnds(data))
  const tensors = weights.map(({ name, className, variable }) => {
    return { name, shape: shapeOf(variable), start: startOf(name, className) }
  })
  model.dispose()
  return tensors
}

/** A topology as a network: TF.js layers forward, its gradient tape backward. */
export async function topologyNetwork(
  engine: Engine,
  topology: Record<string, unknown>,
  ends: DataEnds,
): Promise<TensorNetwork> {
  const { model, weights, input } = await build(engine, topology, ends)
  const { tf } = engine
  const layout = layoutOf(weights.map(({ name, variable }) => ({ name, shape: shapeOf(variable) })))
  const byName = new Map(weights.map(({ name, variable }) => [name, variable]))
  const variables = layout.map(({ name }) => byName.get(name) as LayerVariable)
  const write = (tensors: readonly Tensor[]) => {
    variables.forEach((variable, i) => {
      variable.write(tensors[i] as Tensor)
    })
  }
  const dropouts = model.layers.filter((layer) => layer.getClassName() === 'Dropout')
  let disposed = false
  return {
    layout,
    input,
    predict(tensors, x) {
      write(tensors)
      return model.apply(x, { training: false }) as Tensor
    },
    gradients(tensors, x, lossGradient, random) {
      write(tensors)
      for (const layer of dropouts) reseed(layer, random)
      // The loss's value is computed outside of TF.js; only its gradient enters the tape.
      const loss = tf.customGrad((logits, save) => {
        // What is made in here is freed at its end, unless the tape saves it.
        const keep = save as (tensors: Tensor[]) => void
        keep([lossGradient(logits as Tensor)])
        return { value: tf.scalar(0), gradFunc: (_, saved) => saved[0] as Tensor }
      })
      const tensorsOfTape = variables.map((variable) => variable.read() as Variable)
      const { grads } = tf.variableGrads(
        () => loss(model.apply(x, { training: true }) as Tensor) as Scalar,
        tensorsOfTape,
      )
      return tensorsOfTape.map(({ name }) => grads[name] as Tensor)
    },
    dispose() {
      if (disposed) return
      disposed = true
      engine.use()
      model.dispose()
    },
  }
}

type Built = { model: LayersModel; weights: NamedWeight[]; input: number[] }

async function build(engine: Engine, topology: Record<string, unknown>, ends: DataEnds): Promise<Built> {
  const { shape, classes } = ends
  const { modelTopology } = checkTopology(topology, ends)
  const unknown = layersOf(modelTopology.config).find(({ class_name }) => class_name === 'GroupNormalization')
  if (unknown !== undefined) {
    throw unsupported(
      `the layer ${nameOf(unknown)} is a GroupNormalization, which TF.js does not have: use the engine wasm`,
    )
  }
  const layers = await engine.layers()
  engine.use()
  let model: LayersModel
  try {
    model = await layers.models.modelFromJSON({ modelTopology } as Parameters<typeof layers.models.modelFromJSON>[0])
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw unsupported(`TF.js cannot build the topology: ${reason}`, cause)
  }
  const input = exactShape(model.inputs, 'input')
  const output = exactShape(model.outputs, 'output')
  if (product(input) !== product(shape)) {
    throw unsupported(`the topology takes ${input.join(' × ')} values, the data has ${shape.join(' × ')}`)
  }
  if (output.length !== 1 || output[0] !== classes) {
    throw unsupported(`the topology gives ${output.join(' × ')} values, the label needs ${classes}`)
  }
  return { model, weights: namedWeights(model), input }
}

function exactShape(ends: readonly { shape: (number | null)[] }[], what: string): number[] {
  const [end] = ends
  if (end === undefined || ends.length !== 1) throw unsupported(`the topology must have exactly one ${what}`)
  return end.shape.slice(1).map((size) => {
    if (size === null) throw unsupported(`the ${what} of the topology has an axis of unknown size`)
    return size
  })
}

/** Names from the order of the layers and the class of each: `conv2d_1/kernel`. TF.js' own count over the process. */
function namedWeights(model: LayersModel): NamedWeight[] {
  const counts = new Map<string, number>()
  return model.layers.flatMap((layer) => {
    const className = layer.getClassName()
    if (layer.weights.length === 0) return []
    const count = (counts.get(className) ?? 0) + 1
    counts.set(className, count)
    const prefix = `${className.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase()}_${count}`
    return layer.weights.map((variable) => {
      return { name: `${prefix}/${variable.originalName.split('/').at(-1)}`, className, variable }
    })
  })
}

/** As Keras starts them, but for recurrent kernels (orthogonal there) and embeddings: those are Glorot uniform as well. */
function startOf(name: string, className: string): Start {
  if (name.endsWith('/gamma')) return 'ones'
  if (name.endsWith('/bias') && className === 'LSTM') return 'forget-gate'
  return /(kernel|embeddings)$/.test(name) ? 'glorot' : 'zeros'
}

/** A Dropout layer draws its mask from its `seed`; without a new one for each step all steps had the same mask. */
function reseed(layer: LayersModel['layers'][number], random: Random): void {
  Reflect.set(layer, 'seed', random.uint32())
}

function shapeOf(variable: LayerVariable): number[] {
  return variable.shape.map((size) => size ?? 0)
}

function product(shape: readonly number[]): number {
  return shape.reduce((all, size) => all * size, 1)
}

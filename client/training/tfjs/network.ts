import { architectureOf } from '../../../core/plan/architecture.ts'
import { tensorsIn } from '../../../core/tensors/layout.ts'
import type { TfjsName } from '../engine-names.ts'
import { checkLength } from '../length.ts'
import type { Network, NetworkOptions } from '../network.ts'
import { type Engine, loadEngine, type Tensor } from './load.ts'
import { TensorSession } from './session.ts'
import { shortFormNetwork } from './short-form.ts'
import type { TensorNetwork } from './tensor-network.ts'

/** A plan's model on TF.js. Fails with `engine.unavailable`, `engine.model-unsupported` or `plan.invalid`. */
export async function tfjsNetwork(options: NetworkOptions, name?: TfjsName): Promise<Network> {
  const engine = await loadEngine(name)
  const network = await tensorNetwork(engine, options)
  return {
    engine: engine.name,
    why: options.why ?? '',
    layout: network.layout,
    begin: (session) => new TensorSession(engine, network, options, session),
    predictor: (weights) => {
      checkLength(network.layout, weights)
      engine.use()
      const tensors = uploadWeights(engine, network, weights)
      return {
        predict: (features, rows) => predict(engine, network, tensors, features, rows),
        end: () => {
          engine.use()
          for (const tensor of tensors.splice(0)) tensor.dispose()
        },
      }
    },
    dispose: () => network.dispose(),
  }
}

async function tensorNetwork(engine: Engine, { model, ends }: NetworkOptions): Promise<TensorNetwork> {
  if (!('layers' in model)) return shortFormNetwork(engine, architectureOf(model, ends))
  const { topologyNetwork } = await import('./topology.ts')
  return await topologyNetwork(engine, model.layers, ends)
}

function predict(
  engine: Engine,
  network: TensorNetwork,
  weights: readonly Tensor[],
  features: Float32Array,
  rows: number,
): Float32Array {
  engine.use()
  let logits = new Float32Array()
  engine.tf.tidy(() => {
    const x = engine.upload(features, [rows, ...network.input])
    logits = engine.read(network.predict(weights, x)).slice()
  })
  return logits
}

export function uploadWeights(engine: Engine, network: TensorNetwork, weights: Float32Array): Tensor[] {
  return Array.from(tensorsIn(network.layout), ({ tensor, offset, length }) =>
    engine.upload(weights.subarray(offset, offset + length), tensor.shape),
  )
}

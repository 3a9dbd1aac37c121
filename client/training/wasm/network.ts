import { layoutOf } from '../../../core/tensors/layout.ts'
import type { Graph } from '../graph/graph.ts'
import { checkLength } from '../length.ts'
import type { Network, NetworkOptions, Predictor } from '../network.ts'
import { ArenaPlan, takeArena } from './arena.ts'
import { layOut } from './model.ts'
import { WasmSession } from './session.ts'

/** A graph on the kernels of `module`. */
export function wasmNetwork(module: WebAssembly.Module, graph: Graph, options: NetworkOptions): Network {
  const layout = layoutOf(graph.tensors)
  return {
    engine: 'wasm',
    why: options.why ?? '',
    layout,
    begin: (session) => {
      checkLength(layout, session.weights)
      return new WasmSession(module, graph, options, session)
    },
    predictor: (weights) => {
      checkLength(layout, weights)
      return wasmPredictor(module, graph, options, weights)
    },
    dispose() {},
  }
}

/** Rows of a prediction that are done at a time, at most. */
const MOST_ROWS = 512

function wasmPredictor(
  module: WebAssembly.Module,
  graph: Graph,
  { ends: { classes } }: NetworkOptions,
  weights: Float32Array,
): Predictor {
  const plan = new ArenaPlan()
  const laid = layOut(graph, plan, MOST_ROWS, false)
  const arena = takeArena(module, plan)
  const model = laid.build(arena)
  arena.float32(laid.weights, laid.length).set(weights)
  const width = model.input.length / laid.rows
  return {
    predict(features, rows) {
      const logits = new Float32Array(rows * classes)
      for (let begin = 0; begin < rows; begin += laid.rows) {
        const part = Math.min(laid.rows, rows - begin)
        model.input.set(features.subarray(begin * width, (begin + part) * width))
        model.forward(part, undefined)
        logits.set(model.logits.subarray(0, part * classes), begin * classes)
      }
      return logits
    },
    end: () => arena.release(),
  }
}

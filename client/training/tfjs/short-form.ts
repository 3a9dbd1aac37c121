import { type Activation, type Architecture, type LayerSpec, layerTensors } from '../../../core/plan/architecture.ts'
import type { Random } from '../../../core/random/random.ts'
import { layoutOf } from '../../../core/tensors/layout.ts'
import type { Engine, Tensor } from './load.ts'
import type { TensorNetwork } from './tensor-network.ts'

/**
 * A short form, forward and backward written out as kernel calls. Small models are bound by the cost of a call: this takes
 * about a third of the calls of the same model through TF.js layers and its gradient tape.
 */
export function shortFormNetwork(engine: Engine, architecture: Architecture): TensorNetwork {
  const layout = layoutOf(architecture.layers.flatMap(layerTensors))
  const place = new Map(layout.map(({ name }, i) => [name, i]))
  const layers = architecture.layers.map((spec): Layer => {
    const [kernel, bias] = layerTensors(spec).map(({ name }) => place.get(name) ?? 0) as [number, number]
    return spec.kind === 'dense' ? denseLayer(engine, spec, kernel, bias) : convolutionLayer(engine, spec, kernel, bias)
  })
  return {
    layout,
    input: architecture.input,
    predict: (weights, x) => layers.reduce((h, layer) => layer.forward(weights, h, undefined).output, x),
    gradients(weights, x, lossGradient, random) {
      const traces: Trace[] = []
      let h = x
      for (const layer of layers) {
        const trace = layer.forward(weights, h, random)
        traces.push(trace)
        h = trace.output
      }
      const gradients = new Array<Tensor>(layout.length)
      let d = lossGradient(h)
      for (let i = layers.length - 1; i >= 0; i--) {
        const before = (layers[i] as Layer).backward(weights, traces[i] as Trace, d, gradients, i > 0)
        if (before !== undefined) d = before
      }
      return gradients
    },
    dispose() {},
  }
}

type Trace = {
  readonly input: Tensor
  /** After the activation, before pooling and dropout. */
  readonly active: Tensor
  readonly output: Tensor
  /** The factor of each unit, 0 where it was dropped. */
  readonly mask?: Float32Array
}

type Layer = {
  /** Drops units when there is a `random`. */
  forward(weights: readonly Tensor[], x: Tensor, random: Random | undefined): Trace
  /** Puts the gradients of the layer's tensors into `gradients`; gives the gradient of its input where that is wanted. */
  backward(
    weights: readonly Tensor[],
    trace: Trace,
    d: Tensor,
    gradients: Tensor[],
    wanted: boolean,
  ): Tensor | undefined
}

function denseLayer(engine: Engine, spec: LayerSpec & { kind: 'dense' }, kernel: number, bias: number): Layer {
  const run = runnerOf(engine)
  const cube = (x: Tensor, rows: number, columns: number) => run('Reshape', { x }, { shape: [1, rows, columns] })
  return {
    forward(weights, x, random) {
      const rows = x.shape[0] as number
      const a = cube(x, rows, spec.inputs)
      const b = cube(weights[kernel] as Tensor, spec.inputs, spec.units)
      const fused = run('_FusedMatMul', { a, b, bias: weights[bias] as Tensor }, fusedAttributes(spec.activation))
      const flat = run('Reshape', { x: fused }, { shape: [rows, spec.units] })
      const active = spec.activation === 'tanh' ? run('Tanh', { x: flat }, {}) : flat
      if (random === undefined || spec.dropout === 0) return { input: a, active, output: active }
      const mask = dropoutMask(active.size, spec.dropout, random)
      const dropped = engine.read(active).map((value, i) => value * (mask[i] as number))
      return { input: a, active, output: engine.upload(dropped, [rows, spec.units]), mask }
    },
    backward(weights, { input, active, mask }, d, gradients, wanted) {
      const rows = active.shape[0] as number
      const flat = throughActivation(engine, spec.activation, active, d, mask)
      const dz = cube(flat, rows, spec.units)
      gradients[kernel] = run('BatchMatMul', { a: input, b: dz }, { transposeA: true, transposeB: false })
      gradients[bias] = engine.upload(columnSums(engine.read(flat), spec.units), [spec.units])
      if (!wanted) return undefined
      const b = cube(weights[kernel] as Tensor, spec.inputs, spec.units)
      const dx = run('BatchMatMul', { a: dz, b }, { transposeA: false, transposeB: true })
      return run('Reshape', { x: dx }, { shape: [rows, spec.inputs] })
    },
  }
}

function convolutionLayer(engine: Engine, spec: LayerSpec & { kind: 'conv2d' }, kernel: number, bias: number): Layer {
  const run = runnerOf(engine)
  const convolution = { strides: [1, 1], dilations: [1, 1], pad: 'same', dataFormat: 'NHWC' }
  const pooling = { filterSize: [spec.pool, spec.pool], strides: [spec.pool, spec.pool], pad: 'same' }
  const filterShape = [spec.kernel, spec.kernel, spec.input[2], spec.filters]
  return {
    forward(weights, x) {
      const inputs = { x, filter: weights[kernel] as Tensor, bias: weights[bias] as Tensor }
      const fused = run('FusedConv2D', inputs, { ...convolution, ...fusedAttributes(spec.activation) })
      const active = spec.activation === 'tanh' ? run('Tanh', { x: fused }, {}) : fused
      return { input: x, active, output: spec.pool === 1 ? active : run('MaxPool', { x: active }, pooling) }
    },
    backward(weights, { input, active, output }, d, gradients, wanted) {
      const pooled = d.rank === 4 ? d : run('Reshape', { x: d }, { shape: output.shape })
      const unpooled = spec.pool === 1 ? pooled : run('MaxPoolGrad', { dy: pooled, input: active, output }, pooling)
      const dy = throughActivation(engine, spec.activation, active, unpooled, undefined)
      gradients[kernel] = run('Conv2DBackpropFilter', { x: input, dy }, { ...convolution, filterShape })
      gradients[bias] = run('Sum', { x: dy }, { axis: [0, 1, 2], keepDims: false })
      if (!wanted) return undefined
      const filter = weights[kernel] as Tensor
      return run('Conv2DBackpropInput', { dy, filter }, { ...convolution, inputShape: input.shape })
    },
  }
}

type Run = (kernel: string, inputs: Record<string, Tensor>, attributes: Record<string, unknown>) => Tensor

function runnerOf({ tf }: Engine): Run {
  const runtime = tf.engine()
  type Attributes = Parameters<typeof runtime.runKernel>[2]
  return (kernel, inputs, attributes) => runtime.runKernel(kernel, inputs, attributes as Attributes) as Tensor
}

/** No backend fuses tanh. */
function fusedAttributes(activation: Activation) {
  return { transposeA: false, transposeB: false, activation: activation === 'tanh' ? 'linear' : activation }
}

/** The gradient before the activation (and before dropout) from the one after it, and from the activation's own output. */
function throughActivation(
  engine: Engine,
  activation: Activation,
  active: Tensor,
  d: Tensor,
  mask: Float32Array | undefined,
): Tensor {
  if (activation === 'linear' && mask === undefined) return d
  const outputs = engine.read(active)
  const gradient = engine.read(d).slice()
  if (mask !== undefined)
    for (let i = 0; i < mask.length; i++) gradient[i] = (gradient[i] as number) * (mask[i] as number)
  multiplyBySlope(activation, outputs, gradient)
  return engine.upload(gradient, active.shape)
}

function multiplyBySlope(activation: Activation, outputs: Float32Array, gradient: Float32Array): void {
  const slope = slopes[activation]
  for (let i = 0; i < gradient.length; i++) gradient[i] = (gradient[i] as number) * slope(outputs[i] as number)
}

/** Derivative of each activation as a function of its output. */
const slopes: Record<Activation, (output: number) => number> = {
  linear: () => 1,
  relu: (y) => (y > 0 ? 1 : 0),
  tanh: (y) => 1 - y * y,
  sigmoid: (y) => y * (1 - y),
  elu: (y) => (y > 0 ? 1 : y + 1),
}

/** Inverted dropout (Srivastava et al., JMLR 15, 2014) with a mask of our own generator, so that all engines agree on it. */
function dropoutMask(size: number, rate: number, random: Random): Float32Array {
  const limit = rate * 2 ** 32
  return Float32Array.from({ length: size }, () => (random.uint32() < limit ? 0 : 1 / (1 - rate)))
}

function columnSums(values: Float32Array, columns: number): Float32Array {
  const sums = new Float64Array(columns)
  for (let i = 0; i < values.length; i++) sums[i % columns] = (sums[i % columns] as number) + (values[i] as number)
  return Float32Array.from(sums)
}

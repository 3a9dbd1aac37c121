import type { Random } from '../../../core/random/random.ts'
import { layoutLength, layoutOf, tensorsIn } from '../../../core/tensors/layout.ts'
import type { Graph, GraphNode, ValueId } from '../graph/graph.ts'
import type { Arena, ArenaPlan } from './arena.ts'
import type { GradientTarget, Layer, Place } from './layer.ts'
import { layerKind } from './layers/registry.ts'
import { withOwnActivations } from './own-activations.ts'

/** Float32 values that outputs of layers may take at a time: 64 MiB. Larger batches are done in parts. */
const MOST_VALUES = 2 ** 24

/** A graph laid out in an arena that is not taken yet. */
export type LaidOut = {
  /** Rows that are done at a time. */
  readonly rows: number
  /** Length of the flat vector. */
  readonly length: number
  readonly weights: number
  build(arena: Arena): LayeredModel
}

/**
 * Lays out the weights and all values of a graph for batches of up to `most` rows; with `trains` also what the backward pass needs.
 */
export function layOut(graph: Graph, plan: ArenaPlan, most: number, trains: boolean): LaidOut {
  const { nodes, values, output } = withOwnActivations(graph)
  const layout = layoutOf(graph.tensors)
  const length = layoutLength(layout)
  const offsets = new Map(Array.from(tensorsIn(layout), ({ tensor, offset }) => [tensor.name, 4 * offset]))
  const sizes = values.map((shape) => shape.reduce((product, size) => product * size, 1))
  const perRow = sizes.reduce((sum, size) => sum + size, 0) * (trains ? 2 : 1)
  const rows = Math.max(1, Math.min(most, Math.floor(MOST_VALUES / perRow)))

  const weights = plan.float32(length)
  const uses = values.map(() => 0)
  for (const value of nodes.flatMap(({ inputs }) => inputs)) uses[value] = (uses[value] ?? 0) + 1
  const wanted = trainedValues(nodes, values.length)
  const addresses: number[] = []
  const gradients: number[] = []
  const place = (value: ValueId) => {
    addresses[value] = plan.float32(rows * (sizes[value] ?? 0))
    gradients[value] = trains && wanted[value] === true ? plan.float32(rows * (sizes[value] ?? 0)) : 0
  }
  place(0)
  for (const { op, inputs, output } of nodes) {
    const [input = 0] = inputs
    if (op.kind !== 'reshape') {
      place(output)
      continue
    }
    addresses[output] = addresses[input] ?? 0
    gradients[output] =
      uses[input] === 1 || gradients[input] === 0 ? (gradients[input] ?? 0) : plan.float32(rows * (sizes[output] ?? 0))
  }
  const summed = sizes.filter((_, value) => (uses[value] ?? 0) > 1 && gradients[value] !== 0)
  const aside = summed.length > 0 ? plan.float32(rows * Math.max(...summed)) : 0
  const needs = nodes.map(({ op, output }) => {
    const { scratch, kept } = layerKind(op)
    const size = sizes[output] ?? 0
    return { scratch: scratch?.(op, rows, size) ?? 0, kept: plan.float32(kept?.(op, rows, size) ?? 0) }
  })
  const scratch = plan.float32(Math.max(0, ...needs.map((need) => need.scratch)))

  const placeOf = (value: ValueId): Place => ({ address: addresses[value] ?? 0, size: sizes[value] ?? 0 })
  const build = (arena: Arena) => {
    const steps = nodes.map((node, i): Step => {
      const layer = layerKind(node.op).build(
        node.op,
        {
          rows,
          inputs: node.inputs.map(placeOf),
          output: placeOf(node.output),
          outputGradient: gradients[node.output] ?? 0,
          tensorAt: (name, base) => base + (offsets.get(name) ?? 0),
          weights,
          scratch,
          kept: needs[i]?.kept ?? 0,
        },
        arena,
      )
      const to = node.inputs.map((input) => gradients[input] ?? 0)
      return { node, layer, to, addresses: [...to] }
    })
    return new LayeredModel(steps, {
      arena,
      rows,
      input: placeOf(0),
      logits: placeOf(output),
      logitsGradient: gradients[output] ?? 0,
      aside,
      sizes,
      gradients,
    })
  }
  return { rows, length, weights, build }
}

/** Which values have something before them that is trained. */
function trainedValues(nodes: readonly GraphNode[], count: number): boolean[] {
  const wanted = new Array<boolean>(count).fill(false)
  for (const { op, inputs, output } of nodes) {
    wanted[output] = 'kernel' in op || 'table' in op || 'gamma' in op || inputs.some((input) => wanted[input] === true)
  }
  return wanted
}

type Step = {
  readonly node: GraphNode
  readonly layer: Layer
  /** Where the gradients of the inputs are gathered, and where the layer writes its part of them. */
  readonly to: readonly number[]
  readonly addresses: number[]
}

type Laid = {
  readonly arena: Arena
  readonly rows: number
  readonly input: Place
  readonly logits: Place
  readonly logitsGradient: number
  /** Room for the gradient of a value that more than one layer takes. */
  readonly aside: number
  readonly sizes: readonly number[]
  readonly gradients: readonly number[]
}

/** Layers in an arena, forward and backward. */
export class LayeredModel {
  /** Row-major features, to be written before `forward`; as many rows as are done at a time. */
  readonly input: Float32Array
  readonly logits: Float32Array
  /** The gradient with respect to the logits, to be written before `backward`. */
  readonly logitsGradient: Float32Array
  readonly #steps: readonly Step[]
  readonly #laid: Laid
  /** Values whose gradient the pass that is under way has begun. */
  readonly #begun: boolean[]

  constructor(steps: readonly Step[], laid: Laid) {
    const { arena, rows, input, logits, logitsGradient } = laid
    this.#steps = steps
    this.#laid = laid
    this.#begun = laid.sizes.map(() => false)
    this.input = arena.float32(input.address, rows * input.size)
    this.logits = arena.float32(logits.address, rows * logits.size)
    this.logitsGradient = arena.float32(logitsGradient, logitsGradient === 0 ? 0 : rows * logits.size)
  }

  forward(rows: number, random: Random | undefined): void {
    for (const { layer } of this.#steps) layer.forward(rows, random)
  }

  /** The whole backward pass; each layer's weights get their gradient as soon as nothing needs the weights any more. */
  backward(rows: number, target: GradientTarget | undefined): void {
    this.#begun.fill(false)
    for (let i = this.#steps.length - 1; i >= 0; i--) {
      const step = this.#steps[i] as Step
      this.#backwardOf(step, rows)
      if (target !== undefined) step.layer.trained?.gradient(rows, target)
    }
  }

  /** After `backward`: the gradients of all weights. */
  gradient(rows: number, target: GradientTarget): void {
    for (const { layer } of this.#steps) layer.trained?.gradient(rows, target)
  }

  /** After `backward`: norms[i] becomes the square of the norm of row i's own gradient. */
  squaredNorms(rows: number, norms: Float64Array): void {
    norms.fill(0, 0, rows)
    for (const { layer } of this.#steps) layer.trained?.addSquaredNorms(rows, norms)
  }

  /** After `backward`: multiplies all that row i adds to the gradients of weights by factors[i]. */
  scaleRows(rows: number, factors: Float64Array): void {
    const { arena, sizes, gradients } = this.#laid
    for (const { node, layer } of this.#steps) {
      if (layer.trained === undefined) continue
      const size = sizes[node.output] ?? 0
      const address = gradients[node.output] ?? 0
      for (let row = 0; row < rows; row++) {
        const factor = factors[row] as number
        if (factor !== 1) {
          const at = address + 4 * row * size
          arena.kernels.scaleVector(at, at, size, factor)
        }
      }
    }
  }

  /** Indexed loops: this runs for every layer of every step, and takes no memory. */
  #backwardOf({ node: { inputs }, layer, to, addresses }: Step, rows: number): void {
    const { arena, aside, sizes } = this.#laid
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[i] as ValueId
      const target = to[i] as number
      addresses[i] = this.#begun[input] === true && target !== 0 ? aside : target
      this.#begun[input] = true
    }
    layer.backward(rows, addresses)
    for (let i = 0; i < inputs.length; i++) {
      const target = to[i] as number
      if (addresses[i] === aside && target !== aside) {
        arena.kernels.addVector(target, aside, rows * (sizes[inputs[i] as ValueId] as number))
      }
    }
  }
}

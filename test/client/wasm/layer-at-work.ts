import { expect } from 'vitest'
import type { Op } from '../../../client/training/graph/graph.ts'
import { type Arena, ArenaPlan, takeArena } from '../../../client/training/wasm/arena.ts'
import type { Layer, LayerKind } from '../../../client/training/wasm/layer.ts'
import { layerKind } from '../../../client/training/wasm/layers/registry.ts'
import { type Random, randomOf } from '../../../core/random/random.ts'
import { trainingModule } from '../../../kernels/training/index.ts'

export type Values = readonly number[] | Float32Array

/** The sizes of one row of the input and of the output, and of the weights by their names. */
export type Sizes = { readonly input: number; readonly output: number; readonly weights: Record<string, number> }

export type Gradients = { readonly input: Float32Array; readonly weights: Float32Array }

/**
 * One layer alone in an arena. All memory begins as NaN: what a layer reads of memory that nobody wrote shows in its results, and
 * what it writes between the regions is found by `release`.
 */
export class LayerAtWork<O extends Op = Op> {
  readonly #arena: Arena
  readonly #layer: Layer
  readonly #sizes: Sizes
  readonly #at: Record<'input' | 'output' | 'd' | 'to' | 'weights' | 'target', number>
  readonly #regions: { readonly address: number; readonly count: number }[] = []
  readonly #begin: number
  readonly #end: number
  readonly #weightsLength: number

  constructor(op: O, sizes: Sizes, rows: number, weights: Values, kind: LayerKind<O> = layerKind(op)) {
    this.#sizes = sizes
    const plan = new ArenaPlan()
    this.#begin = plan.bytes
    const region = (count: number) => {
      const address = plan.float32(count)
      this.#regions.push({ address, count })
      return address
    }
    this.#weightsLength = Object.values(sizes.weights).reduce((sum, size) => sum + size, 0)
    const input = region(rows * sizes.input)
    const output = region(rows * sizes.output)
    this.#at = {
      ...{ input, output },
      d: region(rows * sizes.output),
      to: region(rows * sizes.input),
      weights: region(this.#weightsLength),
      target: region(this.#weightsLength),
    }
    const scratch = region(kind.scratch?.(op, rows, sizes.output) ?? 0)
    const kept = region(kind.kept?.(op, rows, sizes.output) ?? 0)
    this.#end = plan.bytes
    this.#arena = takeArena(trainingModule(), plan)
    this.#arena.float32(this.#begin, (this.#end - this.#begin) / 4).fill(Number.NaN)
    this.#write(this.#at.weights, weights)
    const tensorAt = (name: string, base: number) => {
      let offset = 0
      for (const [one, size] of Object.entries(sizes.weights)) {
        if (one === name) return base + 4 * offset
        offset += size
      }
      throw new Error(`no tensor ${name}`)
    }
    this.#layer = kind.build(
      op,
      {
        rows,
        inputs: [{ address: input, size: sizes.input }],
        output: { address: output, size: sizes.output },
        outputGradient: this.#at.d,
        tensorAt,
        weights: this.#at.weights,
        scratch,
        kept,
      },
      this.#arena,
    )
  }

  forward(x: Values, rows: number, random?: Random): Float32Array {
    this.#write(this.#at.input, x)
    this.#layer.forward(rows, random)
    return this.#read(this.#at.output, rows * this.#sizes.output)
  }

  /** After `forward`; `factors` multiply what each row adds to the gradients of the weights. */
  backward(
    d: Values,
    rows: number,
    { factors = [] as readonly number[], start = [] as Values, alpha = 1 } = {},
  ): Gradients {
    const { at, size } = { at: this.#at, size: this.#sizes.output }
    this.#write(at.d, d)
    this.#layer.backward(rows, [at.to])
    factors.forEach((factor, row) => {
      const own = at.d + 4 * row * size
      this.#arena.kernels.scaleVector(own, own, size, factor)
    })
    if (start.length > 0) this.#write(at.target, start)
    this.#layer.trained?.gradient(rows, { base: at.target, add: start.length > 0, alpha })
    return { input: this.#read(at.to, rows * this.#sizes.input), weights: this.#read(at.target, this.#weightsLength) }
  }

  squaredNorms(rows: number): number[] {
    const norms = new Float64Array(rows)
    this.#layer.trained?.addSquaredNorms(rows, norms)
    return [...norms]
  }

  /** Gives the memory back, and fails where something was written outside of the regions. */
  release(): void {
    const used = this.#regions.toSorted((a, b) => a.address - b.address)
    const memory = this.#arena.float32(0, this.#end / 4)
    let from = this.#begin / 4
    for (const { address, count } of [...used, { address: this.#end, count: 0 }]) {
      const written = memory.subarray(from, address / 4).findIndex((value) => !Number.isNaN(value))
      if (written >= 0) throw new Error(`written outside of the regions: ${4 * (from + written)}`)
      from = address / 4 + count
    }
    this.#arena.release()
  }

  #write(address: number, values: Values): void {
    this.#arena.float32(address, values.length).set(values)
  }

  #read(address: number, count: number): Float32Array {
    return this.#arena.float32(address, count).slice()
  }
}

export function normals(count: number, seed: number, stream: string): Float32Array {
  const random = randomOf(seed, stream)
  return Float32Array.from({ length: count }, () => random.normal())
}

/** The Euclidean norm of the difference is at most 2e-5 of that of what is expected. */
export function expectNear(actual: Values, expected: Values, what: string, slack = 1e-6): void {
  expect(actual.length, what).toBe(expected.length)
  let [difference, norm] = [0, 0]
  expected.forEach((value, i) => {
    difference += (value - actual[i]!) ** 2
    norm += value ** 2
  })
  if (!(Math.sqrt(difference) <= 2e-5 * Math.sqrt(norm) + slack)) {
    throw new Error(`${what}: off by ${Math.sqrt(difference)} of ${Math.sqrt(norm)}`)
  }
}

/** What a layer does to one row, in float64, with its weights one behind the other in the order of the sizes. */
export type Naive = (x: Float64Array, weights: Float64Array) => number[]

/**
 * `x`: what goes in, by default normal values; `hasSlopes`: whether there is a gradient of it; `slack`: what gradients of inputs may
 * be off in all cases, where they are small differences of large values; `kind`: another than that of the registry.
 */
type Held<O extends Op> = {
  readonly seed?: number
  readonly rows?: number
  readonly x?: Values
  readonly hasSlopes?: boolean
  readonly slack?: number
  readonly kind?: LayerKind<O>
}

/**
 * Holds a layer to its naive form: outputs, gradients by central differences, gradients that are added to others, scaled rows
 * and squared norms, for random values.
 */
export function holdToNaive<O extends Op>(
  op: O,
  sizes: Sizes,
  naive: Naive,
  { seed = 1, rows = 3, x, hasSlopes = true, slack = 1e-6, kind = layerKind(op) }: Held<O> = {},
) {
  const count = Object.values(sizes.weights).reduce((sum, size) => sum + size, 0)
  const weights = normals(count, seed, 'weights')
  const inputs = Float32Array.from(x ?? normals(rows * sizes.input, seed, 'inputs'))
  const d = normals(rows * sizes.output, seed, 'gradients')
  const rowOf = (values: Float32Array, row: number, size: number) => values.subarray(row * size, (row + 1) * size)
  const outputOf = (
    row: number,
    own = Float64Array.from(rowOf(inputs, row, sizes.input)),
    w = Float64Array.from(weights),
  ) => naive(own, w)
  const all = [...Array(rows).keys()]

  const layer = new LayerAtWork(op, sizes, rows, weights, kind)
  expectNear(
    layer.forward(inputs, rows),
    all.flatMap((row) => outputOf(row)),
    'outputs',
  )

  const weighted = (row: number) => (output: number[]) =>
    output.reduce((sum, value, i) => sum + value * d[row * sizes.output + i]!, 0)
  const own = all.map((row) => {
    const value = weighted(row)
    const at = Float64Array.from(rowOf(inputs, row, sizes.input))
    const w = Float64Array.from(weights)
    return {
      input: !hasSlopes ? [] : slopes(at, () => value(outputOf(row, at))),
      weights: slopes(w, () => value(outputOf(row, undefined, w))),
    }
  })
  const summed = (factors: readonly number[]) =>
    Array.from({ length: count }, (_, i) => own.reduce((sum, { weights }, row) => sum + factors[row]! * weights[i]!, 0))
  const plain = layer.backward(d, rows)
  if (hasSlopes)
    expectNear(
      plain.input,
      own.flatMap(({ input }) => input),
      'gradient of the inputs',
      slack,
    )
  if (count > 0) {
    expectNear(plain.weights, summed(all.map(() => 1)), 'gradient of the weights')
    const norms = own.map(({ weights }) => weights.reduce((sum, value) => sum + value * value, 0))
    expectNear(layer.squaredNorms(rows), norms, 'squared norms')
    const factors = all.map((row) => 0.5 - row)
    layer.forward(inputs, rows)
    const start = normals(count, seed, 'start')
    const added = layer.backward(d, rows, { factors, start, alpha: -0.25 })
    expectNear(
      added.weights,
      summed(factors).map((value, i) => start[i]! - 0.25 * value),
      'what is added, of scaled rows',
    )
  }
  layer.release()
}

function slopes(at: Float64Array, value: () => number): number[] {
  const step = 1e-5
  return Array.from(at, (middle, i) => {
    at[i] = middle + step
    const above = value()
    at[i] = middle - step
    const below = value()
    at[i] = middle
    return (above - below) / (2 * step)
  })
}

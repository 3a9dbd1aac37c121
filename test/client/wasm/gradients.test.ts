/** The gradients of our own engine against a plain float64 reference. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Graph } from '../../../client/training/graph/graph.ts'
import { dataEnds } from '../../../core/plan/data.ts'
import type { Training } from '../../../core/plan/training.ts'
import { graphs, sequences, type Topology } from '../graph/topologies.ts'
import { gradientError, meanGradient, totalLoss } from '../reference/reference.ts'
import { cases, layer, sequence } from './layer-cases.ts'
import { derivedOf, type Problem, problemOf, problemOfGraph, stepped } from './problems.ts'

/** So near a kink float32 may take its other side. */
const NEAR = 1e-5

/** Loss and gradient, once where the step is the product itself and once where the gradient is made before it. */
function expectGradient(problem: Problem, loss?: Training['loss']): void {
  const rows = derivedOf(problem, loss)
  if (rows.some(({ margin }) => margin < NEAR)) return
  const gradient = meanGradient(rows)
  for (const momentum of [0, 0.5]) {
    const actual = stepped(problem, { momentum, loss })
    expect(Math.abs(actual.loss / totalLoss(rows) - 1)).toBeLessThan(1e-4)
    expect(gradientError(actual.gradient, gradient)).toBeLessThan(1e-4)
  }
}

describe('every kind of layer', () => {
  test.each(cases)('$name', ({ model, ends, vocabulary }) => {
    for (const rows of [1, 3, 8, 17, 40]) expectGradient(problemOf(model, ends, { rows, seed: rows, vocabulary }))
  })
})

describe('every activation', () => {
  test.each(['linear', 'relu', 'gelu', 'tanh', 'sigmoid', 'elu', 'softmax'])('%s', (activation) => {
    const flat = sequence('', [11], [layer('Dense', { units: 7, activation }), layer('Activation', { activation })])
    const image = sequence(
      '',
      [4, 5, 2],
      [
        layer('Conv2D', { filters: 5, kernel_size: 2, activation }),
        layer('DepthwiseConv2D', { kernel_size: 2, activation }),
        layer('Flatten'),
      ],
    )
    for (const rows of [1, 9, 40]) {
      expectGradient(problemOf(flat.model, flat.ends, { rows }))
      expectGradient(problemOf(image.model, image.ends, { rows }))
    }
  })
})

describe('every loss', () => {
  const numeric = { shape: [6], classes: 1, numeric: { min: -4, max: 9 } }
  test.each([
    ['cross-entropy of a binary label', { shape: [6], classes: 1 }, undefined],
    ['cross-entropy of classes', { shape: [6], classes: 11 }, undefined],
    ['squares', numeric, 'mse'],
    ['huber', numeric, { huber: { delta: 3 } }],
  ] as const)('%s', (_, ends, loss) => {
    for (let rows = 1; rows <= 40; rows += 3) {
      expectGradient(problemOf({ mlp: { hidden: [9], activation: 'tanh' } }, ends, { rows, seed: rows }), loss)
    }
  })
})

describe('dense layers of all sizes', () => {
  test('behind one another', () => {
    const sizes = fc.record({
      shape: fc.tuple(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 40 })),
      rows: fc.integer({ min: 1, max: 90 }),
    })
    fc.assert(
      fc.property(sizes, ({ shape: [inputs, units], rows }) => {
        const model = { mlp: { hidden: [units], activation: 'relu' } }
        expectGradient(problemOf(model, { shape: [inputs], classes: 1 + (inputs % 4) }, { rows }))
      }),
      { numRuns: 25 },
    )
  })
  test('with more inputs than a product takes at a time', () => {
    expectGradient(problemOf({ mlp: { hidden: [5] } }, { shape: [531], classes: 2 }, { rows: 70 }))
    expectGradient(problemOf({ mlp: { hidden: [300] } }, { shape: [5], classes: 2 }, { rows: 70 }))
  })
})

describe('values that more than one layer takes', () => {
  const weights = (...pairs: (readonly [string, readonly number[]])[]) =>
    pairs.map(([name, shape]) => ({ name, shape, start: 'glorot' as const }))
  const product = (inputs: number, units: number, name: string) =>
    ({
      kind: 'dense',
      positions: 1,
      inputs,
      units,
      kernel: `${name}/kernel`,
      bias: undefined,
      activation: 'linear',
    }) as const

  /** x → a; b of a; c of a as it lies in another shape; the logits are b + c + a's first layer once more. */
  const branched: Graph = {
    values: [[6], [12], [3, 4], [4], [4], [4], [4], [4]],
    nodes: [
      { name: 'a', op: { ...product(6, 12, 'a'), activation: 'relu' }, inputs: [0], output: 1 },
      { name: 'again', op: { kind: 'reshape' }, inputs: [1], output: 2 },
      { name: 'b', op: product(12, 4, 'b'), inputs: [1], output: 3 },
      { name: 'c', op: { kind: 'global-pool', of: 'average', positions: 3, channels: 4 }, inputs: [2], output: 4 },
      { name: 'd', op: product(12, 4, 'd'), inputs: [1], output: 5 },
      { name: 'sum', op: { kind: 'add' }, inputs: [3, 4, 5, 3], output: 6 },
      { name: 'out', op: product(4, 4, 'out'), inputs: [6], output: 7 },
    ],
    output: 7,
    tensors: weights(['a/kernel', [6, 12]], ['b/kernel', [12, 4]], ['d/kernel', [12, 4]], ['out/kernel', [4, 4]]),
  }

  /** A value and itself in another shape, both taken twice. */
  const reshaped: Graph = {
    values: [[6], [6], [2, 3], [2, 3], [6], [6], [6]],
    nodes: [
      { name: 'a', op: product(6, 6, 'a'), inputs: [0], output: 1 },
      { name: 'shaped', op: { kind: 'reshape' }, inputs: [1], output: 2 },
      { name: 'twice', op: { kind: 'add' }, inputs: [2, 2], output: 3 },
      { name: 'flat', op: { kind: 'reshape' }, inputs: [3], output: 4 },
      { name: 'both', op: { kind: 'add' }, inputs: [4, 1], output: 5 },
      { name: 'b', op: product(6, 6, 'b'), inputs: [5], output: 6 },
    ],
    output: 6,
    tensors: weights(['a/kernel', [6, 6]], ['b/kernel', [6, 6]]),
  }

  test.each([1, 2, 13, 40])('in batches of %i', (rows) => {
    for (let seed = 0; seed < 5; seed++) {
      expectGradient(problemOfGraph(branched, { shape: [6], classes: 4 }, { rows, seed }))
      expectGradient(problemOfGraph(reshaped, { shape: [6], classes: 6 }, { rows, seed }))
    }
  })
})

describe('random models', () => {
  test.each([
    ['sequences', sequences],
    ['graphs of layers', graphs],
  ])('%s', (_, topologies) => {
    const held = ({ topology, data }: Topology, rows: number) =>
      expectGradient(problemOf({ layers: topology }, dataEnds(data), { rows, seed: rows }))
    fc.assert(fc.property(topologies, fc.integer({ min: 1, max: 40 }), held), { numRuns: 60 })
  })
})

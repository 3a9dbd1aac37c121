import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dataEnds } from '../../../core/plan/data.ts'
import { randomOf } from '../../../core/random/random.ts'
import { graphs, sequences, type Topology } from '../graph/topologies.ts'
import { type Problem, problemOf } from '../wasm/problems.ts'
import { derivedRows, meanGradient, totalLoss } from './reference.ts'
import { erf } from './special-functions.ts'

/** The slope along a random direction, by differences of the loss. */
function expectSlope(problem: Problem, loss?: 'mse' | { huber: { delta: number } }): void {
  const { weights, batch } = problem
  const rows = derivedRows({ ...problem, loss }, weights, batch)
  const margin = Math.min(...rows.map((row) => row.margin))
  fc.pre(margin > 1e-4)
  const random = randomOf(3, 'direction')
  const direction = Float64Array.from(weights, () => random.normal())
  const step = 1e-6
  const at = (sign: number) => {
    const moved = Float64Array.from(weights, (weight, i) => weight + sign * step * direction[i]!)
    return totalLoss(derivedRows({ ...problem, loss }, moved, batch)) / batch.rows
  }
  const slope = (at(1) - at(-1)) / (2 * step)
  const gradient = meanGradient(rows)
  const expected = gradient.reduce((sum, value, i) => sum + value * direction[i]!, 0)
  expect(Math.abs(slope - expected)).toBeLessThan(1e-6 * (1 + Math.hypot(...gradient) * Math.hypot(...direction)))
}

describe('the derivatives of the reference are those of its values', () => {
  test.each([
    ['sequences', sequences],
    ['graphs of layers', graphs],
  ])('in random %s', (_, topologies) => {
    const held = ({ topology, data }: Topology) =>
      expectSlope(problemOf({ layers: topology }, dataEnds(data), { rows: 2 }))
    fc.assert(fc.property(topologies, held), { numRuns: 60 })
  })

  test.each([
    ['of a binary label', { shape: [3], classes: 1 }, undefined],
    ['squared', { shape: [3], classes: 1, numeric: { min: -2, max: 3 } }, 'mse'],
    ['by Huber', { shape: [3], classes: 1, numeric: { min: -2, max: 3 } }, { huber: { delta: 2 } }],
  ] as const)('with the loss %s', (_, ends, loss) => {
    for (let seed = 0; seed < 20; seed++) {
      expectSlope(problemOf({ mlp: { hidden: [4], activation: 'tanh' } }, ends, { rows: 6, seed }), loss)
    }
  })
})

test('the error function is right to the last places', () => {
  // As the C library of GNU has it.
  for (const [x, value] of [
    [0, 0],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [3, 0.9999779095030014],
    [5, 0.9999999999984626],
  ] as const) {
    expect(Math.abs(erf(x) - value)).toBeLessThan(1e-15)
    expect(erf(-x)).toBe(-erf(x))
  }
})

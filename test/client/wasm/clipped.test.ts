/** Gradients of single rows, clipped and summed, against one row after the other. */
import { describe, expect, test } from 'vitest'
import { combined, gradientError, relativeError, totalLoss } from '../reference/reference.ts'
import { type Case, cases } from './layer-cases.ts'
import { begun, derivedOf, type Problem, problemOf, stepped, trainingOf } from './problems.ts'

/** Σᵢ min(1, clip/‖gᵢ‖)·gᵢ / divisor, as the engine adds it up. */
function gathered(problem: Problem, clip: number, divisor: number, rows?: number) {
  const session = begun(problem, trainingOf(), rows === undefined ? {} : { rows })
  try {
    const loss = session.addClipped(problem.batch, clip, divisor)
    return { loss, gradient: session.gathered.slice() }
  } finally {
    session.end()
  }
}

const normOf = (values: ArrayLike<number>) => Math.hypot(...Array.from(values))

/** With norms that are all clipped, none, and half of them. */
function expectClipped(problem: Problem): void {
  const rows = derivedOf(problem)
  const norms = rows.map(({ gradient }) => normOf(gradient)).sort((a, b) => a - b)
  const middle = norms[Math.floor(norms.length / 2)]!
  for (const clip of [norms[0]! / 2, middle, 2 * norms.at(-1)!]) {
    for (const divisor of [rows.length, 7.5]) {
      const expected = combined(rows, ({ gradient }) => Math.min(1, clip / normOf(gradient)) / divisor)
      const actual = gathered(problem, clip, divisor)
      expect(gradientError(actual.gradient, expected)).toBeLessThan(1e-4)
      expect(Math.abs(actual.loss / totalLoss(rows) - 1)).toBeLessThan(1e-4)
      expect(normOf(actual.gradient)).toBeLessThanOrEqual((clip * rows.length * (1 + 1e-5)) / divisor)
    }
  }
}

describe('every kind of layer', () => {
  test.each(cases)('$name', ({ model, ends, vocabulary }: Case) => {
    for (const rows of [1, 6, 17]) expectClipped(problemOf(model, ends, { rows, seed: rows, vocabulary }))
  })
})

describe('the sum of clipped gradients', () => {
  const mlp = { mlp: { hidden: [9, 5] } }
  const ends = { shape: [11], classes: 4 }

  test('is the plain gradient where nothing is clipped', () => {
    const problem = problemOf(mlp, ends, { rows: 20 })
    const { gradient, loss } = stepped(problem)
    const clipped = gathered(problem, 1e9, 20)
    expect(relativeError(clipped.gradient, gradient)).toBeLessThan(1e-5)
    expect(clipped.loss).toBe(loss)
  })

  test('does not depend on how many rows are done at a time', () => {
    const problem = problemOf(mlp, ends, { rows: 20 })
    const whole = gathered(problem, 0.5, 20)
    for (const rows of [1, 7, 19, 64]) {
      const parts = gathered(problem, 0.5, 20, rows)
      expect(relativeError(parts.gradient, whole.gradient)).toBeLessThan(1e-6)
      expect(parts.loss).toBeCloseTo(whole.loss, 6)
    }
  })

  test('grows until it is applied, and then begins anew', () => {
    const problem = problemOf(mlp, ends, { rows: 20 })
    const once = gathered(problem, 0.5, 20).gradient
    const session = begun(problem, trainingOf({ optimizer: { sgd: { learningRate: 2 } } }))
    session.addClipped(problem.batch, 0.5, 20)
    session.addClipped(problem.batch, 0.5, 20)
    expect(
      relativeError(
        session.gathered,
        once.map((value) => 2 * value),
      ),
    ).toBeLessThan(1e-6)
    expect(session.weights).toEqual(problem.weights)
    session.gathered[3] = 5
    const expected = problem.weights.map((weight, i) => weight - 2 * session.gathered[i]!)
    session.applyGathered()
    expect(relativeError(session.weights, expected)).toBeLessThan(1e-7)
    expect(session.gathered.every((value) => value === 0)).toBe(true)
    session.end()
  })
})

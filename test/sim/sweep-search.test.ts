/** Which points a sweep asks for, on functions that are known: nothing is simulated here. */
import { describe, expect, test } from 'vitest'
import { type Axis, axisOf, coordinateAt, labelsOf, type Point, placeOf, type RangeAxis } from '../../sim/sweep/axes.ts'
import type { SearchOptions } from '../../sim/sweep/definition.ts'
import { backward, cholesky, forward } from '../../sim/sweep/search/cholesky.ts'
import { expectedImprovement } from '../../sim/sweep/search/expected-improvement.ts'
import { GaussianProcess } from '../../sim/sweep/search/gaussian-process.ts'
import { type Scored, searchOf } from '../../sim/sweep/search/search.ts'

const range = (name: string, from: number, to: number, log = false, integer = false): RangeAxis => ({
  kind: 'range',
  name,
  from,
  to,
  log,
  integer,
})
const choices = (name: string, ...labels: string[]): Axis => ({
  kind: 'choices',
  name,
  choices: labels.map((label) => ({ label, settings: [[name, label]] })),
})

/** Everything that a search asks for until it ends, scored by `f`. */
function searched(
  axes: readonly Axis[],
  options: SearchOptions,
  f: (point: Point) => number | null,
  goal: 'max' | 'min' = 'max',
): Scored[] {
  const search = searchOf(axes, options, goal)
  const done: Scored[] = []
  for (;;) {
    const points = search.next(done)
    if (points.length === 0) return done
    for (const point of points) done.push({ point, score: f(point) })
  }
}

const bayes = (points: number, seed: number, batch = 1): SearchOptions => ({
  kind: 'bayes',
  points,
  start: 5,
  batch,
  seed,
})
const random = (points: number, seed: number): SearchOptions => ({ kind: 'random', points, seed })

/** Smooth, with its optimum of 0 at x = 0.3 and a learning rate of 0.03. */
const plane = [range('x', 0, 1), range('rate', 0.001, 1, true)]
function hill([x, rate]: Point): number {
  const place = placeOf(plane[1]!, rate!)
  const [at, wanted] = [placeOf(plane[1]!, 0.03), 0.3]
  return -((x! - wanted) ** 2) - (place - at) ** 2 - 0.5 * (x! - wanted) * (place - at)
}

describe('a grid', () => {
  test('is every combination, in the order in which the axes and their values stand', () => {
    const axes = [choices('rule', 'mean', 'krum'), choices('attack', 'a', 'b', 'c')]
    const points = searched(axes, { kind: 'grid' }, () => 0).map(({ point }) => labelsOf(axes, point))
    expect(points.map(({ rule, attack }) => `${rule} ${attack}`)).toEqual([
      'mean a',
      'mean b',
      'mean c',
      'krum a',
      'krum b',
      'krum c',
    ])
  })
})

describe('a random search', () => {
  test('draws the same from the same seed and something else from another', () => {
    const points = (seed: number) => searched(plane, random(20, seed), hill)
    expect(points(1)).toEqual(points(1))
    expect(points(1)).toHaveLength(20)
    expect(points(2)).not.toEqual(points(1))
  })

  test('draws evenly on the scale of each axis', () => {
    const rates = searched(plane, random(2_000, 1), hill).map(({ point }) => point[1]!)
    const below = (bound: number) => rates.filter((rate) => rate < bound).length / rates.length
    for (const [bound, share] of [
      [0.01, 1 / 3],
      [0.1, 2 / 3],
    ] as const)
      expect(below(bound)).toBeCloseTo(share, 1)
  })

  test('asks for no point twice, and ends when there are no others', () => {
    const found = searched([choices('a', 'x', 'y'), range('n', 1, 3, false, true)], random(50, 3), () => 1)
    expect(found).toHaveLength(6)
    expect(new Set(found.map(({ point }) => String(point))).size).toBe(6)
  })

  test('gives whole numbers where a field takes no others, six digits else', () => {
    const axis = axisOf('plan.rounds', { from: 1, to: 100 }, undefined)
    expect(axis).toMatchObject({ integer: true })
    expect(coordinateAt(axis, 0.123456)).toBe(13)
    expect(coordinateAt(axisOf('world.seed', { from: 1, to: 9 }, undefined), 0.5)).toBe(5)
    expect(coordinateAt(plane[0]!, 1 / 3)).toBe(0.333333)
    expect(coordinateAt(plane[1]!, 0.5)).toBe(0.0316228)
  })
})

describe('a Bayesian search', () => {
  test('asks for the same points again when it is told the same', () => {
    expect(searched(plane, bayes(15, 1), hill)).toEqual(searched(plane, bayes(15, 1), hill))
    expect(searched(plane, bayes(15, 2), hill)).not.toEqual(searched(plane, bayes(15, 1), hill))
  })

  /** Points until one is within 1e-3 of the optimum; all of them where none is. */
  const needed = (found: readonly Scored[]) => {
    const first = found.findIndex(({ score }) => score! > -1e-3)
    return first < 0 ? found.length : first + 1
  }

  test('finds the top of a hill with far fewer points than chance', () => {
    const seeds = [1, 2, 3, 4, 5, 6]
    const mean = (of: (seed: number) => number) => seeds.reduce((sum, seed) => sum + of(seed), 0) / seeds.length
    const bySearch = mean((seed) => needed(searched(plane, bayes(25, seed), hill)))
    const byChance = mean((seed) => needed(searched(plane, random(400, seed), hill)))
    expect(bySearch).toBeLessThan(18)
    expect(byChance).toBeGreaterThan(2 * bySearch)
  })

  test('finds the bottom of a valley alike', () => {
    const valley = searched(plane, bayes(15, 1), (point) => -hill(point), 'min')
    expect(valley.map(({ point }) => point)).toEqual(searched(plane, bayes(15, 1), hill).map(({ point }) => point))
  })

  test('chooses among names as well, and leaves where there are no scores', () => {
    const axes = [choices('rule', 'a', 'b', 'c', 'd'), plane[1]!]
    const found = searched(axes, bayes(25, 1), ([rule, rate]) => {
      if (rule === 0) return null
      return (rule === 2 ? 0.5 : 0) + hill([0.3, rate!])
    })
    const best = found.reduce((a, b) => ((b.score ?? -9) > (a.score ?? -9) ? b : a))
    expect(best.point[0]).toBe(2)
    expect(best.score).toBeGreaterThan(0.499)
    const rules = found.map(({ point }) => point[0])
    expect(rules.filter((rule) => rule === 0).length).toBeLessThan(rules.filter((rule) => rule === 2).length / 2)
  })

  test('proposes several points at once that are not the same', () => {
    const found = searched(plane, bayes(17, 1, 4), hill)
    expect(found).toHaveLength(17)
    expect(new Set(found.map(({ point }) => String(point))).size).toBe(17)
    expect(Math.max(...found.map(({ score }) => score!))).toBeGreaterThan(-0.01)
  })

  test('ends when a small space is used up', () => {
    expect(searched([choices('a', 'x', 'y'), choices('b', 'x', 'y', 'z')], bayes(30, 1), () => null)).toHaveLength(6)
  })
})

describe('its parts', () => {
  test('Cholesky’s factors solve linear equations, and there are none of what is not positive definite', () => {
    const lower = cholesky(Float64Array.of(4, 2, 0.6, 2, 5, 1, 0.6, 1, 3), 3)!
    const x = backward(lower, forward(lower, Float64Array.of(1, 2, 3)))
    const product = [
      4 * x[0]! + 2 * x[1]! + 0.6 * x[2]!,
      2 * x[0]! + 5 * x[1]! + x[2]!,
      0.6 * x[0]! + x[1]! + 3 * x[2]!,
    ]
    for (const [i, value] of product.entries()) expect(value).toBeCloseTo(i + 1, 12)
    expect(cholesky(Float64Array.of(1, 2, 2, 1), 2)).toBeUndefined()
  })

  test('a Gaussian process knows what it was told, guesses between, and doubts far away', () => {
    const inputs = Array.from({ length: 9 }, (_, i) => [i / 16])
    const f = (x: number) => 3 + 2 * Math.sin(6 * x)
    const process = GaussianProcess.fit(
      inputs,
      inputs.map(([x]) => f(x!)),
      [0],
    )
    for (const [x] of inputs) expect(process.at([x!]).mean).toBeCloseTo(f(x!), 2)
    expect(Math.abs(process.at([0.22]).mean - f(0.22))).toBeLessThan(0.02)
    expect(process.at([1]).deviation).toBeGreaterThan(10 * process.at([0.22]).deviation)
  })

  test('a Gaussian process sees which input matters', () => {
    const inputs = Array.from({ length: 21 }, (_, i) => [(i % 7) / 6, Math.floor(i / 7) / 2])
    const process = GaussianProcess.fit(
      inputs,
      inputs.map(([x]) => Math.sin(5 * x!)),
      [0, 1],
    )
    expect(Math.abs(process.at([1 / 4, 0.1]).mean - Math.sin(5 / 4))).toBeLessThan(0.05)
    expect(Math.abs(process.at([1 / 4, 0.1]).mean - process.at([1 / 4, 0.9]).mean)).toBeLessThan(0.02)
  })

  test('expected improvement is that of a normal distribution', () => {
    // φ(0) = 0.39894; of a standard normal value, E max(x − 1, 0) = φ(1) − (1 − Φ(1)) = 0.083315.
    expect(expectedImprovement({ mean: 0, deviation: 1 }, 0)).toBeCloseTo(0.398942, 6)
    expect(expectedImprovement({ mean: 0, deviation: 1 }, 1)).toBeCloseTo(0.083315, 6)
    expect(expectedImprovement({ mean: 3, deviation: 2 }, 1)).toBeCloseTo(2 * 1.083315, 5)
    expect(expectedImprovement({ mean: 3, deviation: 0 }, 1)).toBe(2)
    expect(expectedImprovement({ mean: 0, deviation: 0 }, 1)).toBe(0)
  })
})

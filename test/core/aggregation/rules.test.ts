/** One contract for every rule and stage in the registry. */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type RuleName, rules, type StageName, stages } from '../../../core/aggregation/registry.ts'
import { type Random, randomOf } from '../../../core/random/random.ts'
import { type RuleCase, ruleCases, stageCases } from './rule-cases.ts'
import {
  decideOn,
  distanceOf,
  type Given,
  inputOf,
  lengthOf,
  matrixOf,
  meanVector,
  mixed,
  optionsOf,
  resultOf,
  ruleOf,
  stageOf,
} from './vectors.ts'

const ruleNames = Object.keys(rules) as RuleName[]
const stageNames = Object.keys(stages) as StageName[]
const D = 24
const F = 3
const seeds = fc.integer({ min: 0, max: 2 ** 31 })
const runs = { numRuns: 25 }

const gaussian = (random: Random, scale = 1) => Float64Array.from({ length: D }, () => scale * random.normal())
const plus = (a: Float64Array, b: Float64Array | number) =>
  a.map((value, j) => value + (typeof b === 'number' ? b : b[j]!))

/** Honest clients that agree by and large, in the first places, and attackers who agree on something else. No ties. */
function crowd(seed: number): Given & { readonly honest: number } {
  const random = randomOf(seed)
  const honest = 12 + random.below(3)
  const points = Array.from({ length: honest + F }, (_, i) => plus(gaussian(random), i < honest ? 2 : -2))
  return {
    points,
    honest,
    samples: points.map(() => 1 + random.below(100)),
    steps: points.map(() => 1 + random.below(20)),
    root: plus(gaussian(random), 2),
    center: gaussian(random, 0.1),
    histories: points.map(() => gaussian(random, 3)),
    seed,
  }
}

function shuffled(given: Given, order: readonly number[]): Given {
  const take = <Item>(items: readonly Item[] | undefined) => order.map((i) => items![i]!)
  return {
    ...given,
    points: take(given.points),
    samples: take(given.samples),
    steps: take(given.steps),
    histories: take(given.histories),
  }
}

function expectNear(actual: Float64Array, expected: Float64Array, tolerance = 1e-9): void {
  expect(actual.every(Number.isFinite)).toBe(true)
  expect(distanceOf(actual, expected)).toBeLessThanOrEqual(tolerance * (1 + lengthOf(expected)))
}

describe('the registry', () => {
  test.each([
    ['rules', ruleNames],
    ['before', stageNames],
  ])('knows every file of %s by its name', (folder, names) => {
    const path = fileURLToPath(new URL(`../../../core/aggregation/${folder}`, import.meta.url))
    expect(readdirSync(path).sort()).toEqual(names.map((name) => `${name}.ts`).sort())
  })

  test('is what the cases of this test cover', () => {
    expect(Object.keys(ruleCases).sort()).toEqual([...ruleNames].sort())
    expect(Object.keys(stageCases).sort()).toEqual([...stageNames].sort())
  })
})

describe.each(ruleNames)('%s', (name) => {
  const one: RuleCase = ruleCases[name]
  const options = one.options(F)

  test('is right where a person can follow', () => {
    const { options, given, expected } = one.byHand
    expectNear(resultOf(name, options, given), Float64Array.from(expected[0]!), 1e-12)
  })

  test('does not care in which order the clients are', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const given = crowd(seed)
        const order = randomOf(seed, 'order').shuffle(given.points.map((_, i) => i))
        // The trusted client has another place, too.
        const moved = name === 'monna' ? { ...options, trusted: `c${order.indexOf(0)}` } : options
        const before = decideOn(name, options, given)
        const after = decideOn(name, moved, shuffled(given, order))
        expectNear(resultOf(name, moved, shuffled(given, order)), resultOf(name, options, given))
        const out = ({ leftOut }: typeof before) => leftOut.map(({ point }) => point)
        expect(
          out(after)
            .map((point) => order[point])
            .sort(),
        ).toEqual(out(before).sort())
        if (before.kind !== 'combination' || after.kind !== 'combination') return
        const expected = order.map((i) => before.coefficients[i]!)
        expectNear(after.coefficients.slice(0, order.length), Float64Array.from(expected))
      }),
      runs,
    )
  })

  test.runIf(one.translation === true)('moves with the updates', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const given = crowd(seed)
        const by = gaussian(randomOf(seed, 'by'), 5)
        const moved = { ...given, points: given.points.map((point) => plus(point, by)) }
        expectNear(resultOf(name, options, moved), plus(resultOf(name, options, given), by), 1e-8)
      }),
      runs,
    )
  })

  test('says which points have no part, each once and with the reason; all others have one', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const given = crowd(seed)
        const verdict = decideOn(name, options, given)
        const out = verdict.leftOut.map(({ point }) => point)
        const used =
          verdict.kind === 'reduction'
            ? [...verdict.points]
            : given.points.map((_, i) => i).filter((i) => verdict.coefficients[i] !== 0)
        expect([...used, ...out].sort((a, b) => a - b)).toEqual(given.points.map((_, i) => i))
        for (const { why } of verdict.leftOut) expect(why).toMatch(/^.{10,120}$/)
        if (verdict.kind === 'reduction') expect(used).toEqual(used.toSorted((a, b) => a - b))
      }),
      runs,
    )
  })

  test.runIf(one.sum !== undefined)(`has coefficients from 0 to 1 whose sum is ${one.sum}`, () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const given = crowd(seed)
        const verdict = decideOn(name, options, given)
        if (verdict.kind !== 'combination') throw new Error('a reduction has no coefficients')
        expect(verdict.coefficients).toHaveLength(inputOf(given).input.gram.size)
        const sum = verdict.coefficients.reduce((total, value) => total + value, 0)
        expect(Math.min(...verdict.coefficients)).toBeGreaterThanOrEqual(0)
        if (one.sum === 'one') expect(sum).toBeCloseTo(1, 12)
        if (one.sum === 'at most one') expect(sum).toBeLessThanOrEqual(1 + 1e-12)
        if (one.sum !== 'scaled to the root') expect(Math.max(...verdict.coefficients)).toBeLessThanOrEqual(1 + 1e-12)
      }),
      runs,
    )
  })

  test.runIf(one.unanimous === true)('gives back the update that everybody sent', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const given = crowd(seed)
        const update = given.points[0]!
        expectNear(resultOf(name, options, { ...given, points: given.points.map(() => update) }), update)
      }),
      runs,
    )
  })

  test('decides the same ten times over, and leaves its input as it was', () => {
    const { input } = inputOf(crowd(7))
    const kept = input.gram.values.slice()
    const parsed = optionsOf(name, options)
    const verdicts = Array.from({ length: 10 }, () => ruleOf(name).decide(input, parsed))
    for (const verdict of verdicts) expect(verdict).toStrictEqual(verdicts[0])
    expect(input.gram.values).toEqual(kept)
  })

  test.runIf(!('none' in one.bound))('is not drawn far by f arbitrary updates', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { given, honest, trusted } = attacked(seed)
        const result = resultOf(name, name === 'monna' ? { ...options, trusted: `c${trusted}` } : options, given)
        expect(result.every(Number.isFinite)).toBe(true)
        expectWithin(one.bound, result, given, honest)
      }),
      { numRuns: 100 },
    )
  })

  test('has a part for everybody or a reason, and only finite numbers, whatever the updates are', () => {
    const shapes: ((i: number) => number[])[] = [
      () => [0, 0],
      () => [1, -2],
      (i) => (i === 0 ? [0, 0] : [1, 0]),
      (i) => (i === 0 ? [1e30, 1e30] : [0, 1]),
      (i) => [i % 2 === 0 ? 1e30 : -1e30, 1e-30],
      (i) => [1e-160 * i, 0],
    ]
    for (const shape of shapes) {
      for (let n = 1; n <= 9; n++) {
        const zero = Float64Array.of(0, 0)
        const points = Array.from({ length: n }, (_, i) => Float64Array.from(shape(i)))
        const given: Given = { points, root: zero, center: zero, histories: points.map(() => zero) }
        const breakdown = ruleOf(name).breakdown(n, optionsOf(name, one.options(0)))
        for (const f of [0, breakdown].filter((f) => f >= 0 && f <= breakdown)) {
          const verdict = decideOn(name, one.options(f), given)
          expect(verdict.leftOut.every(({ why }) => !/NaN|undefined|Infinity/.test(why))).toBe(true)
          if (verdict.kind === 'combination') expect(verdict.coefficients.every(Number.isFinite)).toBe(true)
          else expectReducible(verdict.points.length, verdict.reduce)
        }
      }
    }
  })

  test('refuses more attackers than it withstands instead of averaging', () => {
    for (let n = 1; n <= 24; n++) {
      const rule = ruleOf(name)
      const most = rule.breakdown(n, optionsOf(name, one.options(0)))
      const options = optionsOf(name, one.options(most + 1))
      if (rule.attackers(options) === undefined) continue
      const zero = new Float64Array(1)
      const points = Array.from({ length: n }, () => zero)
      const { input } = inputOf({ points, root: zero, center: zero, histories: points })
      expect(() => rule.decide(input, options)).toThrow(expect.objectContaining({ code: 'round.aggregation-failed' }))
    }
  })
})

function expectReducible(points: number, reduce: { kind: string; drop?: number; keep?: number }): void {
  expect(points).toBeGreaterThan(0)
  if (reduce.kind === 'trimmed-mean') expect(2 * reduce.drop!).toBeLessThan(points)
  else {
    expect(reduce.keep).toBeGreaterThanOrEqual(1)
    expect(reduce.keep).toBeLessThanOrEqual(points)
  }
}

/** Attackers in random places who send anything, each on his own. */
function attacked(seed: number): { given: Given; honest: Float64Array[]; trusted: number } {
  const random = randomOf(seed, 'attack')
  const crowded = crowd(seed)
  const honest = crowded.points.slice(0, crowded.honest)
  const mean = meanVector(honest)
  const attacks = [
    () => gaussian(random, 1e30),
    () => gaussian(random, 1e8),
    () => gaussian(random, 1e-30),
    () => mean.map((value) => -1e30 * value),
    () => mean.map((value) => -3 * value),
    () => mean.map((value) => 1.5 * value),
    () => plus(mean, gaussian(random, 3)),
    () => new Float64Array(D),
    () => honest[0]!,
  ]
  const attackers = Array.from({ length: F }, () => attacks[random.below(attacks.length)]!())
  const order = random.shuffle(crowded.points.map((_, i) => i))
  const all = [...honest, ...attackers]
  return {
    given: { ...crowded, points: order.map((i) => all[i]!) },
    honest,
    trusted: order.indexOf(0),
  }
}

function expectWithin(bound: RuleCase['bound'], result: Float64Array, given: Given, honest: Float64Array[]): void {
  if ('diameter' in bound) {
    const diameter = Math.max(...honest.flatMap((a) => honest.map((b) => distanceOf(a, b))))
    const most = bound.diameter(given.points.length, F, D) * diameter
    expect(distanceOf(result, meanVector(honest))).toBeLessThanOrEqual(most)
  } else if ('norm' in bound) {
    const longest = Math.max(...[...honest, given.root!].map(lengthOf))
    expect(lengthOf(result)).toBeLessThanOrEqual(longest * (1 + 1e-12))
  } else if ('radius' in bound) {
    expect(distanceOf(result, given.center!)).toBeLessThanOrEqual(bound.radius * (1 + 1e-12))
  }
}

describe.each(stageNames)('%s', (name) => {
  const one = stageCases[name]
  const options = one.options(F)

  test('is right where a person can follow', () => {
    const { options, given, expected } = one.byHand
    const made = mixed(matrixOf(name, options, given), given.points)
    expect(made).toHaveLength(expected.length)
    for (const [i, row] of made.entries()) expectNear(row, Float64Array.from(expected[i]!), 1e-12)
  })

  test('makes as many points as it says, and marks rightly whether it mixes them', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const given = crowd(seed)
        const n = given.points.length
        const matrix = matrixOf(name, options, given)
        expect([matrix.rows, matrix.columns]).toEqual([stageOf(name).count(n, options), n])
        expect(matrix.values.every((value) => value >= 0 && Number.isFinite(value))).toBe(true)
        const mixes = matrix.values.some((value, at) => value !== 0 && Math.floor(at / n) !== at % n)
        expect(mixes).toBe(stageOf(name).mixes)
      }),
      runs,
    )
  })

  // Bucketing draws by place.
  test.runIf(name !== 'bucketing')('does not care in which order the clients are', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const given = crowd(seed)
        const order = randomOf(seed, 'order').shuffle(given.points.map((_, i) => i))
        const after = mixed(matrixOf(name, options, shuffled(given, order)), shuffled(given, order).points)
        const before = mixed(matrixOf(name, options, given), given.points)
        for (const [k, row] of after.entries()) expectNear(row, before[order[k]!]!)
      }),
      runs,
    )
  })

  test.runIf(one.translation === true)('moves with the updates', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const given = crowd(seed)
        const by = gaussian(randomOf(seed, 'by'), 5)
        const moved = { ...given, points: given.points.map((point) => plus(point, by)) }
        const before = mixed(matrixOf(name, options, given), given.points)
        const after = mixed(matrixOf(name, options, moved), moved.points)
        for (const [i, row] of after.entries()) expectNear(row, plus(before[i]!, by), 1e-8)
      }),
      runs,
    )
  })

  test('decides the same ten times over, and leaves its input as it was', () => {
    const { input } = inputOf(crowd(7))
    const kept = input.gram.values.slice()
    const parsed = { f: F, ...(stageOf(name).options.parse(options) as object) }
    const made = Array.from({ length: 10 }, () => stageOf(name).apply(input, parsed))
    for (const matrix of made) expect(matrix).toStrictEqual(made[0])
    expect(input.gram.values).toEqual(kept)
  })

  test('takes zero and huge updates', () => {
    const points = [0, 1e30, 0, -1e30, 1, 1, 2].map((value) => Float64Array.of(value, 0))
    const { values } = matrixOf(name, one.options(0), { points })
    expect(values.every(Number.isFinite)).toBe(true)
  })

  test('refuses more attackers than it withstands', () => {
    const points = Array.from({ length: 6 }, (_, i) => Float64Array.of(i))
    const most = stageOf(name).breakdown(6, stageOf(name).options.parse(one.options(0)))
    if (most === Number.POSITIVE_INFINITY) return
    const { options } = stageOf(name)
    const parsed = { ...(options.parse(one.options(0)) as object), f: most + 1 }
    expect(() => stageOf(name).apply(inputOf({ points }).input, parsed)).toThrow(
      expect.objectContaining({ code: 'round.aggregation-failed' }),
    )
  })
})

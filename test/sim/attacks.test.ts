import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ParleyError } from '../../core/errors/index.ts'
import { randomOf } from '../../core/random/random.ts'
import { maximise } from '../../sim/attacks/line-search.ts'
import { normalQuantile } from '../../sim/attacks/normal-quantile.ts'
import { type AttackName, attackOf, attackSchema, attacks } from '../../sim/attacks/registry.ts'
import { largestZ } from '../../sim/attacks/update/alie.ts'
import { distanceOf, lengthOf, meanVector } from '../core/aggregation/vectors.ts'
import { root } from '../support/source-files.ts'
import { aggregateOf, crowd, floats, sent, viewOf } from './attacks-input.ts'

const updateAttacks = (Object.keys(attacks) as AttackName[]).filter((name) => attacks[name].kind === 'update')
const wide = (vector: Float32Array) => Float64Array.from(vector)
const meanOf = (updates: readonly Float32Array[]) => meanVector(updates.map(wide))
const near = (vector: Float32Array, ...expected: number[]) => {
  expect(vector.length).toBe(expected.length)
  for (const [j, value] of expected.entries()) expect(vector[j]).toBeCloseTo(value, 5)
}

/** Mean (2, 0, −2), deviation (1, 2, 1). */
const three = [floats(1, -2, -3), floats(2, 0, -2), floats(3, 2, -1)]

describe('the registry', () => {
  test.each(['update', 'data', 'frames'])('knows every file of sim/attacks/%s by its name and kind', (kind) => {
    const files = readdirSync(join(root, 'sim/attacks', kind)).map((file) => file.replace(/\.ts$/, ''))
    const registered = Object.entries(attacks).filter(([, attack]) => attack.kind === kind)
    expect(registered.map(([name]) => name).sort()).toEqual(files.sort())
  })

  test('an attack is a name with options, or a name alone', () => {
    expect(attackOf(attackSchema.parse({ alie: { z: 'max' } }))).toMatchObject({ name: 'alie', options: { z: 'max' } })
    expect(attackOf(attackSchema.parse('inner-product'))).toMatchObject({ options: { tau: 2 } })
  })

  test.each([
    ['an unknown name', 'allie'],
    ['an unknown option', { alie: { tau: 1 } }],
    ['two attacks', { alie: {}, mimic: {} }],
    ['an option out of its range', { backdoor: { share: 2 } }],
  ])('%s is refused', (_, value) => {
    expect(attackSchema.safeParse(value).success).toBe(false)
  })

  test('only attacks that say so look at honest updates', async () => {
    for (const name of updateAttacks) {
      const attack = attacks[name]
      if (attack.kind !== 'update' || attack.knowledge !== 'own') continue
      const honest = new Proxy([], {
        get() {
          throw new Error(`${name} looked`)
        },
      })
      await sent(name, {}, { ...viewOf(three), honest })
    }
  })
})

describe('by hand', () => {
  test.each<[AttackName, object, number[]]>([
    ['sign-flip', {}, [-2, 0, 2]],
    ['own-sign-flip', { scale: 2 }, [-6, -4, 2]],
    ['inner-product', { tau: 0.5 }, [-1, 0, 1]],
    ['alie', { z: 2 }, [4, 4, 0]],
    ['alie', { z: -1 }, [1, -2, -3]],
    ['mimic', { client: 1 }, [2, 0, -2]],
    ['mimic', { client: 4 }, [2, 0, -2]],
    ['max-norm-negative', { norm: Math.SQRT2 }, [-1, 0, 1]],
    ['free-rider', { send: 'zero' }, [0, 0, 0]],
    ['free-rider', {}, [0, 0, 0]],
  ])('%s %o', async (name, options, expected) => {
    near(await sent(name, options, viewOf(three)), ...expected)
  })

  test('a free rider echoes the last aggregate', async () => {
    near(await sent('free-rider', {}, viewOf(three, { previous: floats(1, 2, 3) })), 1, 2, 3)
  })

  test('min-max and min-sum stop where the honest updates do', async () => {
    // On a line, −1, 0 and 1: the widest pair is 2 apart, so that −1 is as far as one may go from 1.
    const line = [floats(-1), floats(0), floats(1)]
    near(await sent('min-max', {}, viewOf(line)), -1)
    // The largest sum of squares is 5, of an end; around m it is 2 + 3m².
    near(await sent('min-sum', {}, viewOf(line)), -1)
    near(await sent('min-max', { direction: 'sign' }, viewOf([floats(1), floats(2), floats(3)])), 1)
  })

  test('Fang’s attack on the trimmed mean lies just beyond the honest values', async () => {
    const vector = await sent('fang-trim', {}, viewOf([floats(1, 3, -3, -2, 0), floats(2, -1, -1, 1, 0)]))
    // Means 1.5, 1, −2, −0.5, 0.
    const ranges = [
      [0.5, 1],
      [-2, -1],
      [-1, -0.5],
      [1, 2],
      [0, 0],
    ]
    for (const [j, [least, most]] of ranges.entries()) {
      expect(vector[j]).toBeGreaterThanOrEqual(least!)
      expect(vector[j]).toBeLessThanOrEqual(most!)
    }
  })

  test('Fang’s attack on Krum is what Krum picks, and no shorter than needed', async () => {
    // They agree little: against clients who agree by and large Krum picks nothing that lies the other way.
    const honest = crowd(randomOf(7), 8, 24, 3)
    const attack = await sent('fang-krum', {}, viewOf(honest, { attackers: 3 }))
    const krum = aggregateOf({ rule: { krum: { f: 3 } } })
    const copies = (vector: Float32Array) => [...honest, vector, vector, vector]
    expect(await krum(copies(attack))).toEqual(attack)
    expect(Math.sign(attack[0]!)).toBe(-Math.sign(meanOf(honest)[0]!))
    const double = attack.map((value) => 2 * value)
    expect(await krum(copies(double))).not.toEqual(double)
  })

  test('the largest deviation of ALIE', () => {
    // n = 50, m = 12: s = 14 honest clients of 38 have to be farther out, Φ⁻¹(24/38).
    expect(largestZ({ clients: 50, attackers: 12 })).toBeCloseTo(normalQuantile(24 / 38), 12)
    expect(largestZ({ clients: 10, attackers: 9 })).toBe(0)
    expect(largestZ({ clients: 4, attackers: 4 })).toBe(0)
    expect(largestZ({ clients: 20, attackers: 14 })).toBeCloseTo(normalQuantile(5 / 6), 12)
  })

  test('the longest negative update passes the screen', async () => {
    const honest = crowd(randomOf(3), 5, 1000)
    const attack = wide(await sent('max-norm-negative', {}, viewOf(honest, { maxNorm: 7 })))
    expect(lengthOf(attack)).toBeLessThanOrEqual(7)
    expect(lengthOf(attack)).toBeGreaterThan(6.99999)
  })

  test('gaussian noise has the deviation that was asked for', async () => {
    const noise = await sent('gaussian', { deviation: 3 }, { ...viewOf([]), size: 20_000 })
    expect(noise.length).toBe(20_000)
    expect(Math.sqrt(noise.reduce((sum, value) => sum + value * value, 0) / noise.length)).toBeCloseTo(3, 1)
  })
})

describe('the quantiles of the normal distribution', () => {
  // Python’s statistics.NormalDist().inv_cdf.
  test.each([
    [1e-300, -37.0470962993612],
    [1e-20, -9.262340089798405],
    [0.001, -3.090232306167813],
    [0.076, -1.4325027208258114],
    [0.3, -0.5244005127080407],
    [0.5, 0],
    [0.8413447460685429, 1],
    [0.975, 1.9599639845400536],
    [1 - 1e-12, 7.0344869100478356],
  ])('of %d', (p, z) => {
    expect(Math.abs(normalQuantile(p) - z)).toBeLessThanOrEqual(1e-14 * Math.abs(z))
  })

  test('at and beyond the ends', () => {
    expect([normalQuantile(0), normalQuantile(1)]).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY])
    expect([normalQuantile(-0.1), normalQuantile(1.1), normalQuantile(Number.NaN)]).toEqual([NaN, NaN, NaN])
  })
})

describe('the line search', () => {
  const search = { evaluations: 20, start: 0, step: 10, ratio: 0.8 }
  const tracing = async (value: (x: number) => number) => {
    const tried: number[] = []
    const best = await maximise(async (x) => {
      tried.push(x)
      return value(x)
    }, search)
    return { tried, best }
  }

  test('doubles its steps while things get better', async () => {
    const { tried, best } = await tracing((x) => x)
    expect(tried.slice(0, 5)).toEqual([0, 10, 30, 70, 150])
    expect(tried.length).toBe(20)
    expect(best).toBe(tried.at(-1))
  })

  test('then goes back and forth by steps that shrink, never below 0', async () => {
    const { tried, best } = await tracing((x) => -Math.abs(x - 3))
    expect(tried.slice(0, 3)).toEqual([0, 10, 2])
    // A step of 6.4 down from 2 would end at −4.4; halved towards 2 as often as needed, at 0.4.
    expect(tried[3]).toBeCloseTo(0.4, 12)
    expect(Math.min(...tried)).toBeGreaterThanOrEqual(0)
    expect(Math.abs(best - 3)).toBeLessThan(0.5)
  })

  test('stays where nothing is better', async () => {
    expect((await tracing(() => 1)).best).toBe(0)
  })
})

describe('optimised attacks', () => {
  const pipelines = {
    mean: { rule: 'mean' },
    'trimmed mean': { rule: { 'trimmed-mean': { f: 3 } } },
    'nnm, then trimmed mean': { before: [{ nnm: { f: 3 } }], rule: { 'trimmed-mean': { f: 3 } } },
    krum: { rule: { krum: { f: 3 } } },
  }
  const fixed = { 'alie-optimised': ['alie', 'z'], 'inner-product-optimised': ['inner-product', 'tau'] } as const
  const optimised = Object.keys(fixed) as (keyof typeof fixed)[]
  const damageOf = async (name: AttackName, options: object, honest: readonly Float32Array[], pipeline: object) => {
    const aggregate = aggregateOf(pipeline)
    const attack = await sent(name, options, viewOf(honest, { attackers: 3, aggregate }))
    return distanceOf(wide(await aggregate([...honest, attack, attack, attack])), meanOf(honest))
  }

  describe.each(Object.entries(pipelines))('against the %s', (rule, pipeline) => {
    const honest = crowd(randomOf(11), 10, 16)

    test.each(optimised)('%s does at least the damage of its start', async (name) => {
      const [simple, factor] = fixed[name]
      const best = await damageOf(name, {}, honest, pipeline)
      expect(best).toBeGreaterThan(0)
      expect(best).toBeGreaterThanOrEqual((await damageOf(simple, { [factor]: 0 }, honest, pipeline)) - 1e-6)
    })

    // On other rules the best factor may lie between those that were tried.
    test.runIf(['mean', 'trimmed mean'].includes(rule)).each(optimised)('%s beats every fixed factor', async (name) => {
      const [simple, factor] = fixed[name]
      const best = await damageOf(name, {}, honest, pipeline)
      for (const value of [0.5, 1, 1.5, 2, 5, 10, 30]) {
        expect(best).toBeGreaterThanOrEqual((await damageOf(simple, { [factor]: value }, honest, pipeline)) - 1e-6)
      }
    })
  })

  test('keep within the screen', async () => {
    const honest = crowd(randomOf(12), 10, 16)
    for (const name of ['alie-optimised', 'inner-product-optimised'] as const) {
      const view = viewOf(honest, { maxNorm: 50, aggregate: aggregateOf({ rule: 'mean' }) })
      const length = lengthOf(wide(await sent(name, {}, view)))
      expect(length).toBeLessThanOrEqual(50)
      expect(length).toBeGreaterThan(20)
    }
  })

  test('take the mean for the rule where they are not shown it', async () => {
    const honest = crowd(randomOf(13), 10, 16)
    const blind = await sent('alie-optimised', {}, viewOf(honest))
    expect(blind).toEqual(
      await sent('alie-optimised', {}, viewOf(honest, { aggregate: aggregateOf({ rule: 'mean' }) })),
    )
  })

  test('pass over vectors at which the rule fails, and report other failures', async () => {
    const mean = aggregateOf({ rule: 'mean' })
    const picky = (code: 'round.aggregation-failed' | 'internal') => async (updates: readonly Float32Array[]) => {
      if (lengthOf(wide(updates.at(-1)!)) > 30) throw new ParleyError(code)
      return await mean(updates)
    }
    const honest = crowd(randomOf(14), 10, 16)
    const view = (code: 'round.aggregation-failed' | 'internal') => viewOf(honest, { aggregate: picky(code) })
    expect(lengthOf(wide(await sent('alie-optimised', {}, view('round.aggregation-failed'))))).toBeLessThanOrEqual(30)
    await expect(sent('alie-optimised', {}, view('internal'))).rejects.toThrow(ParleyError)
  })

  test('are asked for as many aggregations as they may try', async () => {
    let asked = 0
    const aggregate = async (updates: readonly Float32Array[]) => {
      asked++
      expect(updates.length).toBe(5)
      return updates.at(-1)!
    }
    await sent('inner-product-optimised', { evaluations: 7 }, viewOf(three, { aggregate, maxNorm: 1e15 }))
    expect(asked).toBe(7)
  })
})

describe.each(updateAttacks)('%s', (name) => {
  const rounds = fc.record({
    seed: fc.nat(),
    count: fc.integer({ min: 0, max: 9 }),
    size: fc.integer({ min: 1, max: 20 }),
  })
  const viewFor = ({ seed, count, size }: { seed: number; count: number; size: number }) => {
    const own = crowd(randomOf(seed, 'own'), 1, size)[0]!
    return viewOf(crowd(randomOf(seed), count, size), { size, own: async () => own, random: randomOf(seed, 'a') })
  }

  test('sends the same finite vector of the right length to whoever asks twice, and changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(rounds, async (round) => {
        const view = viewFor(round)
        const before = view.honest.map((update) => Float32Array.from(update))
        const vector = await sent(name, {}, view)
        expect(vector.length).toBe(round.size)
        expect(vector.every(Number.isFinite)).toBe(true)
        expect(await sent(name, {}, viewFor(round))).toEqual(vector)
        expect(view.honest).toEqual(before)
      }),
      { numRuns: 30 },
    )
  })

  test.each([
    ['no honest update', []],
    ['one honest update', [floats(1, -2, 0)]],
    ['equal honest updates', [floats(1, 1, 1), floats(1, 1, 1), floats(1, 1, 1)]],
    ['honest updates that cancel out', [floats(1, 0, -1), floats(-1, 0, 1)]],
    ['honest updates of zero', [floats(0, 0, 0), floats(0, 0, 0)]],
    ['huge honest updates', [floats(3e38, 3e38, -3e38), floats(-3e38, 3e38, -3e38)]],
  ])('is defined for %s', async (_, honest) => {
    expect((await sent(name, {}, viewOf(honest))).every(Number.isFinite)).toBe(true)
  })

  test('makes do with its own update where it sees no other', async () => {
    const own = async () => floats(1, -2, 0.5)
    const blind = await sent(name, {}, { ...viewOf([], { attackers: 1 }), own })
    const seeing = await sent(name, {}, { ...viewOf([await own()], { attackers: 1 }), own })
    if (attacks[name].kind === 'update' && attacks[name].knowledge === 'updates') expect(blind).toEqual(seeing)
    expect(blind.length).toBe(3)
  })
})

describe('min-max and min-sum', () => {
  const distances = (from: Float32Array, to: readonly Float32Array[]) =>
    to.map((one) => distanceOf(wide(from), wide(one)))
  const sumOfSquares = (values: readonly number[]) => values.reduce((sum, value) => sum + value * value, 0)

  test.each(['deviation', 'unit', 'sign'])('go as far as they may in direction %s', async (direction) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 2, max: 8 }), async (seed, count) => {
        const honest = crowd(randomOf(seed), count, 12)
        const widest = Math.max(...honest.flatMap((one) => distances(one, honest)))
        const far = await sent('min-max', { direction }, viewOf(honest))
        expect(Math.max(...distances(far, honest))).toBeCloseTo(widest, 4)
        const largest = Math.max(...honest.map((one) => sumOfSquares(distances(one, honest))))
        const sum = await sent('min-sum', { direction }, viewOf(honest))
        expect(sumOfSquares(distances(sum, honest)) / largest).toBeCloseTo(1, 4)
      }),
      { numRuns: 20 },
    )
  })
})

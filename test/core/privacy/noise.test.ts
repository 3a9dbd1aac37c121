import { createCipheriv, createHmac } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { turboshake128 } from '@noble/hashes/sha3-addons.js'
import { describe, expect, test } from 'vitest'
import { releaseMean } from '../../../core/privacy/noise/central.ts'
import { acceptsExactly, DiscreteGaussian } from '../../../core/privacy/noise/discrete-gaussian.ts'
import {
  bernoulliExp,
  exactDiscreteGaussian,
  exactDiscreteLaplace,
  uniformBelow,
} from '../../../core/privacy/noise/exact.ts'
import { addGridGaussian, gridStep, roundingSensitivity } from '../../../core/privacy/noise/grid-gaussian.ts'
import { RandomWords } from '../../../core/privacy/noise/random-source.ts'
import { roundedNorm, roundRandomly } from '../../../core/privacy/noise/randomized-rounding.ts'
import { normalBetween } from '../../../core/privacy/numeric/normal.ts'
import { root } from '../../support/source-files.ts'
import { fixtures, missing, type Stream } from './fixtures.ts'
import { given, seededBytes } from './seeded-bytes.ts'

const LONGEST = 16_384

function turboShakeStream(seed: Uint8Array): Uint8Array {
  return turboshake128(Uint8Array.of(0, 0, seed.length, ...seed), { D: 1, dkLen: LONGEST })
}

function hmacAesStream(seed: Uint8Array): Uint8Array {
  const block = createHmac('sha256', seed).update(Uint8Array.of(0)).digest()
  return createCipheriv('aes-128-ctr', block.subarray(0, 16), block.subarray(16)).update(new Uint8Array(LONGEST))
}

describe.skipIf(missing)('the exact sampler reproduces the published vectors byte for byte', () => {
  test.each(fixtures.discreteGaussianSampler.rows)('σ = $sigmaNum/$sigmaDen', (row) => {
    const seed = Buffer.from(row.seed, 'hex')
    const sigma = { numerator: BigInt(row.sigmaNum), denominator: BigInt(row.sigmaDen) }
    const streams: [Stream, Uint8Array][] = [
      [row.turboShake, turboShakeStream(seed)],
      [row.hmacAes, hmacAesStream(seed)],
    ]
    for (const [expected, bytes] of streams) {
      expect(Buffer.from(bytes.subarray(0, 32)).toString('hex')).toBe(expected.streamHead)
      const { randomBytes, used } = given(bytes)
      const samples = expected.samples.map(() => exactDiscreteGaussian(sigma, randomBytes))
      expect(samples).toEqual(expected.samples.map(BigInt))
      expect(used()).toBe(expected.bytesConsumed)
    }
  })

  test('σ = 5, seed 0', () => {
    const { seed, samples } = fixtures.discreteGaussianSampler.sigma5ZeroSeed
    const { randomBytes } = given(turboShakeStream(Buffer.from(seed, 'hex')))
    const sigma = { numerator: 5n, denominator: 1n }
    expect(samples.map(() => Number(exactDiscreteGaussian(sigma, randomBytes)))).toEqual(samples)
  })
})

/** Pearson's statistic over values with an expected count of at least 20, with its degrees of freedom. */
function chiSquare(samples: readonly number[] | Float64Array, probability: (x: number) => number) {
  const counts = new Map<number, number>()
  for (const x of samples) counts.set(x, (counts.get(x) ?? 0) + 1)
  let [statistic, cells, seen, expectedSeen] = [0, 0, 0, 0]
  for (let x = -2000; x <= 2000; x++) {
    const expected = samples.length * probability(x)
    if (expected < 20) continue
    const count = counts.get(x) ?? 0
    statistic += (count - expected) ** 2 / expected
    seen += count
    expectedSeen += expected
    cells++
  }
  const rest = samples.length - expectedSeen
  if (rest > 5) statistic += (samples.length - seen - rest) ** 2 / rest
  return { statistic, limit: cells + 4.5 * Math.sqrt(2 * cells) + 8 }
}

function gaussianProbability(sigma: number): (x: number) => number {
  let total = 0
  for (let x = -40 * Math.ceil(sigma); x <= 40 * Math.ceil(sigma); x++) total += Math.exp(-(x ** 2) / (2 * sigma ** 2))
  return (x) => Math.exp(-(x ** 2) / (2 * sigma ** 2)) / total
}

describe('distributions', () => {
  test.each([0.0625, 0.3, 1, 2.5, 17.25, 127.9, 128.1, 300])('vectors of discrete Gaussians, σ = %d', (sigma) => {
    const samples = new Float64Array(200_000)
    new DiscreteGaussian(sigma).fill(samples, new RandomWords(seededBytes(`vector ${sigma}`)))
    const { statistic, limit } = chiSquare(samples, gaussianProbability(sigma))
    expect(statistic).toBeLessThan(limit)
  })

  test.each([2 ** 20 + 0.25, 2 ** 33 - 1, 2 ** 43])(
    'wide ones are Gaussians: mean, variance, cells, σ = %d',
    (sigma) => {
      const n = 200_000
      const samples = new Float64Array(n)
      new DiscreteGaussian(sigma).fill(samples, new RandomWords(seededBytes(`wide ${sigma}`)))
      const mean = samples.reduce((sum, x) => sum + x, 0) / n
      const variance = samples.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n
      expect(Math.abs(mean / sigma)).toBeLessThan(4.5 / Math.sqrt(n))
      expect(Math.abs(variance / sigma ** 2 - 1)).toBeLessThan(4.5 * Math.sqrt(2 / n))
      // Odd cells, so that they do not line up with the steps of width K.
      const width = 0.0371
      const cells = samples.map((x) => Math.floor(x / sigma / width))
      const { statistic, limit } = chiSquare(cells, (c) => normalBetween(c * width, (c + 1) * width))
      expect(statistic).toBeLessThan(limit)
      // All low bits are used.
      expect(Math.abs(samples.filter((x) => x % 2 === 0).length / n - 0.5)).toBeLessThan((4.5 * 0.5) / Math.sqrt(n))
    },
  )

  test('exact Gaussian and Laplace', () => {
    const randomBytes = seededBytes('exact')
    const gaussians = Array.from({ length: 3000 }, () =>
      Number(exactDiscreteGaussian({ numerator: 5n, denominator: 2n }, randomBytes)),
    )
    const ofGaussian = chiSquare(gaussians, gaussianProbability(2.5))
    expect(ofGaussian.statistic).toBeLessThan(ofGaussian.limit)
    const laplaces = Array.from({ length: 3000 }, () => Number(exactDiscreteLaplace(3n, randomBytes)))
    const ofLaplace = chiSquare(laplaces, (x) => Math.tanh(1 / 6) * Math.exp(-Math.abs(x) / 3))
    expect(ofLaplace.statistic).toBeLessThan(ofLaplace.limit)
  })

  test('a zero does not count twice', () => {
    const samples = new Int32Array(50_000)
    new DiscreteGaussian(0.5).fill(samples, new RandomWords(seededBytes('zero')))
    const zeros = samples.filter((x) => x === 0).length / samples.length
    expect(Math.abs(zeros - gaussianProbability(0.5)(0))).toBeLessThan(0.01)
  })

  test('e^−γ of a large γ is the product of its parts', () => {
    const randomBytes = seededBytes('bernoulli')
    const hits = Array.from({ length: 4000 }, () => bernoulliExp({ numerator: 5n, denominator: 4n }, randomBytes))
    expect(Math.abs(hits.filter(Boolean).length / 4000 - Math.exp(-1.25))).toBeLessThan(0.033)
  })

  test('uniform integers reach both ends', () => {
    const randomBytes = seededBytes('uniform')
    const seen = new Set(Array.from({ length: 200 }, () => Number(uniformBelow(5n, randomBytes))))
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4])
  })
})

describe('where doubles cannot decide, integers do', () => {
  const words = (...values: number[]) => ({ next: () => values.shift() ?? 0 })

  test('a uniform number a hair below or above e^−t', () => {
    // σ = 128, K = 2, x = 30, y = 1: t = 121/32768.
    const p = Math.exp(-121 / 32_768) * 2 ** 32
    const word = Math.floor(p)
    const second = Math.floor((p - word) * 2 ** 20) * 2 ** 12
    expect(acceptsExactly(128, 2, 30, 1, word, words(second - 2 ** 14))).toBe(true)
    expect(acceptsExactly(128, 2, 30, 1, word, words(second + 2 ** 14))).toBe(false)
  })

  test('the quick decision has the same threshold', () => {
    // σ = 128 = 64·K. Words of a pair: x, y, the uniform number; then the sign.
    const K = 2
    const stream = (...all: number[]) =>
      new RandomWords(() => Buffer.from(Uint32Array.from(all).buffer), 4 * all.length)
    const draw = (...all: number[]) => new DiscreteGaussian(128).sample(stream(...all))
    const last = 2 ** 31
    const edge = Math.floor(Math.exp(-1 / 32_768) * 2 ** 32)
    // x = 0, y = 1: accepted just below e^{−y²/(2σ²)}; refused just above, so that the next pair, x = 0 and y = 0, counts.
    expect(draw(0, last, edge - 2, 0, 0, 0, 0, 0)).toBe(1)
    expect(draw(0, last, edge + 2, 0, 0, 0, 0, 0)).toBe(0)
    // The outermost x: four words of ones.
    const ones = 2 ** 32 - 1
    const x = draw(ones, ones, ones, ones, 0, 0, 0, 0) / K
    expect(x).toBe(Math.ceil(Math.sqrt(2 * 140 * Math.LN2) * 64))
    const far = Math.floor(Math.exp(-(1 + 2 * K * x) / 32_768) * 2 ** 32)
    expect(draw(ones, ones, ones, ones, last, far - 2, 0, 0)).toBe(K * x + 1)
    expect(draw(ones, ones, ones, ones, last, far + 2, 0, 0, 0, 0)).toBe(0)
  })

  test('y = 0 is always accepted', () => {
    expect(acceptsExactly(128, 2, 30, 0, 2 ** 32 - 1, words(2 ** 32 - 1))).toBe(true)
  })

  test('the last words of the table are decided by 128 bits', () => {
    const all = new Uint8Array(64).fill(255)
    // All ones: the outermost magnitude. The sign's word is all ones as well.
    const gaussian = new DiscreteGaussian(4)
    const outermost = gaussian.sample(new RandomWords(() => all, 64))
    expect(outermost).toBe(-Math.ceil(Math.sqrt(2 * 140 * Math.LN2) * 4))
    // 2³² − 1 and then zeros: the tail of 2⁻³², where e^{−x²/(2σ²)} is about that.
    const tail = new Uint8Array(64)
    tail.fill(255, 0, 4)
    const nearer = new DiscreteGaussian(4).sample(new RandomWords(() => tail, 64))
    expect(nearer).toBeGreaterThan(4 * 6)
    expect(nearer).toBeLessThan(4 * 7)
  })
})

describe('trap 6: float noise leaks through its low bits', () => {
  test('values and noise are multiples of one step, whatever the input', () => {
    const sigma = 0.37
    const step = gridStep(sigma)
    expect(Number.isInteger(Math.log2(step))).toBe(true)
    expect(sigma / step).toBeGreaterThanOrEqual(2 ** 32)
    expect(sigma / step).toBeLessThan(2 ** 33)
    const values = Float64Array.from({ length: 2000 }, (_, i) => Math.sin(i) / 3)
    const noisy = values.slice()
    addGridGaussian(noisy, sigma, seededBytes('grid'))
    expect(noisy.every((value) => Number.isInteger(value / step))).toBe(true)
    const noise = noisy.map((value, i) => value - values[i]!)
    const variance = noise.reduce((sum, x) => sum + x * x, 0) / noise.length
    expect(Math.abs(variance / sigma ** 2 - 1)).toBeLessThan(0.15)
  })

  test('two inputs on the same multiple give the same output', () => {
    const [a, b] = [Float64Array.of(1, 2), Float64Array.of(1 + gridStep(1) / 4, 2 - gridStep(1) / 4)]
    addGridGaussian(a, 1, seededBytes('same'))
    addGridGaussian(b, 1, seededBytes('same'))
    expect(a).toEqual(b)
    const narrow = Float32Array.of(1, 2)
    addGridGaussian(narrow, 1, seededBytes('same'))
    expect(narrow).toEqual(Float32Array.from(a))
  })

  test('rounding to the grid has its place in the sensitivity', () => {
    expect(roundingSensitivity(gridStep(1), 1e8)).toBeLessThan(1e-5)
  })

  test('what is not finite is refused, and nothing is changed', () => {
    const values = Float64Array.of(1, Number.NaN)
    expect(() => addGridGaussian(values, 1, seededBytes('x'))).toThrow(RangeError)
    expect(values[0]).toBe(1)
  })

  // Trap 17: a seed in production.
  test('trap 17: the mechanisms have no generator of their own, and none that is seeded', () => {
    const folder = join(root, 'core/privacy')
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue
      const text = readFileSync(join(folder, file), 'utf8')
      expect(text).not.toMatch(/Math\.random|core\/random|\.\.\/random\/|node:|Date\.now|performance\./)
    }
  })
})

describe('trap 3: the divisor is the planned cohort', () => {
  test('one client more or less changes neither noise nor divisor', () => {
    const all = Float64Array.of(10, -10)
    const oneLess = Float64Array.of(9, -9)
    releaseMean(all, { sigma: 0.5, cohort: 10 }, seededBytes('mean'))
    releaseMean(oneLess, { sigma: 0.5, cohort: 10 }, seededBytes('mean'))
    expect(all[0]! - oneLess[0]!).toBeCloseTo(0.1, 12)
    expect(all[1]! - oneLess[1]!).toBeCloseTo(-0.1, 12)
  })
})

describe('randomised rounding', () => {
  test('is right on average and never longer than the sensitivity', () => {
    const values = Float64Array.from({ length: 64 }, (_, i) => Math.cos(i) / 8)
    const norm = Math.hypot(...values)
    const bound = roundedNorm(norm, 20, 64)
    const words = new RandomWords(seededBytes('rounding'))
    const sum = new Float64Array(64)
    for (let i = 0; i < 4000; i++) {
      const rounded = roundRandomly(values, 20, bound, words)
      expect(Math.hypot(...rounded)).toBeLessThanOrEqual(bound)
      rounded.forEach((value, j) => {
        sum[j] = sum[j]! + value
      })
    }
    // The redrawing shortens vectors a little; what is left is far below a step.
    sum.forEach((value, j) => {
      expect(Math.abs(value / 4000 - values[j]! * 20)).toBeLessThan(0.08)
    })
  })

  test('integers stay what they are', () => {
    const words = new RandomWords(seededBytes('integers'))
    expect([...roundRandomly(Float64Array.of(1, -2, 0), 4, 100, words)]).toEqual([4, -8, 0])
  })

  test('a vector that was not clipped is refused', () => {
    const words = new RandomWords(seededBytes('long'))
    expect(() => roundRandomly(Float64Array.of(10, 10), 4, roundedNorm(1, 4, 2), words)).toThrow(/clip norm/)
    expect(() => roundRandomly(Float64Array.of(Number.NaN), 4, 10, words)).toThrow(RangeError)
    expect(() => roundRandomly(Float64Array.of(1e10), 4, 10, words)).toThrow(RangeError)
  })
})

test('a generator that gives too little is refused', () => {
  const words = new RandomWords(() => new Uint8Array(3))
  expect(() => words.next()).toThrow(RangeError)
})

test('σ out of range is refused', () => {
  for (const sigma of [0, 0.01, -1, Number.NaN, 2 ** 45]) expect(() => new DiscreteGaussian(sigma)).toThrow(RangeError)
  const words = new RandomWords(seededBytes('x'))
  expect(() => new DiscreteGaussian(2 ** 30).fill(new Int32Array(1), words)).toThrow(/32 bits/)
})

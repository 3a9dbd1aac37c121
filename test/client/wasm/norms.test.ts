import fc from 'fast-check'
import { expect, test } from 'vitest'
import { holdToNaive, LayerAtWork, type Naive } from './layer-at-work.ts'

type Norm = { positions: number; groups: number; width: number; scales: boolean; shifts: boolean; epsilon: number }

/** One example: groups of channels, over all positions, to mean 0 and variance 1. */
const normalized =
  ({ positions, groups, width, scales, shifts, epsilon }: Norm): Naive =>
  (x, weights) => {
    const channels = groups * width
    const shift = weights.subarray(scales ? channels : 0)
    const out = [...x]
    for (let group = 0; group < groups; group++) {
      const places = Array.from({ length: positions * width }, (_, i) => {
        return Math.floor(i / width) * channels + group * width + (i % width)
      })
      const mean = places.reduce((sum, at) => sum + x[at]!, 0) / places.length
      const variance = places.reduce((sum, at) => sum + (x[at]! - mean) ** 2, 0) / places.length
      for (const at of places) {
        const normal = (x[at]! - mean) / Math.sqrt(variance + epsilon)
        out[at] = normal * (scales ? weights[at % channels]! : 1) + (shifts ? shift[at % channels]! : 0)
      }
    }
    return out
  }

const given = fc.record({
  positions: fc.integer({ min: 1, max: 6 }),
  groups: fc.integer({ min: 1, max: 4 }),
  width: fc.integer({ min: 1, max: 9 }),
  scales: fc.boolean(),
  shifts: fc.boolean(),
  epsilon: fc.constantFrom(1e-3, 0.1),
})
/** Of few values near one another, float32 knows the variance but roughly, and what it leaves of a gradient. */
const slack = 1e-4
const seeds = fc.integer({ min: 1, max: 1000 })

const weightsOf = ({ scales, shifts }: Norm, channels: number) => ({
  ...(scales ? { gamma: channels } : {}),
  ...(shifts ? { beta: channels } : {}),
})

const namesOf = ({ scales, shifts }: Norm) => ({
  gamma: scales ? 'gamma' : undefined,
  beta: shifts ? 'beta' : undefined,
})

test('a group normalization brings each group of channels, over all positions, to mean 0 and variance 1', () => {
  fc.assert(
    fc.property(given, seeds, (norm, seed) => {
      const { positions, groups, width, epsilon } = norm
      const channels = groups * width
      const size = positions * channels
      const op = { kind: 'group-norm', positions, channels, groups, epsilon, ...namesOf(norm) } as const
      holdToNaive(op, { input: size, output: size, weights: weightsOf(norm, channels) }, normalized(norm), {
        seed,
        slack,
      })
    }),
    { numRuns: 60 },
  )
})

test('a layer normalization brings the channels of each position to mean 0 and variance 1', () => {
  fc.assert(
    fc.property(given, seeds, (norm, seed) => {
      const { positions, width, epsilon } = norm
      const size = positions * width
      const op = { kind: 'layer-norm', positions, units: width, epsilon, ...namesOf(norm) } as const
      const each = normalized({ ...norm, positions: 1, groups: 1 })
      const naive: Naive = (x, weights) =>
        Array.from({ length: positions }, (_, i) => each(x.subarray(i * width, (i + 1) * width), weights)).flat()
      holdToNaive(op, { input: size, output: size, weights: weightsOf(norm, width) }, naive, { seed, slack })
    }),
    { numRuns: 60 },
  )
})

test('a small variance about a large mean is not lost', () => {
  const op = { kind: 'layer-norm', positions: 1, units: 6, epsilon: 1e-12, gamma: undefined, beta: undefined } as const
  const layer = new LayerAtWork(op, { input: 6, output: 6, weights: {} }, 1, [])
  const output = layer.forward([1000, 1001, 1000, 1001, 1000, 1001], 1)
  output.forEach((value, i) => {
    expect(value).toBeCloseTo(i % 2 === 0 ? -1 : 1, 4)
  })
  layer.release()
})

import { expect, test } from 'vitest'
import type { ActivationKind } from '../../../client/training/graph/graph.ts'
import { holdToNaive, LayerAtWork } from './layer-at-work.ts'

/** Values at all scales, both signs. */
const scales = [...Array(4000).keys()].flatMap((i) => {
  const size = 10 ** (-8 + (10 * i) / 4000)
  return [size, -size]
})

function run(activation: ActivationKind, values: readonly number[]): number[] {
  const units = values.length
  const op = { kind: 'activation', activation, units } as const
  const layer = new LayerAtWork(op, { input: units, output: units, weights: {} }, 1, [])
  const output = [...layer.forward(values, 1)]
  layer.release()
  return output
}

/** Φ(x) in float64: the series near 0, a continued fraction for the tails. */
function normalBelow(x: number): number {
  if (x > 3) return 1 - normalBelow(-x)
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)
  if (x < -3) {
    let rest = -x
    for (let k = 200; k > 0; k--) rest = -x + k / rest
    return density / rest
  }
  let [term, sum] = [x, x]
  for (let k = 1; k < 100; k++) {
    term *= (x * x) / (2 * k + 1)
    sum += term
  }
  return 0.5 + density * sum
}

const exact: Record<Exclude<ActivationKind, 'softmax'>, (x: number) => number> = {
  linear: (x) => x,
  relu: (x) => Math.max(0, x),
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  elu: (x) => (x > 0 ? x : Math.expm1(x)),
  gelu: (x) => x * normalBelow(x),
}
const kinds = Object.keys(exact) as (keyof typeof exact)[]

test.each([
  ['linear', 0],
  ['relu', 0],
  ['tanh', 3e-7],
  ['sigmoid', 3e-7],
  ['elu', 3e-7],
  // In the far tail the exponent −x²/2 itself has but float32's precision.
  ['gelu', 2e-5],
] as const)('%s is exact to float32, from the smallest values to the largest', (kind, tolerance) => {
  const inputs = scales.map(Math.fround)
  const outputs = run(kind, inputs)
  const worst = inputs.reduce((worst, x, i) => {
    const expected = exact[kind](x)
    // Below that float32 has but few digits.
    if (Math.abs(expected) < 1e-37) return Math.abs(outputs[i]!) < 2e-37 ? worst : Number.POSITIVE_INFINITY
    return Math.max(worst, Math.abs(outputs[i]! - expected) / Math.abs(expected))
  }, 0)
  expect(worst).toBeLessThanOrEqual(tolerance)
})

test('gelu is exact to float32 where it matters', () => {
  const inputs = scales.map(Math.fround).filter((x) => x > -3)
  const outputs = run('gelu', inputs)
  const errors = inputs.map((x, i) => Math.abs(outputs[i]! / exact.gelu(x) - 1))
  expect(Math.max(...errors)).toBeLessThan(2e-6)
})

const limits: Record<keyof typeof exact, readonly [below: number, above: number]> = {
  linear: [-Infinity, Infinity],
  relu: [0, Infinity],
  tanh: [-1, 1],
  sigmoid: [0, 1],
  elu: [-1, Infinity],
  gelu: [0, Infinity],
}

test.each(kinds)('%s has its limits at infinity, and NaN stays NaN', (kind) => {
  const [below, above, undefinedOnes] = run(kind, [-Infinity, Infinity, Number.NaN])
  expect([below! + 0, above]).toEqual(limits[kind])
  expect(undefinedOnes).toBeNaN()
})

test.each(kinds)('the slope of %s is that of central differences, for any number of values', (kind) => {
  const naive = (x: Float64Array) => Array.from(x, exact[kind])
  for (const units of [1, 2, 3, 4, 5, 8, 11]) {
    const op = { kind: 'activation', activation: kind, units } as const
    holdToNaive(op, { input: units, output: units, weights: {} }, naive, { seed: units })
  }
})

test.each(kinds)('the slope of %s is finite however large the value', (kind) => {
  const layer = new LayerAtWork(
    { kind: 'activation', activation: kind, units: 4 },
    { input: 4, output: 4, weights: {} },
    1,
    [],
  )
  layer.forward([-3e38, -100, 100, 3e38], 1)
  const { input } = layer.backward([1, 1, 1, 1], 1)
  const [flat, steep] = [[0, 0], kind === 'tanh' || kind === 'sigmoid' ? [0, 0] : [1, 1]]
  expect(Array.from(input, (slope) => slope + 0)).toEqual(kind === 'linear' ? [1, 1, 1, 1] : [...flat, ...steep])
  layer.release()
})

test('softmax goes over the last axis', () => {
  for (const [positions, units] of [
    [1, 1],
    [1, 2],
    [3, 4],
    [2, 7],
  ] as const) {
    const size = positions * units
    holdToNaive(
      { kind: 'activation', activation: 'softmax', units },
      { input: size, output: size, weights: {} },
      (x) =>
        Array.from({ length: positions }, (_, row) => {
          const powers = Array.from(x.subarray(row * units, (row + 1) * units), Math.exp)
          const sum = powers.reduce((total, one) => total + one, 0)
          return powers.map((power) => power / sum)
        }).flat(),
      { seed: size },
    )
  }
})

test('softmax of large values does not overflow, and of a NaN is NaN', () => {
  expect(run('softmax', [1000, -1000, 1000, -1000, 1000])).toEqual([1, 0, 1, 0, 1].map((one) => Math.fround(one / 3)))
  for (const one of run('softmax', [1, Number.NaN, 3])) expect(one).toBeNaN()
})

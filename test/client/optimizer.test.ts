import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addDecay, addProximal, clipToNorm, createOptimizer, norm } from '../../client/training/optimizer.ts'
import { type Optimizer, plainSteps, trainingSchema } from '../../core/plan/training.ts'

const LENGTH = 5
const gradients = fc.array(
  fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: LENGTH, maxLength: LENGTH }),
  { minLength: 1, maxLength: 12 },
)

const optimizerOf = (optimizer: object): Optimizer => trainingSchema.parse({ steps: 1, optimizer }).optimizer

/** The steps that each reference takes, in float64, from the whole history of one coordinate's gradients. */
type Reference = (history: readonly number[], weight: number) => number

const sum = (history: readonly number[], share: (age: number) => number) =>
  history.reduce((total, g, j) => total + share(history.length - 1 - j) * g, 0)

function adamStep(history: readonly number[], rate: number, beta1: number, beta2: number, epsilon: number): number {
  const k = history.length
  const mean = sum(history, (age) => (1 - beta1) * beta1 ** age) / (1 - beta1 ** k)
  const square = sum(
    history.map((g) => g * g),
    (age) => (1 - beta2) * beta2 ** age,
  )
  return (rate * mean) / (Math.sqrt(square / (1 - beta2 ** k)) + epsilon)
}

describe('an optimizer takes the steps of its paper', () => {
  const cases: readonly [what: string, optimizer: object, reference: Reference][] = [
    ['plain descent', { sgd: { learningRate: 0.1 } }, (history, w) => w - 0.1 * history.at(-1)!],
    [
      'a heavy ball',
      { sgd: { learningRate: 0.1, momentum: 0.8 } },
      (history, w) => w - 0.1 * sum(history, (age) => 0.8 ** age),
    ],
    [
      'Nesterov’s momentum',
      { sgd: { learningRate: 0.1, momentum: 0.8, nesterov: true } },
      (history, w) => w - 0.1 * (history.at(-1)! + 0.8 * sum(history, (age) => 0.8 ** age)),
    ],
    [
      'Adam',
      { adam: { learningRate: 0.01, beta1: 0.8, beta2: 0.95, epsilon: 1e-4 } },
      (history, w) => w - adamStep(history, 0.01, 0.8, 0.95, 1e-4),
    ],
    [
      'AdamW',
      { adamw: { learningRate: 0.05, beta1: 0.8, beta2: 0.95, epsilon: 1e-4, weightDecay: 0.3 } },
      (history, w) => w * (1 - 0.05 * 0.3) - adamStep(history, 0.05, 0.8, 0.95, 1e-4),
    ],
  ]

  test.each(cases)('%s', (_, optimizer, reference) => {
    fc.assert(
      fc.property(gradients, (all) => {
        const step = createOptimizer(optimizerOf(optimizer), LENGTH)
        const weights = Float32Array.from({ length: LENGTH }, (_, i) => i - 2)
        const expected = Array.from(weights)
        for (const [k, gradient] of all.entries()) {
          step(weights, Float32Array.from(gradient))
          for (let i = 0; i < LENGTH; i++) {
            expected[i] = reference(
              all.slice(0, k + 1).map((g) => Math.fround(g[i]!)),
              expected[i]!,
            )
          }
        }
        for (let i = 0; i < LENGTH; i++) expect(Math.abs(weights[i]! - expected[i]!)).toBeLessThan(2e-5)
      }),
      { numRuns: 60 },
    )
  })

  test('AdamW without a decay is Adam, bit by bit', () => {
    fc.assert(
      fc.property(gradients, (all) => {
        const [a, b] = [Float32Array.of(1, -0, 3, 4, 5), Float32Array.of(1, -0, 3, 4, 5)]
        const adam = createOptimizer(optimizerOf({ adam: { learningRate: 0.1 } }), LENGTH)
        const adamw = createOptimizer(optimizerOf({ adamw: { learningRate: 0.1, weightDecay: 0 } }), LENGTH)
        for (const gradient of all) {
          adam(a, Float32Array.from(gradient))
          adamw(b, Float32Array.from(gradient))
        }
        expect(b).toEqual(a)
      }),
    )
  })

  test.each(cases)('%s leaves what is frozen exactly where it is', (_, optimizer) => {
    const frozen = [
      { tensor: 'a', offset: 0, length: 1 },
      { tensor: 'b', offset: 2, length: 2 },
    ]
    const step = createOptimizer(optimizerOf(optimizer), LENGTH, frozen)
    const weights = Float32Array.of(-0, 1, 1.1, 1e30, 1)
    for (let k = 0; k < 4; k++) step(weights, Float32Array.of(0, 1, 0, 0, 1))
    expect([weights[0], weights[2], weights[3]]).toEqual([-0, Math.fround(1.1), Math.fround(1e30)])
    expect(weights[1]).toBeLessThan(1)
    expect(weights[4]).toBe(weights[1])
  })

  test('a gradient of zero from the start moves AdamW by its decay alone', () => {
    const step = createOptimizer(optimizerOf({ adamw: { learningRate: 0.5, weightDecay: 0.5 } }), 1)
    const weights = Float32Array.of(1)
    step(weights, new Float32Array(1))
    expect(weights[0]).toBe(0.75)
  })
})

describe('what is done to a gradient before', () => {
  test('clipping shortens what is too long, keeps its direction, and leaves the rest as it is', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 1, maxLength: 50 }),
        fc.double({ min: 0.01, max: 200, noNaN: true }),
        (values, most) => {
          const before = Float32Array.from(values)
          const after = before.slice()
          clipToNorm(after, most)
          const [long, short] = [norm(before), norm(after)]
          if (long <= most) expect(after).toEqual(before)
          else {
            expect(short).toBeCloseTo(most, 3)
            for (const [i, value] of after.entries()) expect(value).toBeCloseTo((before[i]! * most) / long, 4)
          }
        },
      ),
    )
  })

  test('a gradient of exactly the norm, and one of zeros, stay', () => {
    const [exact, zeros] = [Float32Array.of(3, 4), new Float32Array(2)]
    clipToNorm(exact, 5)
    clipToNorm(zeros, 1e-9)
    expect([...exact, ...zeros]).toEqual([3, 4, 0, 0])
  })

  test('decay adds its share of every weight', () => {
    const gradient = Float32Array.of(1, 1, 1)
    addDecay(gradient, Float32Array.of(0, 2, -4), 0.5)
    expect([...gradient]).toEqual([1, 2, -1])
  })
})

test('FedNova’s count of steps is how far gradients of 1 take the optimizer', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.constantFrom(0, 0.3, 0.9),
      fc.boolean(),
      fc.constantFrom(0, 0.01, 0.5),
      (steps, momentum, look, mu) => {
        const nesterov = look && momentum > 0
        const sgd = { learningRate: 0.5, momentum, ...(nesterov ? { nesterov } : {}) }
        const training = trainingSchema.parse({ steps, optimizer: { sgd }, ...(mu === 0 ? {} : { fedprox: { mu } }) })
        const step = createOptimizer(training.optimizer, 1)
        const weights = new Float32Array(1)
        for (let k = 0; k < steps; k++) {
          const gradient = Float32Array.of(1)
          addProximal(gradient, weights, new Float32Array(1), mu)
          step(weights, gradient)
        }
        const distance = -weights[0]! / 0.5
        expect(Math.abs(plainSteps(training, steps) - distance)).toBeLessThan(1e-4 * Math.max(1, Math.abs(distance)))
      },
    ),
    { numRuns: 200 },
  )
})

/** What a step makes of a gradient: our own engine against the plain arrays that serve TF.js, along gradients of the reference. */
import { describe, expect, test } from 'vitest'
import { descentOf } from '../../../client/training/descent.ts'
import { randomOf } from '../../../core/random/random.ts'
import { layoutOf, tensorsIn } from '../../../core/tensors/layout.ts'
import { meanGradient, relativeError } from '../reference/reference.ts'
import { begun, derivedOf, type Problem, plainDescent, problemOf, trainingOf } from './problems.ts'

const STEPS = 7

const mlp = problemOf({ mlp: { hidden: [6, 5] } }, { shape: [9], classes: 3 }, { rows: 12 })
const logistic = problemOf({ logistic: { l2: 0.3 } }, { shape: [9], classes: 3 }, { rows: 12 })
const linear = problemOf({ linear: { l2: 0.3 } }, { shape: [9], classes: 1, numeric: { min: 0, max: 1 } }, { rows: 12 })

/** How far so many steps on one batch take the weights. */
type Moved = { readonly plain: Float64Array; readonly stepped: Float64Array; readonly gathered: Float64Array }

function moved(problem: Problem, options: object, correction?: Float32Array): Moved {
  const training = trainingOf(options)
  const { model, graph, weights, batch } = problem
  const distance = (end: ArrayLike<number>) => Float64Array.from(weights, (start, i) => end[i]! - start)

  const plain = weights.slice()
  const descend = descentOf(model, layoutOf(graph.tensors), { training, weights, correction })
  for (let step = 0; step < STEPS; step++) {
    descend(plain, Float32Array.from(meanGradient(derivedOf({ ...problem, weights: plain }))))
  }
  const session = begun(problem, training, { ...(correction === undefined ? {} : { correction }) })
  for (let step = 0; step < STEPS; step++) session.step(batch)
  const stepped = distance(session.weights)
  session.end()

  const other = begun(problem, training, { ...(correction === undefined ? {} : { correction }) })
  for (let step = 0; step < STEPS; step++) {
    other.addClipped(batch, 1e9, batch.rows)
    other.applyGathered()
  }
  const gathered = distance(other.weights)
  other.end()
  return { plain: distance(plain), stepped, gathered }
}

function expectSame({ plain, stepped, gathered }: Moved): void {
  expect(relativeError(stepped, plain)).toBeLessThan(1e-4)
  expect(relativeError(gathered, plain)).toBeLessThan(1e-4)
}

const momentum = { sgd: { learningRate: 0.05, momentum: 0.9 } }
const nesterov = { sgd: { learningRate: 0.05, momentum: 0.9, nesterov: true } }
const adam = { adam: { learningRate: 0.03 } }
const adamw = { adamw: { learningRate: 0.03, weightDecay: 2 } }
const optimizers = [
  ['plain descent', plainDescent(0.1)],
  ['momentum', momentum],
  ['Nesterov’s momentum', nesterov],
  ['Adam', adam],
  ['AdamW', adamw],
] as const

describe.each(optimizers)('%s', (_, optimizer) => {
  test('alone', () => expectSame(moved(mlp, { optimizer })))

  test.each([
    ['fedprox', { fedprox: { mu: 3 } }],
    ['a bound on the gradient', { clipGradient: { norm: 0.2 } }],
    ['everything', { fedprox: { mu: 2 }, clipGradient: { norm: 0.3 }, freeze: ['dense_1/bias', 'dense_2'] }],
  ])('with %s', (_, more) => {
    const whole = moved(mlp, { optimizer, ...more })
    expectSame(whole)
    expect(relativeError(moved(mlp, { optimizer }).plain, whole.plain)).toBeGreaterThan(0.01)
  })

  test('with frozen tensors, which stay exactly where they are', () => {
    const { plain, stepped, gathered } = moved(mlp, { optimizer, freeze: ['dense_2', 'dense_1/bias'] })
    expectSame({ plain, stepped, gathered })
    for (const { tensor, offset, length } of tensorsIn(layoutOf(mlp.graph.tensors))) {
      const isFrozen = tensor.name.startsWith('dense_2/') || tensor.name === 'dense_1/bias'
      for (const vector of [stepped, gathered]) {
        expect(vector.subarray(offset, offset + length).every((value) => value === 0)).toBe(isFrozen)
      }
    }
  })

  test.each([
    ['logistic', logistic],
    ['linear', linear],
  ])('with the decay of a %s model', (_, problem) => expectSame(moved(problem, { optimizer })))
})

test.each(optimizers.slice(0, 4))('%s with a decay of all weights', (_, optimizer) => {
  const decayed = moved(mlp, { optimizer, weightDecay: 0.7 })
  expectSame(decayed)
  expect(relativeError(moved(mlp, { optimizer }).plain, decayed.plain)).toBeGreaterThan(0.01)
})

test('a correction is added to every gradient', () => {
  const random = randomOf(1, 'correction')
  const correction = Float32Array.from(mlp.weights, () => random.normal())
  const corrected = moved(mlp, { optimizer: plainDescent(0.1) }, correction)
  expectSame(corrected)
  expectSame(moved(mlp, { optimizer: plainDescent(0.1), clipGradient: { norm: 0.1 }, weightDecay: 0.1 }, correction))
  expect(relativeError(moved(mlp, { optimizer: plainDescent(0.1) }).plain, corrected.plain)).toBeGreaterThan(0.1)
})

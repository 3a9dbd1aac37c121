/** What a session on our own engine does with numbers that are none, with parts of batches, and with memory. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Graph } from '../../../client/training/graph/graph.ts'
import { createTrainer } from '../../../client/training/trainer.ts'
import { relativeError } from '../reference/reference.ts'
import { anyRound, randomDataset } from '../training-fixtures.ts'
import { cases } from './layer-cases.ts'
import { begun, type Problem, plainDescent, problemOf, problemOfGraph, trainingOf } from './problems.ts'

afterEach(() => void vi.restoreAllMocks())

const mlp = problemOf({ mlp: { hidden: [9, 5] } }, { shape: [7], classes: 3 }, { rows: 20 })

const trainings = [
  ['plain descent', { optimizer: plainDescent(0.1) }],
  ['momentum', { optimizer: plainDescent(0.1, 0.9) }],
] as const

describe('a batch with a number that is none', () => {
  const spoilt = (value: number, row: number): Problem => {
    const features = mlp.batch.features.slice()
    features[7 * row + 3] = value
    return { ...mlp, batch: { ...mlp.batch, features } }
  }

  test.each(trainings)('leaves the weights as they are: %s', (_, options) => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      for (const row of [0, 11, 19]) {
        const { batch } = spoilt(value, row)
        for (const rows of [20, 8]) {
          const session = begun(mlp, trainingOf(options), { rows })
          session.step(mlp.batch)
          const before = session.weights.slice()
          expect(session.step(batch)).not.toSatisfy(Number.isFinite)
          expect(session.weights).toEqual(before)
          expect(session.addClipped(batch, 1, 20)).not.toSatisfy(Number.isFinite)
          expect(session.weights).toEqual(before)
          session.end()
        }
      }
    }
  })

  test.each(cases.filter(({ vocabulary }) => vocabulary === undefined))(
    'is lost in no layer: $name',
    ({ model, ends }) => {
      const problem = problemOf(model, ends, { rows: 3 })
      const features = problem.batch.features.slice()
      features[features.length / 3] = Number.NaN
      const session = begun(problem, trainingOf())
      expect(session.step({ ...problem.batch, features })).toBeNaN()
      expect(session.weights).toEqual(problem.weights)
      session.end()
    },
  )

  test('ends a training at the step that meets it', async () => {
    const dataset = randomDataset(20, [7], 3)
    dataset.train.features[60] = Number.NaN
    const training = trainingOf({ steps: 1_000, batch: 4 })
    const trainer = await createTrainer({ model: mlp.model, dataset, training, engine: 'wasm' })
    await expect(trainer.train({ ...anyRound, weights: mlp.weights })).rejects.toMatchObject({
      code: 'engine.diverged',
      details: { step: expect.toSatisfy((step: number) => step < 5) },
    })
  })
})

test.each(trainings)('a batch that is larger than a session expects is done in parts: %s', (_, options) => {
  const ends = [20, 19, 7, 1, 64].map((rows) => {
    const session = begun(mlp, trainingOf(options), { rows })
    const losses = [session.step(mlp.batch), session.step(mlp.batch), session.step(mlp.batch)]
    const weights = session.weights.slice()
    session.end()
    return { losses, moved: weights.map((weight, i) => weight - mlp.weights[i]!) }
  })
  for (const { losses, moved } of ends) {
    expect(relativeError(losses, ends[0]!.losses)).toBeLessThan(1e-6)
    expect(relativeError(moved, ends[0]!.moved)).toBeLessThan(1e-5)
  }
})

/** Bytes at the beginning of a memory that the kernels keep for themselves. */
const KERNELS_OWN = 65_536

describe('memory', () => {
  test('is taken when a session begins, and not for its steps', () => {
    const session = begun(mlp, trainingOf({ optimizer: { adam: { learningRate: 0.01 } } }))
    const { buffer } = session.weights
    const taken = vi.spyOn(WebAssembly, 'Memory')
    for (let step = 0; step < 50; step++) {
      session.step(mlp.batch)
      session.addClipped(mlp.batch, 1, 20)
      session.applyGathered()
    }
    expect(taken).not.toHaveBeenCalled()
    // A memory that grows gets another buffer, and the old one is empty.
    expect(session.weights.buffer).toBe(buffer)
    expect(session.gathered.buffer).toBe(buffer)
    expect(buffer.byteLength).toBeGreaterThan(0)
    session.end()
  })

  test('of a session that has ended serves the next', () => {
    begun(mlp, trainingOf()).end()
    const taken = vi.spyOn(WebAssembly, 'Memory')
    for (let round = 0; round < 5; round++) begun(mlp, trainingOf()).end()
    expect(taken).not.toHaveBeenCalled()
  })

  test.each(cases)('may hold anything when a session begins: $name', ({ model, ends, vocabulary }) => {
    const problem = problemOf(model, ends, { rows: 5, vocabulary })
    const training = trainingOf({ optimizer: { adam: { learningRate: 0.1 } }, fedprox: { mu: 1 } })
    const buffers = new Set<ArrayBufferLike>()
    const trained = (leave: (all: Float32Array) => void) => {
      const session = begun(problem, training)
      const losses = [session.step(problem.batch), session.addClipped(problem.batch, 0.1, 5)]
      session.applyGathered()
      losses.push(session.step(problem.batch))
      const result = { losses, weights: session.weights.slice() }
      buffers.add(session.weights.buffer)
      leave(new Float32Array(session.weights.buffer, KERNELS_OWN))
      session.end()
      return result
    }
    const first = trained((all) => all.fill(Number.NaN))
    expect(trained((all) => all.fill(1e30))).toEqual(first)
    expect(trained(() => undefined)).toEqual(first)
    expect(buffers.size).toBe(1)
    expect(first.losses).toSatisfy((losses: number[]) => losses.every(Number.isFinite))
  })

  test('that two sessions hold at a time is not the same', () => {
    const [one, other] = [begun(mlp, trainingOf()), begun(mlp, trainingOf())]
    const weights = one.weights.slice()
    for (let step = 0; step < 3; step++) other.step(mlp.batch)
    expect(one.weights).toEqual(weights)
    one.end()
    other.end()
  })

  test('beyond what can be addressed is refused before any is taken, and the error says how much', () => {
    const values = 2 ** 28
    /** Five values of 1 GiB each. */
    const graph: Graph = {
      values: [[values], [values], [values], [values], [values]],
      nodes: [1, 2, 3, 4].map((output) => ({
        name: `double_${output}`,
        op: { kind: 'add' as const },
        inputs: [output - 1, output - 1],
        output,
      })),
      output: 4,
      tensors: [],
    }
    const taken = vi.spyOn(WebAssembly, 'Memory')
    const problem = problemOfGraph(graph, { shape: [values], classes: values }, { rows: 0 })
    expect(() => begun(problem, trainingOf(), { rows: 1 })).toThrow(
      expect.objectContaining({ code: 'engine.memory-exceeded', message: expect.stringMatching(/\b51\d\d MiB\b/) }),
    )
    expect(taken).not.toHaveBeenCalled()
  })
})

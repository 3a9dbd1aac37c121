import { describe, expect, test } from 'vitest'
import type { Dataset } from '../../client/data/dataset.ts'
import { type ControlMemory, memoryControls } from '../../client/training/controls.ts'
import { initialModel, startingModel } from '../../client/training/initial.ts'
import type { Trainer, TrainResult } from '../../client/training/ports.ts'
import { withScaffold } from '../../client/training/scaffold.ts'
import { createTrainer } from '../../client/training/trainer.ts'
import { countBinary } from '../../core/metrics/count.ts'
import { modelSchema } from '../../core/plan/model.ts'
import { trainingSchema } from '../../core/plan/training.ts'
import { randomOf } from '../../core/random/random.ts'
import { withControl } from '../../core/tensors/control.ts'
import { planOf } from '../support/plans.ts'
import { anyRound, randomDataset, unaborted } from './training-fixtures.ts'

const RATE = 0.1

type Quadratic = { readonly curvature: readonly number[]; readonly lowest: readonly number[]; readonly steps?: number }

/** Plain descent on Σ aⱼ/2 · (wⱼ − bⱼ)², which is all that can be worked out by hand; knows nothing of controls. */
function quadratic({ curvature, lowest, steps = 25 }: Quadratic): Trainer {
  return {
    engine: 'quadratic',
    layout: [{ name: 'w', shape: [curvature.length] }],
    train: async ({ weights: start, correction }) => {
      const weights = start.slice()
      for (let k = 0; k < steps; k++) {
        weights.forEach((w, j) => {
          weights[j] = w - RATE * (curvature[j]! * (w - lowest[j]!) + (correction?.[j] ?? 0))
        })
      }
      return { weights, samples: 10, loss: 0.5, steps }
    },
    evaluate: async ({ length }) => countBinary(new Float64Array(length), new Int32Array(length)),
    dispose: () => {},
  }
}

/** A coordinator's round with everybody: w and c both move by the mean of what the clients say. */
async function round(clients: readonly Trainer[], state: Float32Array, number: number, accept = true) {
  const request = { ...anyRound, weights: state, model: number.toString(16).padStart(64, '0') }
  const results: TrainResult[] = []
  for (const client of clients) results.push(await client.train(request))
  if (accept) for (const { accepted } of results) await accepted?.()
  return state.map((value, j) => {
    const updates = results.map(({ weights }) => Math.fround(weights[j]! - value))
    return value + updates.reduce((sum, update) => sum + update, 0) / clients.length
  })
}

async function federate(clients: readonly Trainer[], start: Float32Array, rounds: number): Promise<Float32Array> {
  let state = start
  for (let number = 1; number <= rounds; number++) state = await round(clients, state, number)
  return state
}

const problems = [
  { curvature: [1, 2], lowest: [3, -1] },
  { curvature: [4, 0.5], lowest: [-1, 2] },
]
/** The lowest point of the sum: Σ aᵢ·bᵢ / Σ aᵢ. */
const optimum = [(3 - 4) / 5, (-2 + 1) / 2.5]

describe('a round with scaffold', () => {
  test('corrects every gradient by c − cᵢ, and says how far the corrected steps went', async () => {
    const memory = memoryControls()
    await memory.save('run_1', { model: 'ff', before: Float32Array.of(9, 9), after: Float32Array.of(0.5, -1) })
    const problem = { curvature: [1, 2], lowest: [3, -1], steps: 2 }
    const trainer = withScaffold(quadratic(problem), RATE, memory)
    // c − cᵢ = (0.25 − 0.5, 1 + 1) = (−0.25, 2), with w = (1, 1).
    const result = await trainer.train({ ...anyRound, weights: Float32Array.of(1, 1, 0.25, 1) })
    const first = [1 - RATE * (1 - 3 - 0.25), 1 - RATE * (2 * 2 + 2)]
    const second = [first[0]! - RATE * (first[0]! - 3 - 0.25), first[1]! - RATE * (2 * (first[1]! + 1) + 2)]
    const mean = [(1 - second[0]!) / (2 * RATE), (1 - second[1]!) / (2 * RATE)]
    for (const [j, value] of [...second, ...mean].entries()) expect(result.weights[j]).toBeCloseTo(value, 5)
    // cᵢ⁺ = cᵢ − c + g: what the client's own gradients were on average.
    await result.accepted?.()
    const kept = await memory.load('run_1', 2)
    expect(kept?.model).toBe(anyRound.model)
    expect(kept?.before).toEqual(Float32Array.of(0.5, -1))
    for (const [j, c] of [0.25, 1].entries()) {
      expect(kept?.after[j]).toBeCloseTo(kept!.before[j]! - c + mean[j]!, 5)
      const own = [1, first[j]!].map((w) => problem.curvature[j]! * (w - problem.lowest[j]!))
      expect(kept?.after[j]).toBeCloseTo((own[0]! + own[1]!) / 2, 5)
    }
  })

  test('is the plain round, with the average gradient beside it, where all controls are zero', async () => {
    const plain = quadratic(problems[0]!)
    const { weights } = await plain.train({ ...anyRound, weights: Float32Array.of(1, 1) })
    const trainer = withScaffold(plain, RATE, memoryControls())
    const result = await trainer.train({ ...anyRound, weights: Float32Array.of(1, 1, 0, 0) })
    expect([...result.weights.subarray(0, 2)]).toEqual([...weights])
    expect(result.weights[2]).toBeCloseTo((1 - weights[0]!) / (25 * RATE), 6)
    expect(result).toMatchObject({ samples: 10, loss: 0.5, steps: 25 })
  })

  test('does not change the model that it is given, and refuses one of another length', async () => {
    const trainer = withScaffold(quadratic(problems[0]!), RATE, memoryControls())
    const weights = Float32Array.of(1, 1, 0.5, 0.5)
    await trainer.train({ ...anyRound, weights })
    expect(weights).toEqual(Float32Array.of(1, 1, 0.5, 0.5))
    for (const length of [2, 3, 5]) {
      await expect(trainer.train({ ...anyRound, weights: new Float32Array(length) })).rejects.toMatchObject({
        code: 'node.model-mismatch',
      })
    }
  })

  test('evaluates the weights alone, whether or not the controls come with them', async () => {
    const trainer = withScaffold(quadratic(problems[0]!), RATE, memoryControls())
    expect(trainer.layout).toEqual(withControl([{ name: 'w', shape: [2] }]))
    for (const length of [2, 4]) expect((await trainer.evaluate(new Float32Array(length), unaborted)).rows).toBe(2)
  })
})

describe('many rounds', () => {
  test('keep the coordinator’s control at the mean of the clients’ own', async () => {
    const memories = problems.map(() => memoryControls())
    const clients = problems.map((problem, i) => withScaffold(quadratic(problem), RATE, memories[i]!))
    let state = new Float32Array(4)
    for (let number = 1; number <= 50; number++) {
      state = await round(clients, state, number)
      const own = await Promise.all(memories.map((memory) => memory.load('run_1', 2)))
      for (const j of [0, 1]) expect(state[2 + j]).toBeCloseTo((own[0]!.after[j]! + own[1]!.after[j]!) / 2, 5)
    }
  })

  test('end where the sum of all losses is lowest, where those of FedAvg do not', async () => {
    const apart = (state: Float32Array) => Math.hypot(...optimum.map((value, j) => state[j]! - value))
    const drifted = await federate(problems.map(quadratic), new Float32Array(2), 100)
    expect(apart(drifted)).toBeGreaterThan(0.3)
    const clients = problems.map((problem) => withScaffold(quadratic(problem), RATE, memoryControls()))
    const state = await federate(clients, new Float32Array(4), 100)
    expect(apart(state)).toBeLessThan(1e-4)
    // There every client's own gradient is its control, and they sum up to nothing.
    expect(Math.hypot(state[2]!, state[3]!)).toBeLessThan(1e-4)
  })

  test('do the same for a logistic model on two hospitals that see other patients', async () => {
    const model = modelSchema.parse({ logistic: { l2: 0.02 } })
    const hospitals = [hospital(1, 1.5, 0.3), hospital(2, -1, -1.5)]
    const steps = (count: number, batch: number, scaffold?: object) =>
      trainingSchema.parse({ steps: count, batch, optimizer: { sgd: { learningRate: 0.5 } }, scaffold })
    const trainers = (scaffold?: object) =>
      Promise.all(
        hospitals.map((dataset) =>
          createTrainer({ model, dataset, training: steps(20, 40, scaffold), engine: 'tfjs-wasm' }),
        ),
      )
    const [first, second] = hospitals
    const pooled: Dataset = { ...first!, train: joined(first!.train, second!.train) }
    const alone = await createTrainer({ model, dataset: pooled, training: steps(1500, 80), engine: 'tfjs-wasm' })
    const best = (await alone.train({ ...anyRound, weights: new Float32Array(4) })).weights
    const apart = (state: Float32Array) => Math.hypot(...best.map((value, j) => state[j]! - value))

    const drift = apart(await federate(await trainers(), new Float32Array(4), 60))
    const corrected = apart(await federate(await trainers({}), new Float32Array(8), 60))
    expect(drift).toBeGreaterThan(0.05)
    expect(corrected).toBeLessThan(drift / 20)
  }, 60_000)

  /** Forty rows around `shift`, whose classes lie on either side of `border`. */
  function hospital(seed: number, shift: number, border: number): Dataset {
    const dataset = randomDataset(40, [3], 1, seed)
    const random = randomOf(seed, 'noise')
    const features = dataset.train.features.map((value, i) => (i % 3 === 0 ? value + shift : value))
    const labels = dataset.train.labels.map((_, i) => (features[3 * i]! + random.normal() > border ? 1 : 0))
    return { ...dataset, train: { rows: 40, features, labels } }
  }

  function joined(a: Dataset['train'], b: Dataset['train']): Dataset['train'] {
    return {
      rows: a.rows + b.rows,
      features: Float32Array.of(...a.features, ...b.features),
      labels: Int32Array.of(...a.labels, ...b.labels),
    }
  }
})

describe('the own control', () => {
  const start = Float32Array.of(1, 1, 0.1, -0.2)
  const next = { ...anyRound, seed: 2, model: '22'.repeat(32), weights: start }
  const trainerWith = (memory: ControlMemory) => withScaffold(quadratic(problems[1]!), RATE, memory)

  test('stays what it is until an update is accepted', async () => {
    const memory = memoryControls()
    const trainer = trainerWith(memory)
    const first = await trainer.train({ ...anyRound, weights: start })
    const again = await trainer.train(next)
    expect(again.weights).toEqual(first.weights)
    expect(await memory.load('run_1', 2)).toBeUndefined()
    await again.accepted?.()
    expect((await trainer.train({ ...next, model: '33'.repeat(32) })).weights).not.toEqual(first.weights)
  })

  test('is taken back when the round comes again from the same model', async () => {
    const trainer = trainerWith(memoryControls())
    const first = await trainer.train({ ...anyRound, weights: start })
    await first.accepted?.()
    const again = await trainer.train({ ...anyRound, seed: 2, weights: start })
    expect(again.weights).toEqual(first.weights)
    // What is accepted then counts from there, and not from what had been accepted in vain.
    await again.accepted?.()
    const once = trainerWith(memoryControls())
    await (await once.train({ ...anyRound, weights: start })).accepted?.()
    expect((await trainer.train(next)).weights).toEqual((await once.train(next)).weights)
  })

  test.each([next.model, anyRound.model])('survives a restart, also for the model %s', async (model) => {
    const memory = memoryControls()
    const before = trainerWith(memory)
    await (await before.train({ ...anyRound, weights: start })).accepted?.()
    const expected = (await before.train({ ...next, model })).weights
    expect((await trainerWith(memory).train({ ...next, model })).weights).toEqual(expected)
    const forgetful = (await trainerWith(memoryControls()).train({ ...next, model })).weights
    if (model === next.model) expect(forgetful).not.toEqual(expected)
  })

  test('belongs to one run', async () => {
    const trainer = trainerWith(memoryControls())
    const first = await trainer.train({ ...anyRound, weights: start })
    await first.accepted?.()
    const other = await trainer.train({ ...next, run: 'run_2' })
    expect(other.weights).toEqual(first.weights)
    await other.accepted?.()
    const back = await trainer.train({ ...next, model: '44'.repeat(32) })
    expect(back.weights).not.toEqual(first.weights)
  })

  test.each([
    ['of another length', Float32Array.of(1, 2, 3)],
    ['that is damaged', Float32Array.of(1, Number.NaN)],
  ])('%s is as good as none', async (_, values) => {
    const memory = memoryControls()
    await memory.save('run_1', { model: 'ff', before: values, after: values })
    const expected = await trainerWith(memoryControls()).train(next)
    expect((await trainerWith(memory).train(next)).weights).toEqual(expected.weights)
  })

  test('goes on in this process when it cannot be stored', async () => {
    const full: ControlMemory = {
      load: async () => undefined,
      save: async () => {
        throw new Error('no space left')
      },
    }
    const trainer = trainerWith(full)
    const first = await trainer.train({ ...anyRound, weights: start })
    await expect(first.accepted?.()).rejects.toThrow('no space left')
    expect((await trainer.train(next)).weights).not.toEqual(first.weights)
  })
})

describe('a plan with scaffold', () => {
  const plan = planOf()
  const scaffolded = { ...plan, training: { ...plan.training, scaffold: {} } }

  test('starts from the model of the plan and controls of zero', async () => {
    const { layout, weights } = await initialModel(plan.model, plan.data, plan.seed)
    expect(await startingModel(plan)).toEqual({ layout, weights })
    const start = await startingModel(scaffolded)
    expect(start.layout).toEqual(withControl(layout))
    expect([...start.weights]).toEqual([...weights, ...Array(weights.length).fill(0)])
  })

  test('makes a trainer whose layout is that of the starting model, with corrections that reach the engine', async () => {
    const dataset = randomDataset(20, [3], 1)
    const training = trainingSchema.parse({ steps: 1, batch: 20, optimizer: { sgd: { learningRate: 0.5 } } })
    const options = { model: plan.model, dataset, engine: 'tfjs-cpu' as const }
    const plain = await createTrainer({ ...options, training })
    const trainer = await createTrainer({ ...options, training: { ...training, scaffold: {} } })
    const start = await startingModel(scaffolded)
    expect(trainer.layout).toEqual(start.layout)
    start.weights.set([1, 2, 3, 4], 4)
    const { weights } = await trainer.train({ ...anyRound, weights: start.weights })
    const uncorrected = (await plain.train({ ...anyRound, weights: start.weights.slice(0, 4) })).weights
    for (const j of [0, 1, 2, 3]) {
      expect(weights[j]).toBeCloseTo(uncorrected[j]! - 0.5 * (j + 1), 5)
      expect(weights[4 + j]).toBeCloseTo((start.weights[j]! - weights[j]!) / 0.5, 5)
    }
    expect(await trainer.evaluate(start.weights.slice(0, 4), unaborted)).toEqual(
      await trainer.evaluate(start.weights, unaborted),
    )
    trainer.dispose()
    plain.dispose()
  })
})

/** DP-SGD of one client: what a step is made of, against loops that are written down here once more. */
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Batch } from '../../../client/training/batches.ts'
import type { EngineName } from '../../../client/training/engine-names.ts'
import { chooseNetwork } from '../../../client/training/engines.ts'
import { initialModel } from '../../../client/training/initial.ts'
import { poissonSampler } from '../../../client/training/records/poisson-batches.ts'
import {
  clippedBatches,
  type PrivateStepsOptions,
  privateSteps,
} from '../../../client/training/records/private-steps.ts'
import type { TrainingSession } from '../../../client/training/session.ts'
import { createTrainer } from '../../../client/training/trainer.ts'
import { dataSchema } from '../../../core/plan/data.ts'
import { modelSchema } from '../../../core/plan/model.ts'
import { recordPrivacyOf } from '../../../core/plan/record-privacy.ts'
import { trainingSchema } from '../../../core/plan/training.ts'
import { randomOf } from '../../../core/random/random.ts'
import { seededBytes } from '../../core/privacy/seeded-bytes.ts'
import { planOf } from '../../support/plans.ts'
import { anyRound, randomDataset } from '../training-fixtures.ts'

const inputs = 5
const dataset = randomDataset(60, [inputs], 1)
const model = modelSchema.parse({ logistic: {} })
const steps = 3
const training = trainingSchema.parse({ steps, batch: 12, optimizer: { sgd: { learningRate: 0.5 } } })
const columns = Array.from({ length: inputs }, (_, i) => ({ name: `x${i}`, type: 'number' }))
const data = dataSchema.parse({
  csv: { columns: [...columns, { name: 'y', type: 'label' }], label: { positive: { above: 0 } } },
})
const records = { clip: 0.4, rate: 0.2, batch: 12, deviation: 0.1 }
const common: PrivateStepsOptions = {
  examples: dataset.train,
  width: inputs,
  records,
  most: 12,
  frozen: [],
  randomBytes: seededBytes('steps'),
}

async function sessionOf(engine: EngineName, rows = 12): Promise<TrainingSession> {
  const network = await chooseNetwork({ model, ends: dataset }, { own: engine })
  const { weights } = await initialModel(model, data, 5)
  return network.begin({ weights, training, rows, dropout: randomOf(1), correction: undefined })
}

/** ∇ of the logistic loss of one row at [bias, kernel], in doubles. */
function gradientOf(weights: ArrayLike<number>, row: number): number[] {
  const x = [...dataset.train.features.subarray(row * inputs, (row + 1) * inputs)]
  const z = x.reduce((sum, value, j) => sum + value * weights[j + 1]!, weights[0]!)
  const residual = 1 / (1 + Math.exp(-z)) - dataset.train.labels[row]!
  return [residual, ...x.map((value) => residual * value)]
}

function expectNear(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual).toHaveLength(expected.length)
  for (let j = 0; j < expected.length; j++) expect(actual[j]).toBeCloseTo(expected[j]!, 5)
}

const norm = (vector: readonly number[]) => Math.hypot(...vector)
const scaled = (vector: readonly number[], factor: number) => vector.map((value) => value * factor)
const added = (a: readonly number[], b: readonly number[]) => a.map((value, j) => value + b[j]!)

describe.each(['wasm', 'tfjs-cpu'] as const)('a step on %s', (engine) => {
  test('adds up the gradient of each drawn row by itself, cut to the norm, over the batch on average', async () => {
    for (const most of [12, 5, 1]) {
      const session = await sessionOf(engine)
      const drawn = poissonSampler(60, records.rate, seededBytes('clipped'))()
      clippedBatches({ ...common, most, randomBytes: seededBytes('clipped') })(session)
      let expected: number[] = Array(inputs + 1).fill(0)
      let [cut, whole] = [0, 0]
      for (const row of drawn) {
        const gradient = gradientOf(session.weights, row)
        const factor = Math.min(1, records.clip / norm(gradient))
        if (factor < 1) cut++
        else whole++
        expected = added(expected, scaled(gradient, factor / records.batch))
      }
      // Some rows of each kind, and another number of rows than the mean by which they are divided.
      expect(Math.min(cut, whole)).toBeGreaterThan(0)
      expect(drawn.length).not.toBe(records.batch)
      expectNear(session.gathered, expected)
      session.end()
    }
  })

  test('without noise, and with a norm that nothing reaches, is a step of plain training on the same rows', async () => {
    const [hidden, plain] = [await sessionOf(engine), await sessionOf(engine, 60)]
    // 8 of 60 rows on average; what is drawn has another size, which a mean over the batch would divide by.
    const gather = clippedBatches({ ...common, records: { ...records, clip: 1e6 }, randomBytes: seededBytes('same') })
    const draw = poissonSampler(60, records.rate, seededBytes('same'))
    for (let step = 0; step < 4; step++) {
      gather(hidden)
      // The mean over what was drawn, of which the fixed divisor makes a share.
      const rows = [...draw()]
      hidden.gathered.forEach((value, j) => {
        hidden.gathered[j] = (value * records.batch) / rows.length
      })
      hidden.applyGathered()
      plain.step(batchOf(rows))
      expectNear(hidden.weights, plain.weights)
    }
    hidden.end()
    plain.end()
  })
})

describe('a step', () => {
  test('has noise of the deviation that was paid for on every coordinate, also where nothing was drawn', () => {
    const times = 2_500
    const noise: number[] = []
    const session = silentSession(4, (gathered) => noise.push(...gathered))
    const step = privateSteps({
      ...common,
      records: { ...records, deviation: 0.25 },
      randomBytes: seededBytes('noise'),
    })
    for (let i = 0; i < times; i++) step(session)
    const count = noise.length
    const mean = noise.reduce((a, b) => a + b) / count
    const variance = noise.reduce((sum, value) => sum + value ** 2, 0) / count
    expect(count).toBe(4 * times)
    expect(Math.abs(mean)).toBeLessThan((5 * 0.25) / Math.sqrt(count))
    expect(Math.abs(variance / 0.25 ** 2 - 1)).toBeLessThan(5 * Math.sqrt(2 / count))
    expect(new Set(noise).size).toBeGreaterThan(0.99 * count)
  })

  test('leaves what is frozen without noise', () => {
    let seen = new Float32Array()
    const session = silentSession(4, (gathered) => {
      seen = gathered.slice()
    })
    privateSteps({ ...common, frozen: [{ tensor: 'dense_1/kernel', offset: 1, length: 2 }] })(session)
    expect([...seen].map((value) => value === 0)).toEqual([false, true, true, false])
  })

  test.each([
    ['loss', Number.POSITIVE_INFINITY, 0],
    ['gradient', 1, Number.NaN],
  ])('goes nowhere where a %s is not finite', (_what, loss, gradient) => {
    let applied = 0
    const session = silentSession(4, () => applied++, loss, gradient)
    expect(privateSteps({ ...common, records: { ...records, rate: 1 } })(session)).toBeNaN()
    expect(applied).toBe(0)
  })
})

function batchOf(rows: readonly number[]): Batch {
  const { features, labels } = dataset.train
  return {
    rows: rows.length,
    features: Float32Array.from(rows.flatMap((row) => [...features.subarray(row * inputs, (row + 1) * inputs)])),
    labels: Int32Array.from(rows, (row) => labels[row]!),
  }
}

/** A session whose rows have no gradient but what is given. */
function silentSession(
  length: number,
  seen: (gathered: Float32Array) => void,
  loss = 0,
  gradient = 0,
): TrainingSession {
  const gathered = new Float32Array(length)
  return {
    step: () => 0,
    addClipped: () => {
      gathered[0]! += gradient
      return loss
    },
    gathered,
    applyGathered: () => {
      seen(gathered)
      gathered.fill(0)
    },
    weights: new Float32Array(length),
    end: () => {},
  }
}

describe('a trainer', () => {
  const privacy = recordPrivacyOf(
    planOf({ extra: 'privacy: { records: { clip: 1, multiplier: 1 } }', inputs }),
    inputs + 1,
    60,
  )!
  const paid = { ...privacy, steps }
  const trainerOf = (bytes?: typeof randomBytes) => createTrainer({ model, dataset, training, randomBytes: bytes })

  test('hides rows where it is asked to, takes the steps that were paid for, and tells nothing of the loss', async () => {
    const trainer = await trainerOf(randomBytes)
    const { weights } = await initialModel(model, data, 5)
    expect(trainer.hidesRows).toBe(true)
    const result = await trainer.train({ ...anyRound, weights, records: paid })
    expect(result).toMatchObject({ steps, samples: 60, loss: 0 })
    const plain = await trainer.train({ ...anyRound, weights })
    expect(plain.loss).toBeGreaterThan(0)
    trainer.dispose()
  })

  test('makes other noise and other batches for the same seed, and needs a generator to do so', async () => {
    const trainer = await trainerOf(randomBytes)
    const { weights } = await initialModel(model, data, 5)
    const train = async () => [...(await trainer.train({ ...anyRound, weights, records: paid })).weights]
    const [first, second] = [await train(), await train()]
    expect(first.filter((value, j) => value === second[j])).toEqual([])
    trainer.dispose()
    const without = await trainerOf()
    expect(without.hidesRows).toBeUndefined()
    await expect(without.train({ ...anyRound, weights, records: paid })).rejects.toMatchObject({ code: 'internal' })
    without.dispose()
  })

  test('with the same bytes makes the same weights: all that is random comes from them', async () => {
    const { weights } = await initialModel(model, data, 5)
    const train = async () => {
      const trainer = await trainerOf(seededBytes('whole') as typeof randomBytes)
      const result = await trainer.train({ ...anyRound, weights, seed: Math.floor(1e6 * Math.random()), records: paid })
      trainer.dispose()
      return [...result.weights]
    }
    expect(await train()).toEqual(await train())
  })
})

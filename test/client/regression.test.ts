import { beforeAll, describe, expect, test } from 'vitest'
import { datasetFromCsv } from '../../client/data/load.ts'
import { poolDatasets } from '../../client/data/pool.ts'
import { classesOf } from '../../client/data/split.ts'
import { initialModel } from '../../client/training/initial.ts'
import { lossFor } from '../../client/training/loss.ts'
import { createTrainer } from '../../client/training/trainer.ts'
import { metricsOf } from '../../core/metrics/compute.ts'
import { dataSchema } from '../../core/plan/data.ts'
import { type Model, modelSchema } from '../../core/plan/model.ts'
import { type Training, trainingSchema } from '../../core/plan/training.ts'
import { randomOf } from '../../core/random/random.ts'
import { anyRound, unaborted } from './training-fixtures.ts'

const dataOf = (changed: object = {}) =>
  dataSchema.parse({
    csv: {
      columns: [
        { name: 'a', type: 'number' },
        { name: 'b', type: 'number' },
        { name: 'y', type: 'label' },
      ],
      label: { numeric: { min: -100, max: 300 } },
      ...changed,
    },
  }) as Extract<ReturnType<typeof dataSchema.parse>, { csv: unknown }>

/** y = 100 + 40·a − 20·b, and a little noise. */
const table = (() => {
  const random = randomOf(3, 'regression rows')
  const rows = Array.from({ length: 300 }, () => {
    const [a, b] = [random.normal(), random.normal()]
    return `${a},${b},${100 + 40 * a - 20 * b + 2 * random.normal()}`
  })
  return `a,b,y\n${rows.join('\n')}\n`
})()

describe('a table with a numeric label', () => {
  test('has labels in millionths of the range, and names bad rows as it does elsewhere', () => {
    const text = 'a,b,y\n1,2,-100\n1,2,300\n1,2,0\n1,2,301\n1,2,-100.5\n1,2,many\n1,2,NA\n1,2,100\n1,2,50\n'
    const { numeric, classes, report, train, test: held } = datasetFromCsv(dataOf(), text)
    expect([numeric, classes]).toEqual([{ min: -100, max: 300 }, 1])
    expect([...train.labels, ...held.labels].sort((a, b) => a - b)).toEqual([0, 250_000, 375_000, 500_000, 1_000_000])
    expect(report.bad).toEqual([
      { reason: 'out of range', column: 'y', count: 2 },
      { reason: 'not a number', column: 'y', count: 1 },
      { reason: 'missing label', column: 'y', count: 1 },
    ])
  })

  test('holds out as large a share of each tenth of the range', () => {
    const { train, test: held } = datasetFromCsv(dataOf(), table)
    const all = classesOf(Int32Array.from([...train.labels, ...held.labels]), { numeric: { min: 0, max: 1 } })
    const own = classesOf(held.labels, { numeric: { min: 0, max: 1 } })
    const count = (list: Int32Array, part: number) => list.filter((one) => one === part).length
    expect(Math.max(...all)).toBeLessThan(10)
    for (let part = 0; part < 10; part++) expect(Math.abs(count(own, part) - 0.2 * count(all, part))).toBeLessThan(1.01)
    expect([...classesOf(Int32Array.of(0, 99_999, 100_000, 1_000_000), { numeric: { min: 0, max: 1 } })]).toEqual([
      0, 0, 1, 9,
    ])
  })

  test('is pooled with others of its range only', () => {
    const own = datasetFromCsv(dataOf(), table)
    expect(poolDatasets([own, own])).toMatchObject({ numeric: { min: -100, max: 300 }, train: { rows: 480 } })
    const other = datasetFromCsv(dataOf({ label: { numeric: { min: -100, max: 301 } } }), table)
    expect(() => poolDatasets([own, other])).toThrow('different shapes')
  })
})

describe('losses of a numeric label', () => {
  const lossOf = (outputs: Float32Array, labels: Int32Array, loss?: Training['loss']) => {
    const gradient = new Float32Array(outputs.length)
    return { sum: lossFor({ classes: 1, numeric }, loss)(outputs, labels, gradient), gradient }
  }
  const numeric = { min: 0, max: 200 }
  const losses = [undefined, 'mse', { huber: { delta: 10 } }] as const

  test('are those of errors as shares of the range', () => {
    const outputs = Float32Array.of(0.5, 0.25)
    const labels = Int32Array.of(250_000, 250_000)
    expect(lossOf(outputs, labels)).toEqual({
      sum: 0.0625,
      gradient: Float32Array.of(0.25, 0),
    })
    const huber = lossOf(outputs, labels, { huber: { delta: 10 } })
    expect(huber.sum).toBeCloseTo(0.05 * (0.25 - 0.025), 12)
    expect(huber.gradient[0]).toBeCloseTo(0.025, 7)
  })

  test.each(losses)('%j has the gradient that its differences say', (loss) => {
    const random = randomOf(1, 'losses')
    const outputs = Float32Array.from({ length: 40 }, () => random.normal())
    const labels = Int32Array.from({ length: 40 }, () => random.below(1_000_001))
    const { gradient } = lossOf(outputs, labels, loss)
    outputs.forEach((output, i) => {
      const at = (value: number) =>
        lossOf(
          Float32Array.from(outputs, (own, j) => (i === j ? value : own)),
          labels,
          loss,
        ).sum
      const step = 2 ** -8
      expect((at(output + step) - at(output - step)) / (2 * step) / 40).toBeCloseTo(gradient[i]!, 3)
    })
  })
})

describe('training for a numeric label', () => {
  const data = dataOf()
  const dataset = datasetFromCsv(data, table)
  const train = async (model: unknown, training: object = {}) => {
    const parsed: Model = modelSchema.parse(model)
    const how: Training = trainingSchema.parse({
      epochs: 20,
      batch: 16,
      optimizer: { sgd: { learningRate: 0.1 } },
      ...training,
    })
    const trainer = await createTrainer({ model: parsed, dataset, training: how, engine: 'tfjs-cpu' })
    const { weights } = await initialModel(parsed, data, 1)
    const result = await trainer.train({ ...anyRound, weights })
    return { weights: result.weights, metrics: metricsOf(await trainer.evaluate(result.weights, unaborted)) }
  }

  let linear: Awaited<ReturnType<typeof train>>
  beforeAll(async () => {
    linear = await train({ linear: {} })
  })

  test('finds the line', () => {
    const [bias, a, b] = linear.weights
    // Shares of a range of 400 that begins at −100.
    expect(Math.abs(400 * bias! - 200)).toBeLessThan(2)
    expect(Math.abs(400 * a! - 40)).toBeLessThan(2)
    expect(Math.abs(400 * b! + 20)).toBeLessThan(2)
    expect(linear.metrics.mae).toBeLessThan(3)
    expect(linear.metrics.r2).toBeGreaterThan(0.99)
  })

  test('decays weights, and takes huber and hidden layers', async () => {
    const decayed = await train({ linear: { l2: 1 } })
    expect(Math.abs(decayed.weights[1]!)).toBeLessThan(0.9 * Math.abs(linear.weights[1]!))
    const huber = await train(
      { mlp: { hidden: [6], activation: 'tanh' } },
      { loss: { huber: { delta: 400 } }, optimizer: { adam: { learningRate: 0.02 } } },
    )
    expect(huber.metrics.r2).toBeGreaterThan(0.9)
  })

  const topology = (activation?: string) => ({
    layers: {
      class_name: 'Sequential',
      config: {
        layers: [
          {
            class_name: 'Dense',
            config: { name: 'only', units: 1, batch_input_shape: [null, 2], ...(activation ? { activation } : {}) },
          },
        ],
      },
    },
  })

  test('takes a topology that ends linear, and trains it alike', async () => {
    const given = await train(topology())
    expect(given.metrics.mae).toBeCloseTo(linear.metrics.mae!, 0)
    await expect(train(topology('sigmoid'))).rejects.toMatchObject({
      code: 'engine.model-unsupported',
      message: expect.stringContaining('ends in sigmoid: of a numeric label it must be linear'),
    })
  })

  test('says by name that it diverged', async () => {
    await expect(
      train({ linear: {} }, { optimizer: { sgd: { learningRate: 90 } }, epochs: 100 }),
    ).rejects.toMatchObject({ code: 'engine.diverged' })
  })
})

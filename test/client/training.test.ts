import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import type { Dataset } from '../../client/data/dataset.ts'
import { initialModel } from '../../client/training/initial.ts'
import { loadEngine } from '../../client/training/tfjs/load.ts'
import { createTrainer } from '../../client/training/trainer.ts'
import { invalidCounts } from '../../core/metrics/check.ts'
import { metricsOf } from '../../core/metrics/compute.ts'
import { type Data, dataSchema } from '../../core/plan/data.ts'
import { modelSchema } from '../../core/plan/model.ts'
import { trainingSchema } from '../../core/plan/training.ts'
import { anyRound, randomDataset, unaborted } from './training-fixtures.ts'

type TrainingInput = z.input<typeof trainingSchema>
type Engine = 'tfjs-wasm' | 'tfjs-cpu'

const sgd = (learningRate: number, momentum = 0) => ({ sgd: { learningRate, momentum } })

/** The data section of a plan whose ends are those of the data set. */
function planData({ shape, classes }: Dataset): Data {
  if (shape.length === 3) return dataSchema.parse({ idx: { shape, classes } })
  const columns = Array.from({ length: shape[0]! }, (_, i) => ({ name: `x${i}`, type: 'number' }))
  const label = classes === 1 ? { positive: { above: 0 } } : { classes: [...Array(classes).keys()] }
  return dataSchema.parse({ csv: { columns: [...columns, { name: 'y', type: 'label' }], label } })
}

async function set(model: unknown, dataset: Dataset, training: TrainingInput, engine: Engine = 'tfjs-wasm') {
  const parsed = modelSchema.parse(model)
  const trainer = await createTrainer({ model: parsed, dataset, training: trainingSchema.parse(training), engine })
  const initial = await initialModel(parsed, planData(dataset), 5)
  const train = (seed = 1, weights = initial.weights) => trainer.train({ ...anyRound, weights, seed })
  return { trainer, initial, train }
}

const table = randomDataset(60, [5], 1)

/** Full-batch logistic regression in doubles: the same updates, written down once more. */
function referenceLogistic(dataset: Dataset, start: Float32Array, steps: number, rate: number, l2: number) {
  const { rows, features, labels } = dataset.train
  const width = dataset.shape[0]!
  // Layout order: dense_1/bias, dense_1/kernel.
  const [bias, ...kernel] = start
  const w = [...kernel]
  let [b, loss] = [bias!, 0]
  for (let step = 0; step < steps; step++) {
    const dw = w.map((value) => l2 * value)
    let db = 0
    loss = 0
    for (let i = 0; i < rows; i++) {
      const z = w.reduce((sum, value, j) => sum + value * features[i * width + j]!, b)
      const p = 1 / (1 + Math.exp(-z))
      loss -= Math.log(labels[i] === 1 ? p : 1 - p) / rows
      db += (p - labels[i]!) / rows
      for (let j = 0; j < width; j++) dw[j]! += ((p - labels[i]!) * features[i * width + j]!) / rows
    }
    w.forEach((value, j) => {
      w[j] = value - rate * dw[j]!
    })
    b -= rate * db
  }
  return { weights: [b, ...w], loss }
}

describe('training', () => {
  test.each([0, 0.1])('a logistic model with l2 %s reaches the loss and weights of a plain reference', async (l2) => {
    const { initial, train } = await set({ logistic: { l2 } }, table, { steps: 80, batch: 60, optimizer: sgd(0.5) })
    const result = await train()
    const reference = referenceLogistic(table, initial.weights, 80, 0.5, l2)
    expect(result.loss).toBeCloseTo(reference.loss, 5)
    result.weights.forEach((value, i) => {
      expect(value).toBeCloseTo(reference.weights[i]!, 4)
    })
  })

  test('does not change the weights that it is given, and counts rows and steps', async () => {
    const { initial, train } = await set({ logistic: {} }, table, { epochs: 3, batch: 7, optimizer: sgd(0.1) })
    const before = initial.weights.slice()
    expect(await train()).toMatchObject({ samples: 60, steps: 27 })
    expect(initial.weights).toEqual(before)
  })

  test('FedProx keeps the weights near the start', async () => {
    const distance = async (mu: number) => {
      const training = { steps: 200, batch: 10, optimizer: sgd(0.1), fedprox: { mu } }
      const { initial, train } = await set({ logistic: {} }, table, training)
      const { weights } = await train()
      return Math.hypot(...weights.map((value, i) => value - initial.weights[i]!))
    }
    const [free, near, nearer] = [await distance(0), await distance(0.5), await distance(5)]
    expect(near).toBeLessThan(free / 1.5)
    expect(nearer).toBeLessThan(near / 3)
  })

  test.each([
    ['momentum', sgd(0.02, 0.9)],
    ['Adam', { adam: { learningRate: 0.02 } }],
  ])('%s lowers the loss', async (_, optimizer) => {
    const { trainer, initial, train } = await set({ mlp: { hidden: [8] } }, table, { epochs: 20, batch: 10, optimizer })
    const loss = async (weights: Float32Array) => metricsOf(await trainer.evaluate(weights, unaborted)).loss!
    expect(await loss((await train()).weights)).toBeLessThan((await loss(initial.weights)) / 1.5)
  })

  test('the same seed gives the same bytes, another seed others', async () => {
    const model = { mlp: { hidden: [6], dropout: 0.3 } }
    const first = await set(model, table, { epochs: 2, batch: 8, optimizer: sgd(0.1) })
    const second = await set(model, table, { epochs: 2, batch: 8, optimizer: sgd(0.1) })
    const weights = (await first.train(3)).weights
    expect((await second.train(3)).weights).toEqual(weights)
    expect((await first.train(3)).weights).toEqual(weights)
    expect((await first.train(4)).weights).not.toEqual(weights)
  })

  test('trainers of one process that take turns do not disturb each other', async () => {
    const model = { mlp: { hidden: [64, 64] } }
    const training = { steps: 150, batch: 32, optimizer: sgd(0.1) }
    const [wasm, cpu] = [await set(model, table, training), await set(model, table, training, 'tfjs-cpu')]
    const alone = await wasm.train(1)
    const [together, other, slow] = await Promise.all([wasm.train(1), wasm.train(2), cpu.train(1)])
    expect(together.weights).toEqual(alone.weights)
    expect(other.weights).not.toEqual(alone.weights)
    expect(slow.loss).toBeCloseTo(alone.loss, 2)
  })

  test('leaves no tensors behind, over twenty rounds', async () => {
    const { tf } = await loadEngine('tfjs-wasm')
    const images = randomDataset(8, [8, 8, 1], 3)
    for (const [model, dataset] of [
      [{ logistic: {} }, table],
      [{ mlp: { hidden: [4], activation: 'tanh', dropout: 0.2 } }, table],
      [{ cnn: { filters: [2, 3], kernel: 3, dense: 4 } }, images],
    ] as const) {
      const { trainer, initial, train } = await set(model, dataset, { steps: 2, batch: 4, optimizer: sgd(0.1) })
      let weights = initial.weights
      const counts: number[] = []
      for (let round = 0; round < 20; round++) {
        weights = (await train(round, weights)).weights
        await trainer.evaluate(weights, unaborted)
        counts.push(tf.memory().numTensors)
      }
      trainer.dispose()
      trainer.dispose()
      expect(new Set(counts).size).toBe(1)
    }
  })

  test('that diverges says so', async () => {
    const { train } = await set({ logistic: { l2: 10 } }, table, { epochs: 50, batch: 4, optimizer: sgd(100) })
    await expect(train()).rejects.toMatchObject({ code: 'engine.diverged' })
  })

  test('of weights of another length is refused', async () => {
    const { trainer, train } = await set({ logistic: {} }, table, { epochs: 1, optimizer: sgd(0.1) })
    await expect(train(1, new Float32Array(7))).rejects.toMatchObject({ code: 'node.model-mismatch' })
    await expect(trainer.evaluate(new Float32Array(7), unaborted)).rejects.toMatchObject({
      code: 'node.model-mismatch',
    })
  })
})

describe('while it trains', () => {
  const long = { epochs: 10_000, batch: 4, optimizer: sgd(0.01) }

  test('the event loop runs, and the signal stops it', async () => {
    const { trainer, initial } = await set({ logistic: {} }, table, long)
    const controller = new AbortController()
    const shares: number[] = []
    let turns = 0
    const turn = () => {
      if (++turns === 5) controller.abort()
      else setImmediate(turn)
    }
    setImmediate(turn)
    const onProgress = (done: number) => shares.push(done)
    const training = trainer.train({ ...anyRound, weights: initial.weights, signal: controller.signal, onProgress })
    await expect(training).rejects.toMatchObject({ code: 'interrupted' })
    expect(turns).toBe(5)
    expect(shares.length).toBeGreaterThanOrEqual(4)
    expect(shares).toEqual([...shares].sort((a, b) => a - b))
  })

  test('a signal that fired before stops it at once', async () => {
    const { trainer, initial } = await set({ logistic: {} }, table, long)
    const signal = AbortSignal.abort()
    await expect(trainer.train({ ...anyRound, weights: initial.weights, signal })).rejects.toMatchObject({
      code: 'interrupted',
    })
    await expect(trainer.evaluate(initial.weights, signal)).rejects.toMatchObject({ code: 'interrupted' })
  })
})

describe('evaluation', () => {
  test('gives counts that pass the check, and a trained model is better than chance', async () => {
    for (const [dataset, units] of [
      [randomDataset(700, [4], 1), 1],
      [randomDataset(700, [4], 3), 3],
    ] as const) {
      const { trainer, train } = await set({ mlp: { hidden: [8] } }, dataset, {
        epochs: 10,
        batch: 16,
        optimizer: sgd(0.1),
      })
      const counts = await trainer.evaluate((await train()).weights, unaborted)
      expect(invalidCounts(counts, { rows: 1000, units })).toBeUndefined()
      expect(counts.rows).toBe(350)
      expect(metricsOf(counts).accuracy).toBeGreaterThan(0.8)
    }
  })
})

describe('the initial model', () => {
  const images = dataSchema.parse({ idx: { shape: [8, 8], classes: 3 } })
  const cnn = modelSchema.parse({ cnn: { filters: [2, 3], kernel: 3, dense: 4 } })

  test('has the tensors of the layers, sorted by name', async () => {
    const { layout } = await initialModel(cnn, images, 1)
    expect(layout).toEqual([
      { name: 'conv2d_1/bias', shape: [2] },
      { name: 'conv2d_1/kernel', shape: [3, 3, 1, 2] },
      { name: 'conv2d_2/bias', shape: [3] },
      { name: 'conv2d_2/kernel', shape: [3, 3, 2, 3] },
      { name: 'dense_1/bias', shape: [4] },
      { name: 'dense_1/kernel', shape: [12, 4] },
      { name: 'dense_2/bias', shape: [3] },
      { name: 'dense_2/kernel', shape: [4, 3] },
    ])
  })

  test('has zero biases and Glorot uniform kernels that follow from the seed', async () => {
    const { weights } = await initialModel(cnn, images, 1)
    expect([...weights.subarray(0, 2)]).toEqual([0, 0])
    const kernel = weights.subarray(2, 20)
    const bound = Math.sqrt(6 / (9 * 1 + 9 * 2))
    expect(Math.max(...kernel.map(Math.abs))).toBeLessThanOrEqual(bound)
    expect(Math.max(...kernel.map(Math.abs))).toBeGreaterThan(bound / 2)
    expect((await initialModel(cnn, images, 1)).weights).toEqual(weights)
    expect((await initialModel(cnn, images, 2)).weights).not.toEqual(weights)
  })

  test('of a plan that asks for too much is refused before memory is taken', async () => {
    const huge = modelSchema.parse({ mlp: { hidden: [65_536, 65_536] } })
    await expect(initialModel(huge, images, 1)).rejects.toMatchObject({ code: 'engine.model-unsupported' })
  })
})

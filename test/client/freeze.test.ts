import { describe, expect, test } from 'vitest'
import { startingModel } from '../../client/training/initial.ts'
import { createTrainer } from '../../client/training/trainer.ts'
import { frozenTensors } from '../../core/plan/freeze.ts'
import { parsePlan } from '../../core/plan/parse.ts'
import { tensorsIn } from '../../core/tensors/layout.ts'
import { planText } from '../support/plans.ts'
import { anyRound, randomDataset } from './training-fixtures.ts'

const dataset = randomDataset(24, [3], 1)
const topology = JSON.stringify({
  layers: {
    class_name: 'Sequential',
    config: {
      layers: [
        { class_name: 'Dense', config: { name: 'a', units: 4, activation: 'relu', batch_input_shape: [null, 3] } },
        { class_name: 'Dense', config: { name: 'b', units: 1 } },
      ],
    },
  },
})

const planOf = (model: string, training: string) =>
  parsePlan(
    planText()
      .replace('model: { logistic: {} }', `model: ${model}`)
      .replace(/^training: .*$/m, `training: ${training}`),
  )

describe.each(['tfjs-wasm', 'wasm'] as const)('training with frozen tensors on %s', (engine) => {
  const mlp = '{ mlp: { hidden: [4, 3], dropout: 0.2 } }'
  test.each<[string, string, string]>([
    [
      'plain descent',
      mlp,
      '{ epochs: 3, optimizer: { sgd: { learningRate: 0.1 } }, freeze: [dense_1, dense_2/kernel] }',
    ],
    ['momentum', mlp, '{ epochs: 3, optimizer: { sgd: { learningRate: 0.1, momentum: 0.9 } }, freeze: [dense_2] }'],
    ['Adam', mlp, '{ epochs: 3, optimizer: { adam: { learningRate: 0.1 } }, freeze: [dense_1, dense_2] }'],
    ['AdamW', mlp, '{ epochs: 3, optimizer: { adamw: { learningRate: 0.1 } }, freeze: [dense_1, dense_3/bias] }'],
    [
      'decay of all weights and clipping',
      mlp,
      '{ epochs: 3, optimizer: { sgd: { learningRate: 0.1, momentum: 0.5, nesterov: true } }, weightDecay: 1, clipGradient: { norm: 0.1 }, freeze: [dense_2] }',
    ],
    ['FedProx', mlp, '{ epochs: 3, optimizer: { sgd: { learningRate: 0.1 } }, fedprox: { mu: 1 }, freeze: [dense_3] }'],
    [
      'weight decay',
      '{ logistic: { l2: 1 } }',
      '{ epochs: 3, optimizer: { sgd: { learningRate: 0.1 } }, freeze: [dense_1/kernel] }',
    ],
    ['SCAFFOLD', mlp, '{ epochs: 3, optimizer: { sgd: { learningRate: 0.1 } }, scaffold: {}, freeze: [dense_1] }'],
    ['a topology', topology, '{ epochs: 3, optimizer: { adam: { learningRate: 0.1 } }, freeze: [dense_1] }'],
  ])('by %s leaves them as they are, bit by bit, and moves the others', async (_, model, text) => {
    const plan = planOf(model, text)
    const { layout, weights } = await startingModel(plan)
    const frozen = new Set(frozenTensors(plan.training.freeze, layout).map(({ tensor }) => tensor))
    // A zero with a sign is the first to be lost.
    for (const { tensor, offset } of tensorsIn(layout)) {
      if (frozen.has(tensor.name) && !tensor.name.startsWith('~')) weights[offset] = -0
    }
    const trainer = await createTrainer({ model: plan.model, dataset, training: plan.training, engine })
    const result = await trainer.train({ ...anyRound, weights })
    expect(frozen.size).toBeGreaterThan(0)
    for (const { tensor, offset, length } of tensorsIn(layout)) {
      const bits = (values: Float32Array) => new Uint32Array(values.slice(offset, offset + length).buffer)
      if (frozen.has(tensor.name)) expect(bits(result.weights), tensor.name).toEqual(bits(weights))
      else expect(bits(result.weights), tensor.name).not.toEqual(bits(weights))
    }
    trainer.dispose()
  })

  test('of a topology that has no such layer is refused', async () => {
    const plan = planOf(topology, '{ epochs: 1, optimizer: { sgd: { learningRate: 0.1 } }, freeze: [dense_3] }')
    await expect(createTrainer({ model: plan.model, dataset, training: plan.training })).rejects.toMatchObject({
      code: 'plan.invalid',
      message: expect.stringContaining('unknown layer or tensor "dense_3"; did you mean "dense_1"?'),
    })
  })
})

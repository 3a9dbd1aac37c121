import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { createTrainer, type TrainerOptions } from '../../client/training/trainer.ts'
import { modelSchema } from '../../core/plan/model.ts'
import { trainingSchema } from '../../core/plan/training.ts'
import { randomDataset } from './training-fixtures.ts'

type Engine = NonNullable<z.input<typeof trainingSchema>['engine']>
type Machine = Pick<TrainerOptions, 'engine' | 'allowedEngines'>

const dataset = randomDataset(20, [4], 1)
const within = { mlp: { hidden: [3] } }
/** An LSTM: TF.js alone has it. */
const beyond = {
  layers: {
    class_name: 'Sequential',
    config: {
      layers: [
        { class_name: 'InputLayer', config: { name: 'rows', batch_input_shape: [null, 4] } },
        { class_name: 'Reshape', config: { name: 'steps', target_shape: [2, 2] } },
        { class_name: 'LSTM', config: { name: 'memory', units: 3 } },
        { class_name: 'Dense', config: { name: 'out', units: 1 } },
      ],
    },
  },
}

async function chosen(model: unknown, plan: Engine | undefined, machine: Machine = {}) {
  const training = trainingSchema.parse({
    epochs: 1,
    optimizer: { sgd: { learningRate: 0.1 } },
    ...(plan === undefined ? {} : { engine: plan }),
  })
  const trainer = await createTrainer({ model: modelSchema.parse(model), dataset, training, ...machine })
  trainer.dispose()
  return `${trainer.engine}: ${trainer.why}`
}

describe('what trains', () => {
  test('are the kernels where they reach the model', async () => {
    expect(await chosen(within, undefined)).toBe('wasm: it reaches the model')
    expect(await chosen(within, 'auto')).toBe('wasm: it reaches the model')
  })

  test('is TF.js for every other model, and the layer is named', async () => {
    expect(await chosen(beyond, undefined)).toMatch(/^tfjs-(node|wasm): wasm does not reach the model: .*memory.*LSTM/)
  })

  test('is what the plan says', async () => {
    expect(await chosen(within, 'wasm')).toBe('wasm: the plan asks for wasm')
    expect(await chosen(within, 'tfjs')).toMatch(/^tfjs-(node|wasm): the plan asks for tfjs$/)
    expect(await chosen(within, 'tfjs-cpu')).toBe('tfjs-cpu: the plan asks for tfjs-cpu')
    await expect(chosen(beyond, 'wasm')).rejects.toMatchObject({
      code: 'engine.model-unsupported',
      message: expect.stringMatching(/memory.*LSTM.*the plan asks for wasm/),
    })
  })

  test('is what the machine is set to, within the plan', async () => {
    expect(await chosen(within, undefined, { engine: 'tfjs-wasm' })).toBe('tfjs-wasm: this machine is set to tfjs-wasm')
    expect(await chosen(within, 'tfjs', { engine: 'tfjs-cpu' })).toMatch(
      /^tfjs-cpu: the plan asks for tfjs, this machine/,
    )
    await expect(chosen(within, 'wasm', { engine: 'tfjs-cpu' })).rejects.toMatchObject({
      code: 'engine.unavailable',
      message: 'no engine is left: the plan asks for wasm, this machine is set to tfjs-cpu',
    })
  })

  test('is what the site’s policy allows', async () => {
    expect(await chosen(within, undefined, { allowedEngines: ['tfjs-wasm'] })).toBe(
      'tfjs-wasm: the site’s policy allows tfjs-wasm',
    )
    await expect(chosen(beyond, undefined, { allowedEngines: ['wasm'] })).rejects.toMatchObject({
      code: 'engine.model-unsupported',
    })
    await expect(chosen(within, 'wasm', { allowedEngines: ['tfjs-wasm'] })).rejects.toMatchObject({
      code: 'engine.unavailable',
    })
  })
})

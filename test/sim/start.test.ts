import { describe, expect, test } from 'vitest'
import { startingModel } from '../../client/training/initial.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { type BaseFiles, baseOf } from '../../core/import/base-model.ts'
import { tensorsIn } from '../../core/tensors/layout.ts'
import { writeModel } from '../../core/tensors/safetensors.ts'
import { checkScenario, type SimulateOptions, simulate } from '../../sim/index.ts'
import { addingTrainer } from '../support/federation.ts'

function scenarioOf(training: object, start?: object, world: object = {}) {
  const columns = Array.from({ length: 4 }, (_, i) => ({ name: `x${i}`, type: 'number' }))
  return checkScenario({
    scenario: 1,
    plan: {
      parley: 1,
      name: 'blobs',
      model: { mlp: { hidden: [3] } },
      ...(start === undefined ? {} : { start }),
      data: { csv: { columns: [...columns, { name: 'y', type: 'label' }], label: { positive: { above: 0 } } } },
      training: { epochs: 1, batch: 16, optimizer: { sgd: { learningRate: 0.2 } }, ...training },
      rounds: 2,
      window: { count: { min: 5, max: 5 } },
      gates: [{ metric: 'accuracy', min: 0 }],
      aggregation: { rule: 'median' },
    },
    world: {
      clients: 5,
      data: { generated: { blobs: { rows: 300, inputs: 4, classes: 2 } } },
      seed: 5,
      ...world,
    },
  })
}

const { plan } = scenarioOf({})
const { layout, weights } = await startingModel({ ...plan, seed: 99 })
const base: BaseFiles = [{ name: 'base.safetensors', bytes: writeModel(layout, weights) }]
const sha256 = baseOf(nodeCrypto, base).sha256
const file = { file: 'base.safetensors', sha256 }
const freeze = ['dense_1']

const run = (scenario: ReturnType<typeof scenarioOf>, options: SimulateOptions = {}) =>
  simulate(scenario, { workers: 0, ...options })

describe('a simulation that starts from a model', () => {
  test.each([
    ['a file', file],
    ['a version', { version: 'heart/3', sha256 }],
    ['the version with an alias', { version: 'heart@production' }],
  ])('begins with its weights where the plan names %s, and leaves what is frozen', async (_, start) => {
    const seen: Float32Array[] = []
    const trainer: NonNullable<SimulateOptions['trainer']> = (client, own) =>
      addingTrainer(0, {
        layout: own,
        train: async (request) => {
          if (client === 0) seen.push(request.weights.slice())
          const moved = request.weights.map((weight, j) => (j < 15 ? weight : weight + 0.1))
          return { weights: moved, samples: 10, loss: 0.5, steps: 1 }
        },
      })
    await run(scenarioOf({ freeze }, start), { base, trainer })
    expect(seen).toHaveLength(2)
    expect(seen[0]).toEqual(weights)
    for (const { tensor, offset, length } of tensorsIn(layout)) {
      const [before, after] = seen.map((vector) => vector.subarray(offset, offset + length))
      if (tensor.name.startsWith('dense_1/')) expect(after).toEqual(before)
      else expect(after).not.toEqual(before)
    }
  })

  test('is the same with and without threads, and another one than without the model', async () => {
    const [alone, threads] = [
      await run(scenarioOf({ freeze }, file), { base }),
      await run(scenarioOf({ freeze }, file), { base, workers: 2 }),
    ]
    expect(alone.outcome).toMatchObject({ kind: 'published' })
    expect(threads).toEqual(alone)
    expect((await run(scenarioOf({ freeze }))).weights).not.toBe(alone.weights)
  })

  test.each(['sign-flip', 'gaussian'])(
    'lets attackers (%s) leave alone what is frozen, as they know the plan',
    async (attack) => {
      const world = { attackers: { count: 1, attack } }
      const { rounds } = await run(scenarioOf({ freeze }, file, world), { base })
      expect(rounds.map(({ accepted, refused }) => [accepted.length, refused])).toEqual([
        [5, []],
        [5, []],
      ])
    },
  )

  test('needs it, and the one that the plan says', async () => {
    await expect(run(scenarioOf({}, file))).rejects.toMatchObject({
      code: 'request.invalid',
      message: expect.stringContaining('the plan starts from the file base.safetensors, which is not given'),
    })
    await expect(run(scenarioOf({}), { base })).rejects.toMatchObject({ code: 'request.invalid' })
    const other = { ...file, sha256: 'ab'.repeat(32) }
    await expect(run(scenarioOf({}, other), { base })).rejects.toMatchObject({ code: 'verify.failed' })
    expect(() => scenarioOf({ freeze: ['dense_3'] })).toThrow(
      'plan.training.freeze.0: unknown layer or tensor "dense_3"',
    )
  })
})

import { expect, test } from 'vitest'
import { checkScenario, simulate } from '../../../sim/index.ts'

// A rule on more than 64 updates decides in a thread of its own, whose real time must not pass in the simulation.
test('virtual time stands still while a rule decides elsewhere', async () => {
  const clients = 70
  const scenario = checkScenario({
    scenario: 1,
    plan: {
      parley: 1,
      name: 'large-cohort',
      model: { logistic: {} },
      data: {
        csv: {
          columns: [
            { name: 'x', type: 'number' },
            { name: 'y', type: 'label' },
          ],
          label: { positive: { above: 0 } },
        },
      },
      training: { epochs: 1, batch: 16, optimizer: { sgd: { learningRate: 0.2 } } },
      rounds: 2,
      window: { count: { min: clients, max: clients } },
      aggregation: { rule: { 'multi-krum': { f: 3 } } },
    },
    world: { clients, data: { generated: { blobs: { rows: 20 * clients, inputs: 1, classes: 2 } } } },
  })
  const { rounds, virtualMs } = await simulate(scenario, { workers: 0 })
  expect(rounds.map(({ accepted }) => accepted.length)).toEqual([clients, clients])
  expect(virtualMs).toBe(0)
})

/** Masked rounds in virtual time, where clients come and go as the scenario says. */
import { describe, expect, test } from 'vitest'
import { checkScenario, simulate } from '../../sim/index.ts'

const CLIENTS = 12

const scenarioOf = (privacy: object, { plan = {}, world = {} }: { plan?: object; world?: object } = {}) =>
  checkScenario({
    scenario: 1,
    plan: {
      parley: 1,
      name: 'masked-blobs',
      model: { logistic: {} },
      data: {
        csv: {
          columns: [
            ...Array.from({ length: 4 }, (_, i) => ({ name: `x${i}`, type: 'number' })),
            { name: 'y', type: 'label' },
          ],
          label: { positive: { above: 0 } },
        },
      },
      training: { epochs: 1, batch: 16, optimizer: { sgd: { learningRate: 0.2 } } },
      rounds: 3,
      window: { count: { min: 8, max: CLIENTS }, time: { min: '3m', max: '10m' } },
      privacy: { mode: 'masked', threshold: { dropout: 0.3 }, ...privacy },
      gates: [{ metric: 'accuracy', min: 0.6 }],
      ...plan,
    },
    world: {
      clients: CLIENTS,
      data: { generated: { blobs: { rows: 1200, inputs: 4, classes: 2 } } },
      seed: 5,
      ...world,
    },
  })

describe('a simulated masked run', () => {
  test('learns what the sealed one learns, to the last bits of the quantisation', async () => {
    const window = { count: { min: CLIENTS, max: CLIENTS } }
    const masked = await simulate(scenarioOf({}, { plan: { window } }), { workers: 0 })
    const sealed = await simulate(scenarioOf({}, { plan: { window, privacy: { mode: 'sealed' } } }), { workers: 0 })
    expect(masked.outcome.kind).toBe('published')
    const [a, b] = [masked, sealed].map(({ rounds }) => rounds.at(-1)!.central!.loss!)
    expect(Math.abs(a! - b!)).toBeLessThan(1e-4)
    expect(masked.weights).not.toBe(sealed.weights)
  })

  test('gives the same bytes again, whatever the threads', async () => {
    const scenario = scenarioOf({ buckets: { size: 3, survivors: 2 } }, { plan: { aggregation: { rule: 'median' } } })
    const [a, b] = await Promise.all([simulate(scenario, { workers: 0 }), simulate(scenario, { workers: 1 })])
    expect(a.weights).toBe(b.weights)
  })

  test.each(['training', 'upload'] as const)('goes on when clients drop out in %s', async (phase) => {
    const faults = [{ dropout: { phase, rate: 0.15 } }]
    const result = await simulate(scenarioOf({}, { world: { faults } }), { workers: 0 })
    expect(result.outcome).toMatchObject({ kind: 'published' })
    expect(result.rounds.filter(({ weights }) => weights !== undefined).length).toBe(3)
    expect(result.rounds.some(({ accepted }) => accepted.length < CLIENTS)).toBe(true)
  })
  test('ends with the step in which too few were left', async () => {
    const faults = [{ dropout: { phase: 'upload', rate: 0.6 } }]
    const { outcome, rounds } = await simulate(scenarioOf({}, { world: { faults } }), { workers: 0 })
    expect(outcome).toMatchObject({ kind: 'failed', code: 'masking.failed' })
    expect(outcome).toHaveProperty('message', expect.stringMatching(/^step input: too few clients, \d of at least 8$/))
    expect(rounds.every(({ weights }) => weights === undefined)).toBe(true)
  })
})

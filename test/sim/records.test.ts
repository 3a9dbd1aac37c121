import { describe, expect, test } from 'vitest'
import { recordPrivacyOf } from '../../core/plan/record-privacy.ts'
import { spent, timesRounds } from '../../core/privacy/index.ts'
import { checkScenario, runReport, type SimulateOptions, simulate } from '../../sim/index.ts'
import { importsOf, sourcesOf } from '../support/source-files.ts'

/** Blobs in four dimensions, logistic regression, four clients of 100 training rows. */
const scenarioOf = (records: object, seed = 5) =>
  checkScenario({
    scenario: 1,
    plan: {
      parley: 1,
      name: 'blobs',
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
      training: { epochs: 1, batch: 20, optimizer: { sgd: { learningRate: 0.5 } } },
      rounds: 4,
      window: { count: { min: 4, max: 4 } },
      privacy: { records },
    },
    world: { clients: 4, data: { generated: { blobs: { rows: 500, inputs: 4, classes: 2 } } }, seed },
  })

const run = (records: object = { clip: 1, multiplier: 1 }, options: SimulateOptions = {}, seed?: number) =>
  simulate(scenarioOf(records, seed), { workers: 0, ...options })

describe('a simulation of a plan that hides rows', () => {
  test('counts what each virtual client’s rows have paid, and tells the most', async () => {
    const result = await run()
    const rows = result.world.rows.map((classes) => classes.reduce((a, b) => a + b))
    const fewest = Math.min(...rows)
    const { spend } = recordPrivacyOf(scenarioOf({ clip: 1, multiplier: 1 }).plan, 5, fewest)!
    const cost = spent([timesRounds(spend, 4 * spend.rounds)], 1e-5)
    expect(result.records).toMatchObject({ epsilon: expect.closeTo(cost.epsilon, 6) as number, delta: 1e-5 })
    expect(result.rounds.map(({ records = [] }) => records.length)).toEqual([4, 4, 4, 4])
    expect(result.rounds.at(-1)!.central!.accuracy!).toBeGreaterThan(0.75)
    expect(runReport(result)).toContain('Privacy of a row')
  })

  test('can be repeated: the same bytes for a seed, whatever the threads, and others for another', async () => {
    const results = [await run(), await run({ clip: 1, multiplier: 1 }, { workers: 2 })]
    expect(results[1]).toEqual(results[0])
    expect((await run(undefined, {}, 6)).weights).not.toBe(results[0]!.weights)
  })

  test('has the same faults whatever the threads, also where rounds are evaluated between', async () => {
    const { plan, world } = scenarioOf({ clip: 1, multiplier: 1 })
    const scenario = {
      plan: { ...plan, rounds: 6, window: { count: { min: 2, max: 4 }, time: { min: '1s', max: '10s' } } },
      world: {
        ...world,
        faults: [{ dropout: { phase: 'training', rate: 0.3 } }, { straggler: { rate: 0.3, factor: 5 } }],
      },
    }
    const faulty = () => checkScenario({ scenario: 1, ...scenario })
    const results = [await simulate(faulty(), { workers: 0 })]
    for (const workers of [1, 2]) results.push(await simulate(faulty(), { workers }))
    expect(results[0]!.rounds.some(({ accepted }) => accepted.length < 4)).toBe(true)
    expect(results[1]).toEqual(results[0])
    expect(results[2]).toEqual(results[0])
  })

  test('keeps to what a run may cost', async () => {
    const { plan } = scenarioOf({ clip: 1, multiplier: 1 })
    const { spend } = recordPrivacyOf(plan, 5, 100)!
    const limit = spent([timesRounds(spend, 2.5 * spend.rounds - ((2.5 * spend.rounds) % 1))], 1e-5).epsilon
    const { rounds } = await run({ clip: 1, multiplier: 1, epsilon: limit })
    expect(rounds.filter(({ accepted }) => accepted.length === 4)).toHaveLength(2)
  })
})

test('seeded noise cannot be reached from anywhere but simulations', () => {
  const imports = sourcesOf('core', 'kernels', 'audit', 'server', 'client', 'consumer', 'cli', 'sim').flatMap(importsOf)
  const reached = imports.filter(({ to }) => to.endsWith('seeded-bytes.ts')).map(({ from }) => from)
  expect(reached).toEqual(['sim/pool/workbench.ts'])
  // The face of the simulator does not give it away.
  expect(imports.some(({ from, to }) => from === 'sim/index.ts' && to.includes('seeded-bytes'))).toBe(false)
  const drawing = sourcesOf('client/training/records')
  expect(drawing.length).toBeGreaterThan(2)
  for (const { text } of drawing) expect(text).not.toMatch(/randomOf|Math\.random/)
})

/** Differential privacy from end to end: what comes out of a run, what it costs, and who stops it. */
import { afterEach, describe, expect, test } from 'vitest'
import type { ClientOptions } from '../../client/node/options.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import { emptyLedger, epsilonOf, type Ledger, spent } from '../../core/privacy/index.ts'
import { clientPolicy } from '../../core/secagg/index.ts'
import { addingTrainer, Federation, keyOf, storedWeights } from '../support/federation.ts'
import { planText } from '../support/plans.ts'

const names = ['a', 'b', 'c', 'd']
const known = Object.fromEntries(names.map((name) => [name, toHex(keyOf(name).publicKey)]))
const masking = {
  masking: {
    policy: clientPolicy({ known, minimum: 3, minKnown: 3, buckets: { minSize: 2, minSurvivors: 2, minKnown: 2 } }),
  },
}

let federation: Federation
afterEach(() => federation.stop())

type RunOptions = {
  readonly privacy: string
  readonly rounds?: number
  readonly extra?: string
  readonly step?: (i: number) => number
  readonly client?: Partial<ClientOptions>
}

async function runOf({ privacy, rounds = 1, extra = '', step = () => 3, client = {} }: RunOptions) {
  federation = new Federation({ clients: names })
  await federation.coordinator.start()
  for (const [i, name] of names.entries()) federation.addClient(name, addingTrainer(step(i)), { ...masking, ...client })
  const text = planText({ rounds, count: { min: 4, max: 4 }, extra: `privacy: ${privacy}\n${extra}` })
  const { run } = await federation.coordinator.startRun(text)
  const view = await federation.view(run)
  const weights = async (round: number) => await storedWeights(federation.store, view.history[round]!.weights!)
  return { run, view, weights }
}

describe('clipping', () => {
  // Each update is (3, 3, 3, 3), of norm 6: cut to norm 1 it is (0.5, 0.5, 0.5, 0.5).
  test.each(['{ clip: { flat: { norm: 1 } } }', '{ mode: masked, clip: { flat: { norm: 1 } } }'])(
    'cuts the update and not its coordinates: %s',
    async (privacy) => {
      const { weights, view } = await runOf({ privacy })
      for (const weight of await weights(0)) expect(weight).toBeCloseTo(0.5, 4)
      expect(view.privacy).toBeUndefined()
    },
  )

  test.each(['sealed', 'masked'])('its norm follows the quantile of what %s clients send', async (mode) => {
    const clip = '{ adaptive: { quantile: 0.5, initial: 1, rate: 0.2 } }'
    // Norms 0.2, 0.2, 20, 20: half of them are within whatever lies between, which stays where it is.
    const still = await runOf({
      privacy: `{ mode: ${mode}, clip: ${clip} }`,
      rounds: 3,
      step: (i) => (i < 2 ? 0.1 : 10),
    })
    const moved = async (round: number, { weights }: typeof still) => {
      const [after, before] = [await weights(round), round === 0 ? [0, 0, 0, 0] : await weights(round - 1)]
      return after[0]! - before[0]!
    }
    for (const round of [0, 1, 2]) expect(await moved(round, still)).toBeCloseTo((0.1 + 0.5) / 2, 4)
    await federation.stop()
    // All are clipped: the norm grows by e^{η·γ} = e^0.1 a round.
    const grows = await runOf({ privacy: `{ mode: ${mode}, clip: ${clip} }`, rounds: 3, step: () => 10 })
    for (const round of [0, 1, 2]) expect(await moved(round, grows)).toBeCloseTo(0.5 * Math.exp(0.1 * round), 3)
  })
})

describe('noise', () => {
  const kinds = [
    ['central', '{ clip: { flat: { norm: 1 } }, noise: { central: { multiplier: 2 } } }', 2 / 4],
    ['local', '{ clip: { flat: { norm: 1 } }, noise: { local: { multiplier: 2 } } }', 2 / Math.sqrt(4)],
    ['shared', '{ mode: masked, clip: { flat: { norm: 1 } }, noise: { distributed: { multiplier: 2 } } }', 2 / 4],
  ] as const

  test.each(kinds)('of kind %s has the deviation that the plan asks for', async (_kind, privacy, deviation) => {
    const { view, weights } = await runOf({ privacy, rounds: 12, step: () => 0 })
    const drawn: number[] = []
    let before = [0, 0, 0, 0]
    for (const round of view.history.keys()) {
      const after = await weights(round)
      drawn.push(...after.map((value, j) => value - before[j]!))
      before = after
    }
    // 48 values: their root mean square is within 45 % of the deviation but once in 10⁵ runs.
    const measured = Math.sqrt(drawn.reduce((sum, x) => sum + x * x, 0) / drawn.length)
    expect(measured / deviation).toBeGreaterThan(0.55)
    expect(measured / deviation).toBeLessThan(1.45)
    expect(new Set(drawn).size).toBe(drawn.length)
  })

  test('of the coordinator is the same when the round is computed again, and another in the next', async () => {
    const { run } = await runOf({ privacy: kinds[0][1], rounds: 2 })
    for (const round of [1, 2]) {
      expect(await federation.coordinator.recompute(run, round, {})).toMatchObject({ identical: true })
    }
  })

  test('is divided by the planned cohort, whoever answers', async () => {
    federation = new Federation({ clients: names })
    await federation.coordinator.start()
    for (const name of names.slice(0, 2)) federation.addClient(name, addingTrainer(0.25))
    const privacy = 'privacy: { clip: { flat: { norm: 1 } }, noise: { central: { multiplier: 0.001 } } }'
    const { run } = await federation.coordinator.startRun(
      planText({ rounds: 1, count: { min: 2, max: 4 }, extra: privacy }),
    )
    const view = await federation.view(run)
    for (const weight of await storedWeights(federation.store, view.history[0]!.weights!)) {
      expect(weight).toBeCloseTo(0.125, 2)
    }
  })
})

describe('the budget', () => {
  const budget = '{ epsilon: 6, delta: 1.0e-5 }'
  const privacy = `{ clip: { flat: { norm: 1 } }, noise: { central: { multiplier: 2 } }, budget: ${budget} }`

  test('ends the run before it would be passed, with the best of what there is', async () => {
    const { view } = await runOf({ privacy, rounds: 50 })
    const rounds = view.history.length
    const cost = (count: number) =>
      spent(
        [
          {
            mechanism: 'gaussian',
            multiplier: 2,
            sampling: { kind: 'all' },
            neighbours: 'add-or-remove',
            rounds: count,
          },
        ],
        1e-5,
      ).epsilon
    expect(cost(rounds)).toBeLessThanOrEqual(6)
    expect(cost(rounds + 1)).toBeGreaterThan(6)
    expect(view.outcome).toMatchObject({ kind: 'published' })
    expect(view.privacy).toMatchObject({ rounds, delta: 1e-5, budget: 6 })
    expect(view.privacy!.epsilon).toBeCloseTo(cost(rounds), 4)
  })

  test('that pays for no round is refused at the start', async () => {
    federation = new Federation({ clients: names })
    await federation.coordinator.start()
    const small = privacy.replace('epsilon: 6', 'epsilon: 0.5')
    const started = federation.coordinator.startRun(planText({ count: { min: 4, max: 4 }, extra: `privacy: ${small}` }))
    await expect(started).rejects.toMatchObject({
      code: 'plan.infeasible',
      message: expect.stringMatching(/one round costs ε = \d/) as unknown,
    })
  })

  test('noise that has no room in the sums is refused at the start', async () => {
    federation = new Federation({ clients: names })
    await federation.coordinator.start()
    const loud = 'privacy: { mode: masked, clip: { flat: { norm: 1 } }, noise: { distributed: { multiplier: 900 } } }'
    const started = federation.coordinator.startRun(
      planText({ count: { min: 4, max: 4 }, extra: loud.replace('masked,', 'masked, encoding: { bits: 22 },') }),
    )
    await expect(started).rejects.toMatchObject({ code: 'plan.infeasible' })
  })

  test('of a client’s own life is kept by the client, which leaves when it is gone', async () => {
    let ledger: Ledger = emptyLedger
    const own = {
      budget: { epsilon: 2.5, delta: 1e-5 },
      read: async () => ledger,
      write: async (next: Ledger) => {
        ledger = next
      },
    }
    federation = new Federation({ clients: names })
    await federation.coordinator.start()
    for (const [i, name] of names.entries()) {
      federation.addClient(name, addingTrainer(0), i === 0 ? { ledger: own } : {})
    }
    const text = planText({ rounds: 3, count: { min: 3, max: 4 }, extra: `privacy: ${privacy}` })
    const { run } = await federation.coordinator.startRun(text)
    const view = await federation.view(run)
    expect(view.history.map(({ refused }) => refused.map(({ client, code }) => `${client} ${code}`))).toEqual([
      [],
      ['a privacy.budget-exhausted'],
      ['a privacy.budget-exhausted'],
    ])
    expect(epsilonOf(ledger, 1e-5).epsilon).toBeGreaterThan(1)
    expect(ledger.entries.flatMap(({ keys }) => keys)).toEqual([`${run}/1#1`])
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkPlan } from '../../core/plan/parse.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { recordExamples } from '../../core/plan/record-examples.ts'
import { recordPrivacyOf } from '../../core/plan/record-privacy.ts'
import { spent } from '../../core/privacy/index.ts'
import { planOf } from '../support/plans.ts'
import { fixtures, missing } from './privacy/fixtures.ts'

const plan = (records: string, extra = '') => planOf({ extra: `privacy: { records: ${records} ${extra} }` })

/** A plan whose round is the row of the reference numbers, and the rows of a client by which its rate is exactly that. */
function roundOf(rate: number, multiplier: number, steps: number): { plan: Plan; rows: number } {
  const rows = [100, 1_000, 3_400, 10_000, 60_000, 342_477].find(
    (count) => Math.abs(Math.round(rate * count) / count - rate) < 1e-15 && rate * count > 0.5,
  )!
  const whole = plan(`{ clip: 2, multiplier: ${multiplier} }`)
  const { optimizer } = whole.training
  return { plan: { ...whole, training: { steps, batch: Math.round(rate * rows), optimizer } }, rows }
}

describe.skipIf(missing)('what a round spends', () => {
  test.each(fixtures.poissonGaussian.rows)('is that of the reference numbers, q $q, z $z, T $T', (row) => {
    const { plan, rows } = roundOf(row.q, row.z, row.T)
    const { spend, steps, rate } = recordPrivacyOf(plan, 50, rows)!
    expect({ steps, rate }).toEqual({ steps: row.T, rate: expect.closeTo(row.q, 15) as number })
    const byRdp = spent([spend], row.delta, 'rdp').epsilon
    expect(byRdp).toBeGreaterThanOrEqual(row.epsRdpExact * (1 - 1e-14))
    expect(byRdp).toBeLessThanOrEqual(row.epsRdpExact * (1 + 1e-7))
    const byPld = spent([spend], row.delta, 'pld').epsilon
    expect(byPld).toBeGreaterThanOrEqual(row.epsPldFine - 1e-5)
    expect(byPld).toBeLessThanOrEqual(row.epsPld + 1e-5)
  })
})

describe('a plan that hides rows', () => {
  test('says which noise, at which δ, and what a run may cost', () => {
    expect(plan('{ clip: 1, multiplier: 1.1 }').privacy.records).toEqual({ clip: 1, multiplier: 1.1, delta: 1e-5 })
    const records = { clip: 1, multiplier: 1.1, delta: 1e-4, epsilon: 8 }
    expect(plan(JSON.stringify(records)).privacy.records).toEqual(records)
  })

  test('has one meaning in a round: the rate is that of the rows, the noise that of the sum over the batch on average', () => {
    const { training, ...rest } = plan('{ clip: 2, multiplier: 1.5 }')
    const epochs: Plan = { ...rest, training: { ...training, epochs: 3, batch: 20 } as Plan['training'] }
    const { spend, ...round } = recordPrivacyOf(epochs, 4, 90)!
    expect(round).toEqual({ clip: 2, rate: 20 / 90, batch: 20, deviation: (1.5 * 2) / 20, steps: 15 })
    expect(spend).toMatchObject({
      sampling: { kind: 'poisson', rate: 20 / 90 },
      neighbours: 'add-or-remove',
      rounds: 15,
    })
    // What rounding to the grid can move is accounted for: a little less than the plan says, never more.
    expect(spend.multiplier).toBeLessThan(1.5)
    expect(spend.multiplier).toBeCloseTo(1.5, 8)
    expect(recordPrivacyOf(planOf(), 4, 90)).toBeUndefined()
  })

  test('with fewer rows than a batch all of them are in every batch', () => {
    expect(recordPrivacyOf(plan('{ clip: 1, multiplier: 1 }'), 4, 3)).toMatchObject({
      rate: 1,
      batch: 3,
      deviation: 1 / 3,
      steps: 1,
    })
  })

  test('costs more with more steps and fewer rows, and less with more noise', () => {
    const of = (multiplier: number, rows: number, steps: number) =>
      spent([recordPrivacyOf(roundOfSteps(multiplier, steps), 4, rows)!.spend], 1e-5, 'rdp').epsilon
    fc.assert(
      fc.property(
        fc.double({ min: 0.6, max: 8, noNaN: true }),
        fc.integer({ min: 8, max: 5_000 }),
        fc.integer({ min: 1, max: 200 }),
        (z, rows, steps) => {
          const epsilon = of(z, rows, steps)
          expect(of(z * 1.1, rows, steps)).toBeLessThanOrEqual(epsilon)
          expect(of(z, rows + 100, steps)).toBeLessThanOrEqual(epsilon)
          expect(of(z, rows, steps + 1)).toBeGreaterThanOrEqual(epsilon)
        },
      ),
      { numRuns: 30 },
    )
  })

  test('is told for some numbers of rows, and not where δ would be no promise', () => {
    const examples = recordExamples(plan('{ clip: 1, multiplier: 1, delta: 1.0e-4 }'), 4)
    expect(examples.map(({ rows }) => rows)).toEqual([100, 1_000])
    for (const { epsilon, epsilonOfRound } of examples) expect(epsilon).toBeGreaterThan(epsilonOfRound)
    expect(recordExamples(plan('{ clip: 1, multiplier: 1 }'), 4, [50])).toMatchObject([
      { rows: 50, rate: 4 / 50, steps: 26 },
    ])
  })
})

function roundOfSteps(multiplier: number, steps: number): Plan {
  const whole = plan(`{ clip: 1, multiplier: ${multiplier} }`)
  return { ...whole, training: { steps, batch: 8, optimizer: whole.training.optimizer } }
}

describe('what would tell of rows past the noise is refused', () => {
  const why = (
    change: (value: { data: { csv: Record<string, unknown> & { columns: object[] } }; privacy: object }) => void,
  ) => {
    const value = structuredClone(plan('{ clip: 1, multiplier: 1 }')) as unknown as Parameters<typeof change>[0]
    change(value)
    try {
      checkPlan(value)
      return 'fine'
    } catch (failure) {
      const { code, message } = failure as { code: string; message: string }
      return `${code}: ${message}`
    }
  }
  const scaled = { name: 'x0', type: 'number', missing: 'mean', standardise: { mean: 3, deviation: 2 } }

  test('means and deviations of a client’s own rows, and not those that the plan gives', () => {
    expect(why((value) => Object.assign(value.data.csv, { standardise: true }))).toMatch(
      /^plan.infeasible: .*leave data.csv.standardise out/,
    )
    expect(why((value) => Object.assign(value.data.csv.columns[0]!, { missing: 'mean' }))).toMatch(
      /^plan.infeasible: .*the column x0/,
    )
    expect(why((value) => value.data.csv.columns.splice(0, 1, scaled))).toBe('fine')
    expect(
      why((value) => {
        value.data.csv.columns.splice(0, 1, scaled)
        Object.assign(value.data.csv, { standardise: true })
      }),
    ).toMatch(/plan.invalid: .*choose one/)
  })

  test('noise that hides nothing', () => {
    expect(() => plan('{ clip: 1, multiplier: 1.0e-200 }')).toThrow(/multiplier/)
  })

  test('a budget of another promise', () => {
    expect(why((value) => Object.assign(value.privacy, { budget: { epsilon: 1, delta: 1e-5 } }))).toMatch(
      /what rows may cost is privacy.records.epsilon/,
    )
  })
})

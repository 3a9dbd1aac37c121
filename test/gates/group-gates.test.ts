import { describe, expect, test } from 'vitest'
import { differenceInterval } from '../../core/metrics/confidence/difference.ts'
import { wilson } from '../../core/metrics/confidence/wilson.ts'
import type { GroupCounts } from '../../core/metrics/groups.ts'
import type { FairnessGate, Gate, MetricGate } from '../../core/plan/gates.ts'
import { decideGates, type EvaluatedCandidate } from '../../server/gates/decide.ts'
import { groupOf, outcomes } from './figures.ts'

const gate = (changed: Partial<MetricGate>): Gate => ({
  metric: 'recall' as const,
  on: 'worst-group' as const,
  groupBy: 'sex',
  ...changed,
})
const fair = (changed: Partial<FairnessGate>): Gate => ({
  fairness: 'worst-gap' as const,
  groupBy: 'sex',
  maxGap: 0.1,
  ...changed,
})
const verdict = (one: Gate, candidate: EvaluatedCandidate, trim = 0) => decideGates([one], candidate, { trim })[0]!

const client = (name: string, ...groups: GroupCounts[]) => ({
  client: name,
  counts: [outcomes({ tp: 500, tn: 500 })],
  groups: [groups],
})

// Over both clients: female 60 of 100 found, 20 of 100 falsely; male 90 of 100 and 10 of 100.
const candidate = {
  results: [
    client(
      'a',
      groupOf('female', { tp: 40, fn: 40, tn: 40, fp: 10 }),
      groupOf('male', { tp: 90, fn: 10, tn: 90, fp: 10 }),
    ),
    client('b', groupOf('female', { tp: 20, fn: 0, tn: 40, fp: 10 })),
  ],
}

describe('a gate on the worst group', () => {
  test('pools each group over the clients, and names the worst', () => {
    const found = verdict(gate({ min: 0.7 }), candidate)
    expect(found).toMatchObject({ verdict: 'fail', value: 0.6, n: 100, gate: 'worst-group-sex-recall-min' })
    expect(found.explanation).toContain('female')
    expect(verdict(gate({ min: 0.6 }), candidate).verdict).toBe('pass')
  })

  test('with a maximum takes the largest', () => {
    expect(verdict(gate({ metric: 'brier', max: 0.2 }), candidate).explanation).toContain('female')
    expect(verdict(gate({ max: 0.8 }), candidate)).toMatchObject({ verdict: 'fail', value: 0.9 })
  })

  test('with a confidence holds for the bound of each', () => {
    const { low } = wilson({ part: 60, whole: 100 }, 0.05)
    expect(verdict(gate({ min: low + 1e-9, confidence: 0.95 }), candidate).verdict).toBe('fail')
    const passed = verdict(gate({ min: low - 1e-9, confidence: 0.95 }), candidate)
    expect(passed).toMatchObject({ verdict: 'pass', interval: { low: expect.closeTo(low, 12) } })
  })

  test('judges the groups with enough rows, and says which have not', () => {
    const results = candidate.results.map((one) => ({ ...one, withheld: [{ by: 'sex', group: 'other' }] }))
    expect(verdict(gate({ min: 0.6 }), { results })).toMatchObject({ verdict: 'pass' })
    expect(verdict(gate({ min: 0.6 }), { results }).explanation).toContain('too few rows of other')
    const none = { results: [{ ...client('a'), withheld: [{ by: 'sex', group: 'female' }] }] }
    expect(verdict(gate({ min: 0 }), none)).toMatchObject({ verdict: 'not-evaluable' })
  })

  test('is not evaluable where a client lacks the column, with both names', () => {
    const results = [...candidate.results, { ...client('c'), lacking: [{ by: 'sex', column: 'gender' }] }]
    const found = verdict(gate({ min: 0 }), { results })
    expect(found).toMatchObject({ verdict: 'not-evaluable', value: null })
    expect(found.explanation).toContain('data.schema: the column gender is not in the data of client c')
    const byAge = { results: results.map((one) => ({ ...one, lacking: [{ by: 'age', column: 'age' }] })) }
    expect(verdict(gate({ min: 0.6 }), byAge).verdict).toBe('pass')
  })

  test('is not evaluable where the metric of one group is not defined', () => {
    const results = [client('a', groupOf('female', { tn: 30 }), groupOf('male', { tp: 30 }))]
    const found = verdict(gate({ min: 0 }), { results })
    expect(found.verdict).toBe('not-evaluable')
    expect(found.explanation).toContain('group female')
  })

  test('bounds the drop of each group by itself', () => {
    const compared = {
      champion: { version: 1 },
      results: [
        {
          client: 'a',
          counts: [outcomes({ tp: 100 }), outcomes({ tp: 100 })],
          groups: [
            [groupOf('female', { tp: 60, fn: 40 }), groupOf('male', { tp: 80, fn: 20 })],
            [groupOf('female', { tp: 60, fn: 40 }), groupOf('male', { tp: 90, fn: 10 })],
          ],
        },
      ],
    }
    const found = verdict(gate({ maxDrop: 0.05 }), compared)
    expect(found.verdict).toBe('fail')
    expect(found.value).toBeCloseTo(0.1, 12)
    expect(found.explanation).toContain('male')
    expect(verdict(gate({ maxDrop: 0.1 }), compared).verdict).toBe('pass')
    expect(verdict(gate({ maxDrop: 0 }), candidate)).toMatchObject({ verdict: 'pass', value: 0.6 })
  })

  test('leaves the best and the worst clients of each group out', () => {
    const results = [0.2, 0.5, 1].map((share, i) =>
      client(`c${i}`, groupOf('female', { tp: 100 * share, fn: 100 - 100 * share })),
    )
    expect(verdict(gate({ min: 0.5 }), { results }, 1)).toMatchObject({ verdict: 'pass', value: 0.5, n: 100 })
  })
})

describe('a fairness gate', () => {
  test.each<[Partial<FairnessGate>, number, string]>([
    [{ fairness: 'demographic-parity' }, 100 / 200 - 80 / 200, 'demographic-parity'],
    [{ fairness: 'equal-opportunity' }, 0.3, 'equal-opportunity'],
    // The recalls are 0.3 apart, the false positive rates 0.1.
    [{ fairness: 'equalised-odds' }, 0.3, 'equalised-odds'],
    [{ metric: 'specificity' }, 0.1, 'specificity'],
    [{ metric: 'recall' }, 0.3, 'recall'],
  ])('%o', (changed, gap, metric) => {
    const found = verdict(fair({ ...changed, maxGap: gap }), candidate)
    expect(found).toMatchObject({ verdict: 'pass', metric })
    expect(found.value).toBeCloseTo(gap, 12)
    expect(found.explanation).toMatch(/between female .* and male|between male .* and female/)
    expect(verdict(fair({ ...changed, maxGap: gap - 1e-9 }), candidate).verdict).toBe('fail')
  })

  test('of equalised odds takes the larger of both gaps', () => {
    const results = [
      client(
        'a',
        groupOf('female', { tp: 50, fn: 50, tn: 50, fp: 50 }),
        groupOf('male', { tp: 55, fn: 45, tn: 90, fp: 10 }),
      ),
    ]
    expect(verdict(fair({ fairness: 'equalised-odds' }), { results }).value).toBeCloseTo(0.4, 12)
    expect(verdict(fair({ fairness: 'equal-opportunity' }), { results }).value).toBeCloseTo(0.05, 12)
  })

  test('with a confidence holds for the largest upper bound of any pair', () => {
    const found = verdict(fair({ fairness: 'equal-opportunity', maxGap: 0.3, confidence: 0.95 }), candidate)
    const share = (part: number, alpha: number) => ({
      value: part / 100,
      interval: wilson({ part, whole: 100 }, alpha),
    })
    expect(found).toMatchObject({ verdict: 'fail' })
    expect(found.interval!.high).toBeCloseTo(differenceInterval(share(90, 0.05), share(60, 0.05)).high, 12)
    // Two ordered pairs of one figure.
    expect(found.interval!.low).toBeCloseTo(differenceInterval(share(90, 0.025), share(60, 0.025)).low, 12)
    expect(found.interval!.low).toBeGreaterThan(0)
  })

  test('has no lower bound below no gap at all', () => {
    const same = groupOf('female', { tp: 50, fn: 50 })
    const results = [client('a', same, { ...same, group: 'male' })]
    const found = verdict(fair({ metric: 'recall', maxGap: 0.2, confidence: 0.9 }), { results })
    expect(found).toMatchObject({ verdict: 'pass', value: 0, interval: { low: 0 } })
    expect(found.interval!.high).toBeGreaterThan(0.05)
  })

  test('is not evaluable with fewer than two groups, or without a column', () => {
    const one = { results: [client('a', groupOf('male', { tp: 30 }))] }
    expect(verdict(fair({ metric: 'recall' }), one)).toMatchObject({ verdict: 'not-evaluable' })
    const lacking = { results: [{ ...client('a'), lacking: [{ by: 'sex', column: 'sex' }] }] }
    expect(verdict(fair({ metric: 'recall' }), lacking).explanation).toContain('data.schema')
    expect(verdict(fair({ metric: 'recall' }), { results: [] }).verdict).toBe('not-evaluable')
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { countBinary, countClasses } from '../../core/metrics/count.ts'
import { countNumeric } from '../../core/metrics/count-numeric.ts'
import { GROUP_BINS } from '../../core/metrics/counts.ts'
import type { GroupedCounts } from '../../core/metrics/groups.ts'
import { countLanes, countsFromLanes, countsToLanes } from '../../core/metrics/lanes.ts'
import { sumCounts } from '../../core/metrics/sum.ts'
import { parsePlan } from '../../core/plan/parse.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { evaluationFromSum, evaluationToLanes, largestCount } from '../../core/run/masked-evaluation.ts'
import { planText } from '../support/plans.ts'

const groups = '{ sex: { column: sex, values: { f: [0], m: [1] } }, age: { column: age, bands: [50] } }'
const planOf = (extra: string) =>
  parsePlan(
    planText({
      count: { min: 4, max: 8 },
      extra: `privacy: { mode: masked }\nevaluation: { counts: masked, minGroup: 5${extra} }`,
    }).replace('label: {', 'header: true\n    label: {'),
  )
const plan = planOf(`, groups: ${groups}`)
const MAX_ROWS = 1_000

const row = fc.record({ score: fc.double({ min: 0, max: 1, noNaN: true }), label: fc.constantFrom(0, 1) })
const rowsOf = (most: number) => fc.array(row, { minLength: 5, maxLength: most })

/** A client whose first rows are the group f and whose others are m; all of them lack a column `age`. */
const client = fc.tuple(rowsOf(30), rowsOf(30)).map(([f, m]): GroupedCounts => {
  const count = (rows: typeof f, bins?: number) =>
    countBinary(
      rows.map(({ score }) => score),
      rows.map(({ label }) => label),
      bins,
    )
  return {
    counts: count([...f, ...m]),
    groups: [
      { by: 'sex', group: 'f', counts: count(f, GROUP_BINS) },
      { by: 'sex', group: 'm', counts: count(m, GROUP_BINS) },
    ],
    withheld: [],
    lacking: [{ by: 'age', column: 'age' }],
  }
})

function added(lanes: readonly Uint32Array[]): Uint32Array {
  const sum = new Uint32Array(lanes[0]?.length ?? 0)
  for (const one of lanes) for (const [i, value] of one.entries()) sum[i] = (sum[i] as number) + value
  return sum
}

const sumOf = (of: Plan, clients: readonly (readonly GroupedCounts[])[]) =>
  added(clients.map((counted) => evaluationToLanes(of, counted, largestCount(clients.length))))

describe('counts as lanes', () => {
  test('come back, and sums of lanes are lanes of sums', () => {
    fc.assert(
      fc.property(fc.array(client, { minLength: 1, maxLength: 5 }), (clients) => {
        const shape = { units: 1, scoreBins: 1024 }
        const lanes = clients.map(({ counts }) => {
          const one = new Uint32Array(countLanes(shape))
          countsToLanes(counts, shape, largestCount(clients.length), one)
          expect(countsFromLanes(one, shape)).toEqual(counts)
          return one
        })
        expect(countsFromLanes(added(lanes), shape)).toEqual(sumCounts(clients.map(({ counts }) => counts)))
      }),
      { numRuns: 20 },
    )
  })

  test('of classes come back', () => {
    const counts = countClasses([0.2, 0.5, 0.3, 0.1, 0.1, 0.8], [1, 0], 3)
    const shape = { units: 3, scoreBins: 0 }
    const lanes = new Uint32Array(countLanes(shape))
    countsToLanes(counts, shape, 100, lanes)
    expect(countsFromLanes(lanes, shape)).toEqual(counts)
  })

  test('of a numeric label come back', () => {
    const numeric = { min: -3, max: 5 }
    const counts = countNumeric([0.1, 0.9, 0.5], [200_000, 100_000, 500_000], numeric)
    const shape = { units: 1, scoreBins: 1024, numeric }
    const lanes = new Uint32Array(countLanes(shape))
    countsToLanes(counts, shape, 100, lanes)
    expect(countsFromLanes(lanes, shape)).toEqual(counts)
    expect(countsFromLanes(added([lanes, lanes]), shape)).toEqual(sumCounts([counts, counts]))
  })

  test('a loss far beyond 2³² survives a sum of many', () => {
    const shape = { units: 2, scoreBins: 0 }
    const counts = { task: 'classes', rows: 7, lossMicros: 7e11 + 1, confusion: [1, 2, 3, 1] } as const
    const lanes = new Uint32Array(countLanes(shape))
    countsToLanes(counts, shape, 100, lanes)
    const sum = countsFromLanes(added(Array.from({ length: 1000 }, () => lanes)), shape)
    expect(sum).toMatchObject({ rows: 7000, lossMicros: 1000 * counts.lossMicros })
  })

  test('a count that could make a sum wrap round is refused', () => {
    const shape = { units: 2, scoreBins: 0 }
    const counts = { task: 'classes', rows: 100, lossMicros: 0, confusion: [100, 0, 0, 0] } as const
    expect(() => countsToLanes(counts, shape, 99, new Uint32Array(20))).toThrow('rows of 100 is above 99')
    expect(1000 * largestCount(1000)).toBeLessThan(2 ** 32)
  })
})

describe('the sum of an evaluation', () => {
  const models = 2
  const decode = (lanes: Uint32Array, clients: number, of = plan) =>
    evaluationFromSum(of, lanes, { models, clients, maxRows: MAX_ROWS })

  test('is the sum of what each client counted, by group', () => {
    fc.assert(
      fc.property(fc.array(client, { minLength: 2, maxLength: 5 }), (clients) => {
        const lanes = sumOf(
          plan,
          clients.map((one) => [one, one]),
        )
        const found = decode(lanes, clients.length)
        const sum = sumCounts(clients.map(({ counts }) => counts))
        const group = (name: string) => ({
          by: 'sex',
          group: name,
          counts: sumCounts(clients.flatMap((one) => one.groups.filter((g) => g.group === name).map((g) => g.counts))),
          clients: clients.length,
        })
        const both = [group('f'), group('m')]
        expect(found).toEqual({
          counts: [sum, sum],
          groups: [both, both],
          withheld: [],
          lacking: [{ by: 'age', column: 'age' }],
        })
      }),
      { numRuns: 20 },
    )
  })

  const two = fc.sample(client, { numRuns: 2, seed: 3 }) as [GroupedCounts, GroupedCounts]

  test('says of a withheld group who sent it, and that somebody did not', () => {
    const [a, b] = two
    const shy: GroupedCounts = {
      ...b,
      groups: b.groups.filter(({ group }) => group === 'f'),
      withheld: [{ by: 'sex', group: 'm' }],
    }
    const found = decode(
      sumOf(plan, [
        [a, a],
        [shy, shy],
      ]),
      2,
    )
    expect(found).toMatchObject({ withheld: [{ by: 'sex', group: 'm' }] })
    const sent = 'why' in found ? [] : (found.groups[0] ?? [])
    expect(sent.map(({ group, clients }) => [group, clients])).toEqual([
      ['f', 2],
      ['m', 1],
    ])
  })

  const honest = () =>
    sumOf(
      plan,
      two.map((one) => [one, one]),
    )
  const perModel = (evaluationToLanes(plan, [two[0]], 1e6).length - 6) as number
  test.each<[string, at: number, value: (before: number) => number]>([
    ['rows that are nowhere', 0, (rows) => rows + 1],
    ['more rows than clients may have', 0, () => 2_001],
    ['an outcome too many', 4, (outcomes) => outcomes + 1],
    ['a score that wrapped round', 20, () => 2 ** 32 - 1],
    ['other rows for the second model', perModel, (rows) => rows + 2],
    ['more clients that withhold than there are', -6, () => 3],
    ['a group of rows that nobody sent', -2, () => 2],
  ])('with %s is of no honest clients', (_, at, value) => {
    const lanes = honest()
    const place = at < 0 ? lanes.length + at : at
    lanes[place] = value(lanes[place] as number)
    expect(decode(lanes, 2)).toHaveProperty('why')
    expect(decode(honest(), 2)).not.toHaveProperty('why')
  })
})

describe('a plan with masked counts', () => {
  const refused = (text: string, message: string | RegExp) =>
    expect(() => parsePlan(text)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(message) as unknown }),
    )
  const text = (privacy: string, evaluation: string, gates = '[]') =>
    planText({ count: { min: 4, max: 8 }, gates, extra: `privacy: ${privacy}\nevaluation: ${evaluation}` })

  test('asks for masked updates', () => refused(text('{}', '{ counts: masked }'), /needs privacy.mode masked/))
  test('cannot rank clients', () =>
    refused(text('{ mode: masked }', '{ counts: masked, trim: 1 }'), /evaluation.trim ranks single clients/))
  test.each(['worst-client', 'median-client'])('has no gate on the %s', (on) =>
    refused(
      text('{ mode: masked }', '{ counts: masked }', `[{ metric: accuracy, min: 0.5, on: ${on} }]`),
      /looks at single clients/,
    ),
  )
  test('has as many groups as fit into an evaluation', () => {
    const bands = Array.from({ length: 63 }, (_, i) => i).join(', ')
    expect(() => planOf(`, groups: { age: { column: age, bands: [${bands}] } }`)).not.toThrow()
  })
})

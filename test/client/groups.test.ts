import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { datasetFromCsv } from '../../client/data/load.ts'
import { groupReader } from '../../client/data/row-groups.ts'
import { countGroups, shownGroups } from '../../client/training/count-groups.ts'
import { countBinary } from '../../core/metrics/count.ts'
import { invalidGroups } from '../../core/plan/check-groups.ts'
import type { Groups } from '../../core/plan/groups.ts'
import { planOf } from '../support/plans.ts'

const groups: Groups = {
  sex: { column: 'sex', values: { female: [0, 'F'], male: [1] } },
  age: { column: 'age', bands: [45, 65] },
}

describe('a row', () => {
  const missing = new Set(['', '?'])

  test('is of the group of its value, or of none', () => {
    const read = groupReader(groups.sex!, missing)
    expect(['0', '0.0', 'F', '1', '?', '', '2', 'f'].map(read)).toEqual([0, 0, 0, 1, -1, -1, -1, -1])
  })

  test('is of the band that begins at or below its number', () => {
    const read = groupReader(groups.age!, missing)
    expect(['-3', '44.9', '45', '64', '65', '1e3', '?', 'old'].map(read)).toEqual([0, 0, 1, 1, 2, 2, -1, -1])
  })
})

describe('a table with groups', () => {
  const { data } = planOf({ inputs: 1 })
  const lines = Array.from({ length: 20 }, (_, i) => `${i % 2},${i},${30 + 2 * i},${i % 2}`)
  const table = (header: string) => [header, ...lines].join('\n')
  const load = (text: string) => datasetFromCsv(data as Extract<typeof data, { csv: unknown }>, text, groups)

  test('knows of which group each held-out row is, also by columns that the plan does not name', () => {
    const { groups: found, test: held } = load(table('sex,x0,age,y'))
    // The label is the sex, and the only input counts the rows.
    expect([...found!.members.sex!]).toEqual([...held.labels])
    const bands = [...held.features].map((row) => [45, 65].filter((bound) => bound <= 30 + 2 * row).length)
    expect([...found!.members.age!]).toEqual(bands)
    expect(found!.lacking).toEqual([])
  })

  test('says which columns it lacks, and is used without them', () => {
    const { groups: found, test: held } = load(table('sex,x0,years,y'))
    expect(found!.lacking).toEqual([{ by: 'age', column: 'age' }])
    expect(Object.keys(found!.members)).toEqual(['sex'])
    expect(held.rows).toBe(4)
  })

  test('with such a column twice is refused by its name', () => {
    expect(() => load(table('sex,x0,sex,y'))).toThrow(
      expect.objectContaining({ code: 'data.schema', message: expect.stringContaining('sex stands twice') }),
    )
  })
})

describe('groups that leave a client', () => {
  test.each<[number[], number, number, number[]]>([
    [[30, 40], 70, 20, [0, 1]],
    // The first would follow from all rows without the second.
    [[15, 100], 115, 20, []],
    [[15, 100, 30], 145, 20, [1]],
    [[15, 18, 100], 133, 20, [2]],
    // Rows of no group hide it, or are not few themselves.
    [[15, 100], 125, 20, [1]],
    [[0, 100], 100, 20, [1]],
    // Rows of no group are no group.
    [[30, 40], 75, 20, [0, 1]],
    [[3, 4], 7, 20, []],
  ])('of %o of %d rows with at least %d: %o', (sizes, rows, minGroup, expected) => {
    expect([...shownGroups(sizes, rows, minGroup)].sort()).toEqual(expected)
  })

  const rowsOf = fc.array(
    fc.record({
      score: fc.double({ min: 0, max: 1, noNaN: true }),
      label: fc.nat({ max: 1 }),
      sex: fc.integer({ min: -1, max: 1 }),
      age: fc.integer({ min: -1, max: 2 }),
    }),
    { maxLength: 120 },
  )
  const policy = { groups, minGroup: 10 }
  const countsOf = (rows: readonly { score: number; label: number; sex: number; age: number }[]) =>
    countGroups(
      { scores: rows.map(({ score }) => score), labels: rows.map(({ label }) => label), classes: 1 },
      {
        members: {
          sex: Int16Array.from(rows, ({ sex }) => sex),
          age: Int16Array.from(rows, ({ age }) => age),
        },
        lacking: [],
      },
      policy,
    )

  test('are sent or withheld, are counted by their own rows, and pass the coordinator’s check', () => {
    fc.assert(
      fc.property(rowsOf, (rows) => {
        const { counts, groups: sent, withheld, lacking } = countsOf(rows)
        expect(sent.length + withheld.length).toBe(5)
        const report = { results: [{ counts, groups: sent }], withheld, lacking }
        expect(invalidGroups(report, policy, { rows: 1_000, units: 1 })).toBeUndefined()
        for (const { by, group, counts: own } of sent.filter((one) => one.by === 'sex')) {
          const members = rows.filter(({ sex }) => sex === (group === 'female' ? 0 : 1))
          const scores = members.map(({ score }) => score)
          const labels = members.map(({ label }) => label)
          expect([by, own]).toEqual(['sex', countBinary(scores, labels, 256)])
        }
      }),
    )
  })
})

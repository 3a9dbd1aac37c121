import { describe, expect, test } from 'vitest'
import { countClasses } from '../../core/metrics/count.ts'
import { GROUP_BINS } from '../../core/metrics/counts.ts'
import { invalidGroups, type ReportedGroups } from '../../core/plan/check-groups.ts'
import { groupOf, outcomes } from '../gates/figures.ts'

const definitions = {
  sex: { column: 'sex', values: { female: [0], male: [1] } },
  age: { column: 'years', bands: [50] },
}
const policy = { groups: definitions, minGroup: 5 }
const limits = { rows: 100, units: 1 }

const counts = outcomes({ tp: 10, fp: 10, tn: 10, fn: 10 })
const female = groupOf('female', { tp: 5, tn: 5 })
const male = groupOf('male', { tp: 5, tn: 5 })
const young = groupOf('below 50', { fp: 10 }, 'age')
const withheld = [{ by: 'age', group: 'from 50' }]
const sound: ReportedGroups = { results: [{ counts, groups: [female, male, young] }], withheld, lacking: [] }
const of = (groups: readonly (typeof female)[], changed: Partial<ReportedGroups> = {}) => ({
  ...sound,
  results: [{ counts, groups }],
  ...changed,
})

test('groups that can be true', () => {
  expect(invalidGroups(sound, policy, limits)).toBeUndefined()
  const lacking = of([young], { lacking: [{ by: 'sex', column: 'sex' }] })
  expect(invalidGroups(lacking, policy, limits)).toBeUndefined()
  expect(invalidGroups({ results: [{ counts }] }, { groups: {}, minGroup: 5 }, limits)).toBeUndefined()
})

describe('groups are refused', () => {
  test.each<[string, ReportedGroups]>([
    ['sex: other is not of the plan', of([female, male, young, { ...male, group: 'other' }])],
    ['sex: female is not of the plan, stands twice', of([female, female, male, young])],
    ['age: from 50 is not of the plan, stands twice', of([female, male, young, groupOf('from 50', { fn: 5 }, 'age')])],
    [
      'sex: female is not of the plan, stands twice, or its column is lacking',
      { ...sound, lacking: [{ by: 'sex', column: 'sex' }] },
    ],
    ['nothing is said of the group sex: male', of([female, young])],
    ['nothing is said of the group sex: female', { results: [{ counts }] }],
    ['no group of the plan has a column', { ...sound, lacking: [{ by: 'age', column: 'sex' }] }],
    ['no group of the plan has a column', { ...sound, lacking: [{ by: 'colour', column: 'sex' }] }],
    ['female has fewer than 5 rows', of([groupOf('female', { tp: 4 }), male, young])],
    [
      'female: the four outcomes do not add up',
      of([{ ...female, counts: { ...female.counts, rows: 11 } }, male, young]),
    ],
    ['female: a score list is not 256', of([{ ...female, counts: outcomes({ tp: 5, tn: 5 }) }, male, young])],
    ['sex have more rows than there are', of([groupOf('female', { tp: 11 }), male, young])],
    ['sex have more rows than there are', of([groupOf('female', { tp: 6 }), male, young])],
    [
      'sex have more rows than there are',
      of([
        { ...female, counts: { ...outcomes({ tp: 5, tn: 5 }, GROUP_BINS), lossMicros: counts.lossMicros + 4 } },
        male,
        young,
      ]),
    ],
    [
      'different groups',
      { ...sound, results: [...sound.results, { counts, groups: [groupOf('female', { tp: 5, tn: 4 }), male, young] }] },
    ],
  ])('%s', (reason, report) => {
    expect(invalidGroups(report, policy, limits)).toContain(reason)
  })

  test('of plans without any', () => {
    expect(invalidGroups(of([female]), { groups: {}, minGroup: 5 }, limits)).toContain('not of the plan')
  })

  test('cell by cell of a confusion matrix', () => {
    const classes = (labels: number[]) =>
      countClasses(
        labels.flatMap((label) => (label === 0 ? [1, 0] : [0, 1])),
        labels,
        2,
      )
    const report = (own: number[]) => ({
      results: [{ counts: classes([0, 0, 0, 0, 0, 1]), groups: [{ by: 'sex', group: 'male', counts: classes(own) }] }],
      withheld: [{ by: 'sex', group: 'female' }],
    })
    const check = (own: number[]) =>
      invalidGroups(report(own), { groups: { sex: definitions.sex }, minGroup: 5 }, { rows: 100, units: 2 })
    expect(check([0, 0, 0, 0, 1])).toBeUndefined()
    expect(check([0, 0, 0, 1, 1])).toContain('more rows than there are')
  })
})

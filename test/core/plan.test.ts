import { describe, expect, test } from 'vitest'
import { durationMs } from '../../core/plan/duration.ts'
import { canonicalPlan, parsePlan } from '../../core/plan/parse.ts'
import { cohortSize, planJsonSchema } from '../../core/plan/plan.ts'
import { planOf, planText } from '../support/plans.ts'

const read = (text: string) => parsePlan(text, { maxBytes: 1 << 20 })
const invalid = (message: RegExp) =>
  expect.objectContaining({ code: 'plan.invalid', message: expect.stringMatching(message) })

describe('a plan', () => {
  test('is read with every default filled in, and reading its canonical text gives the same plan', () => {
    const plan = planOf()
    expect(plan).toMatchObject({
      privacy: { mode: 'sealed' },
      aggregation: {
        rule: { mean: { weights: 'equal' } },
        screens: { maxNorm: 1000 },
        server: { fedavg: { learningRate: 1 } },
      },
      publish: { alias: 'production', select: 'last' },
    })
    const text = canonicalPlan(plan)
    expect(canonicalPlan(read(text))).toBe(text)
  })

  test('has one canonical text, whatever the order and form of its YAML', () => {
    const lines = planText().trim().split('\n')
    const moved = [...lines.slice(1), lines[0]].join('\n')
    expect(canonicalPlan(read(moved))).toBe(canonicalPlan(planOf()))
    expect(canonicalPlan(planOf({ rounds: 3 }))).not.toBe(canonicalPlan(planOf()))
  })

  test.each([
    ['round: 3', /unknown key "round"; did you mean "rounds"\?/],
    ['agregation: {}', /unknown key "agregation"; did you mean "aggregation"\?/],
    ['xyzzyxyzzyxyzzy: 1', /known keys: .*training/],
  ])('with %s names the nearest key', (line, message) => {
    expect(() => read(`${planText()}\n${line}`)).toThrow(invalid(message))
  })

  test.each([
    [
      'a nested unknown key',
      { extra: 'publish: { alais: x }' },
      /publish: unknown key "alais"; did you mean "alias"\?/,
    ],
    [
      'an unknown rule',
      { extra: 'aggregation: { rule: { meen: {} } }' },
      /aggregation\.rule: unknown key "meen"; did you mean "mean"\?/,
    ],
    ['a gate with two bounds', { gates: '[{ metric: auc, min: 0, max: 1 }]' }, /exactly one of min, max and maxDrop/],
    ['an unknown metric', { gates: '[{ metric: acuracy, min: 0 }]' }, /gates\.0\.metric/],
    ['a window upside down', { count: { min: 3, max: 2 } }, /window\.count\.min: count\.min is above count\.max/],
    ['a time without a unit', { time: { max: '30' } }, /window\.time\.max: a duration with its unit/],
    ['an alias that looks like a version', { extra: 'publish: { alias: v3 }' }, /publish\.alias/],
  ] as const)('with %s is refused with the field named', (_name, options, message) => {
    expect(() => planOf(options)).toThrow(invalid(message))
  })

  test.each([
    ['broken YAML', 'a: [1'],
    ['a key twice', 'rounds: 1\nrounds: 2'],
    [
      'an alias bomb',
      `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(20)}]\nc: &c [${'*b,'.repeat(20)}]\nd: [${'*c,'.repeat(20)}]`,
    ],
  ])('of %s is unreadable', (_name, text) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'plan.unreadable' }))
  })

  test('above the limit is not even parsed', () => {
    expect(() => parsePlan(planText(), { maxBytes: 10 })).toThrow(expect.objectContaining({ code: 'plan.unreadable' }))
  })
})

test('durations carry their unit', () => {
  expect(['250ms', '30s', '10m', '2h', '1d'].map(durationMs)).toEqual([250, 30_000, 600_000, 7_200_000, 86_400_000])
})

test('over-selection rounds up', () => {
  expect(cohortSize(planOf({ count: { min: 2, max: 4 }, overselect: 0.1 }))).toBe(5)
})

test('the schema for editors describes what people write', () => {
  expect(planJsonSchema()).toMatchObject({
    type: 'object',
    additionalProperties: false,
    required: expect.arrayContaining(['rounds', 'window']),
  })
  expect(planJsonSchema()).not.toMatchObject({ required: expect.arrayContaining(['seed']) })
})

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { canonicalPlan, parsePlan } from '../../core/plan/parse.ts'
import { planJsonSchema } from '../../core/plan/plan.ts'
import { planOf, planText } from '../support/plans.ts'

const sexAndAge = `evaluation:
  groups:
    sex: { column: sex, values: { female: [0], male: [1] } }
    age: { column: x0, bands: [45, 65] }
`
const gatesOf = (gates: string, extra = sexAndAge) => planOf({ gates, extra }).gates
const invalid = (...parts: string[]) =>
  expect.objectContaining({ code: 'plan.invalid', message: expect.stringContaining(parts[0] ?? '') })

describe('gates of a plan', () => {
  test('get an id that says what they are, and everything that was left out', () => {
    expect(
      gatesOf(`
  - { metric: auc, min: 0.8 }
  - { metric: loss, max: 1, on: worst-client }
  - { metric: prAuc, maxDrop: 0.1, on: median-client, confidence: 0.95, hard: true }
  - { metric: recallAtPrecision, atPrecision: 0.5, min: 0.1 }
  - { metric: recall, groupBy: sex, min: 0.7 }
  - { metric: recall, groupBy: sex, maxGap: 0.1 }
  - { fairness: worst-gap, metric: recall, groupBy: age, maxGap: 0.1 }
  - { fairness: equalised-odds, groupBy: sex, maxGap: 0.1 }
  - { size: { maxBytes: 1000 } }
  - { id: mine, metric: auc, min: 0.9, hard: false }`),
    ).toEqual([
      { id: 'auc-min', metric: 'auc', on: 'pooled', min: 0.8 },
      { id: 'worst-client-loss-max', metric: 'loss', on: 'worst-client', max: 1 },
      {
        id: 'median-client-prAuc-max-drop',
        metric: 'prAuc',
        on: 'median-client',
        maxDrop: 0.1,
        confidence: 0.95,
        hard: true,
      },
      { id: 'recallAtPrecision-0.5-min', metric: 'recallAtPrecision', atPrecision: 0.5, on: 'pooled', min: 0.1 },
      { id: 'worst-group-sex-recall-min', metric: 'recall', on: 'worst-group', groupBy: 'sex', min: 0.7 },
      { id: 'recall-gap-sex', fairness: 'worst-gap', metric: 'recall', groupBy: 'sex', maxGap: 0.1 },
      { id: 'recall-gap-age', fairness: 'worst-gap', metric: 'recall', groupBy: 'age', maxGap: 0.1 },
      { id: 'equalised-odds-sex', fairness: 'equalised-odds', groupBy: 'sex', maxGap: 0.1 },
      { id: 'size', size: { maxBytes: 1000 } },
      { id: 'mine', metric: 'auc', on: 'pooled', min: 0.9 },
    ])
  })

  test('of the manual page are gates', () => {
    const page = readFileSync(new URL('../../docs/gates.md', import.meta.url), 'utf8')
    const example = page.split('```yaml\n')[1]?.split('```')[0] ?? ''
    const plan = parsePlan(planText().replace(/^gates:.*$/m, '') + example)
    expect(plan.gates.map(({ id }) => id)).toEqual([
      'auc-min',
      'recallAtPrecision-0.5-min',
      'calibrationError-max',
      'worst-client-accuracy-min',
      'worst-group-sex-recall-min',
      'equal-opportunity-sex',
      'auc-max-drop',
      'size',
      'latency-p95-batch-1',
    ])
  })

  test('read again from the canonical text give the same text', () => {
    const plan = planOf({
      gates: '[{ metric: recall, groupBy: sex, maxGap: 0.1 }, { metric: auc, min: 0.7 }, { size: { maxBytes: 9 } }]',
      extra: sexAndAge,
    })
    const text = canonicalPlan(plan)
    expect(canonicalPlan(parsePlan(text))).toBe(text)
  })

  test.each<[string, string]>([
    ['{ metric: aucc, min: 0.5 }', 'gates.0.metric: unknown metric "aucc"; did you mean "auc"?'],
    ['{ fairness: equal-oportunity, groupBy: sex, maxGap: 0 }', 'did you mean "equal-opportunity"?'],
    [
      '{ metric: auc, min: 0.5, on: worst-clients }',
      'gates.0.on: unknown place "worst-clients"; did you mean "worst-client"?',
    ],
    [
      '{ metric: auc, groupBy: sexx, min: 0.5 }',
      'gates.0.groupBy: unknown name of evaluation.groups "sexx"; did you mean "sex"?',
    ],
    ['{ metric: auc, min: 0.5, confidense: 0.9 }', 'unknown key "confidense"; did you mean "confidence"?'],
    ['{ metric: auc, min: 0.5, max: 0.9 }', 'gates.0: a gate has exactly one of min, max and maxDrop'],
    ['{ metric: auc }', 'gates.0: a gate has exactly one of min, max and maxDrop'],
    ['{ min: 0.5 }', 'gates.0.metric: a gate has one of metric, fairness, probe, size and latency'],
    ['{ metric: auc, maxGap: 0.1 }', 'gates.0.groupBy: maxGap compares groups'],
    ['{ metric: auc, maxGap: 0.1, groupBy: sex, on: pooled }', 'gates.0.on: maxGap is of all groups'],
    ['{ metric: auc, min: 0.5, on: worst-group }', 'gates.0.groupBy: worst-group needs groupBy'],
    ['{ metric: auc, min: 0.5, on: worst-client, groupBy: sex }', 'gates.0.on: groupBy goes with on: worst-group'],
    ['{ fairness: equalised-odds, maxGap: 0.1 }', 'gates.0.groupBy: equalised-odds compares groups'],
    ['{ fairness: equalised-odds, groupBy: sex }', 'gates.0.maxGap: equalised-odds is bounded by maxGap'],
    [
      '{ fairness: equalised-odds, groupBy: sex, maxGap: 0.1, metric: auc }',
      'gates.0.metric: equalised-odds has its own figures',
    ],
    ['{ fairness: worst-gap, groupBy: sex, maxGap: 0.1 }', 'gates.0.metric: worst-gap is the gap of a metric'],
    [
      '{ fairness: worst-gap, metric: auc, groupBy: sex, maxGap: 0.1, min: 0.5 }',
      'gates.0.min: a fairness gate is bounded by maxGap alone',
    ],
    ['{ metric: recallAtPrecision, min: 0.5 }', 'gates.0.atPrecision: recallAtPrecision needs atPrecision'],
    ['{ metric: recall, atPrecision: 0.5, min: 0.5 }', 'gates.0.atPrecision: atPrecision belongs to'],
    ['{ size: { maxBytes: 10 }, confidence: 0.9 }', 'gates.0.confidence: a gate on size has nothing else'],
    ['{ size: { maxBytes: 0 } }', 'gates.0.size.maxBytes'],
    ['{ metric: auc, min: 0.5, confidence: 0.5 }', 'gates.0.confidence'],
    ['{ metric: auc, min: 0.5, confidence: 1 }', 'gates.0.confidence'],
    ['{ metric: loss, max: 0.5, confidence: 0.95 }', 'gates.0.confidence: of the losses only the sum is known'],
    ['{ metric: accuracy, min: 1.01 }', 'gates.0.min: never passes: accuracy lies between 0 and 1'],
    ['{ metric: accuracy, min: 1, confidence: 0.95 }', 'gates.0.min: never passes'],
    ['{ metric: loss, max: -0.1 }', 'gates.0.max: never passes: loss lies between 0 and 100'],
    ['{ metric: auc, maxDrop: -1.5 }', 'gates.0.maxDrop: never passes'],
    ['{ metric: auc, groupBy: sex, maxGap: -0.1 }', 'gates.0.maxGap: never passes'],
    ['{ metric: auc, groupBy: sex, maxGap: 0, confidence: 0.9 }', 'gates.0.maxGap: never passes'],
    ['{ metric: auc, min: 0.5 }, { metric: auc, min: 0.6 }', 'gates.1.id: "auc-min" stands twice'],
    ['{ metric: auc, min: 0.5 }, { id: auc-min, metric: loss, max: 1 }', 'gates.1.id: "auc-min" stands twice'],
  ])('%s is refused by its path', (gates, message) => {
    expect(() => gatesOf(`[${gates}]`)).toThrow(invalid(message))
  })

  test('several mistakes are told at once, and no others', () => {
    expect(() => gatesOf('[{ metric: auc }, { metric: auc }]')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('twice') }),
    )
  })

  test('a bound at the end of the range is a gate like others', () => {
    expect(
      gatesOf('[{ metric: accuracy, min: 1 }, { metric: loss, max: 0 }, { metric: auc, groupBy: sex, maxGap: 0 }]'),
    ).toHaveLength(3)
  })

  test.each([
    ['stop: { metric: aucc, rounds: 2 }', 'stop.metric: unknown metric "aucc"; did you mean "auc"?'],
    ['stop: { metric: recallAtPrecision, rounds: 2 }', 'stop.metric: unknown metric'],
  ])('%s', (extra, message) => {
    expect(() => planOf({ extra })).toThrow(invalid(message))
  })

  test('only a binary label has rates and curves', () => {
    const classes = (gates: string) =>
      planText({ gates, extra: sexAndAge }).replace('positive: { above: 0 }', 'classes: [a, b, c]')
    expect(() => parsePlan(classes('[{ fairness: equalised-odds, groupBy: sex, maxGap: 0.1 }]'))).toThrow(
      invalid('gates.0.fairness: equalised-odds needs a binary label'),
    )
    expect(() => parsePlan(classes('[{ metric: prAuc, min: 0.1 }]'))).toThrow(
      invalid('gates.0.metric: prAuc needs a binary label'),
    )
    expect(parsePlan(classes('[{ metric: balancedAccuracy, groupBy: sex, maxGap: 0.1 }]')).gates).toHaveLength(1)
  })
})

describe('groups of a plan', () => {
  const evaluation = (text: string) => planOf({ extra: `evaluation: ${text}` }).evaluation

  test('have defaults that keep few rows at home', () => {
    expect(planOf().evaluation).toMatchObject({ groups: {}, minGroup: 20, trim: 0 })
  })

  test.each<[string, string]>([
    ['{ groups: { sex: { column: sex } } }', 'evaluation.groups.sex: give exactly one of values, bands'],
    ['{ groups: { sex: { column: sex, bands: [1], values: { a: [1] } } } }', 'give exactly one of values, bands'],
    ['{ groups: { sex: { column: sex, valeus: { a: [1] } } } }', 'unknown key "valeus"; did you mean "values"?'],
    ['{ groups: { sex: { values: { a: [1] } } } }', 'evaluation.groups.sex.column'],
    ['{ groups: { sex: { column: sex, values: {} } } }', 'evaluation.groups.sex.values: there is no group'],
    [
      '{ groups: { sex: { column: sex, values: { a: [1], b: ["1.0"] } } } }',
      'evaluation.groups.sex.values: a value stands twice',
    ],
    ['{ groups: { age: { column: age, bands: [65, 45] } } }', 'evaluation.groups.age.bands: the bounds do not grow'],
    ['{ groups: { 1a: { column: age, bands: [65] } } }', 'evaluation.groups.1a'],
    ['{ minGroup: 4 }', 'evaluation.minGroup'],
    ['{ trim: 1 }', 'evaluation.trim: without the 1 best and the 1 worst of 2 clients nobody is left'],
  ])('%s is refused by its path', (text, message) => {
    expect(() => evaluation(text)).toThrow(invalid(message))
  })

  test('are at most 64 over all columns', () => {
    const bands = (count: number) => `[${Array.from({ length: count }, (_, i) => i).join(', ')}]`
    const two = (a: number, b: number) =>
      `{ groups: { a: { column: a, bands: ${bands(a)} }, b: { column: b, bands: ${bands(b)} } } }`
    expect(Object.keys(evaluation(two(31, 31)).groups)).toEqual(['a', 'b'])
    expect(() => evaluation(two(31, 32))).toThrow(invalid('evaluation.groups: there are more than 64 groups'))
  })

  test('must fit into an evaluation, which they do of a binary label', () => {
    const text = (classes: number) =>
      planText({ gates: '[]', extra: 'evaluation: { groups: { a: { column: a, bands: [1, 2, 3] } } }' }).replace(
        'positive: { above: 0 }',
        `classes: [${Array.from({ length: classes }, (_, i) => i).join(', ')}]`,
      )
    expect(parsePlan(text(50)).gates).toEqual([])
    expect(() => parsePlan(text(150))).toThrow(invalid('evaluation.groups: 4 groups of a label with 150 classes'))
    const most = Array.from({ length: 64 }, (_, i) => `c${i}: { column: c${i}, values: { all: [1] } }`)
    expect(Object.keys(evaluation(`{ groups: { ${most.join(', ')} } }`).groups)).toHaveLength(64)
  })

  test('need a column that a client could have', () => {
    const headless = planText({ extra: sexAndAge }).replace('csv:', 'csv:\n    header: false')
    expect(() => parsePlan(headless)).toThrow(invalid('evaluation.groups.sex.column: unknown column "sex"'))
    expect(parsePlan(headless.replace('column: sex', 'column: x1')).evaluation.groups).toHaveProperty('sex')
    const images = planText({ extra: sexAndAge }).replace(/ {2}csv:[\s\S]*?training/, '  idx: {}\ntraining')
    expect(() => parsePlan(images)).toThrow(invalid('evaluation.groups.sex: groups are made by columns of a table'))
  })

  test('are in the schema for editors', () => {
    expect(JSON.stringify(planJsonSchema())).toContain('"bands"')
  })
})

import { describe, expect, test } from 'vitest'
import { dataEnds, modelEnds } from '../../core/plan/data.ts'
import { canonicalPlan, parsePlan } from '../../core/plan/parse.ts'
import { planText } from '../support/plans.ts'

/** A plan whose label is a number from 0 to 50; `changed` replaces parts of its text. */
const numericText = (options: Parameters<typeof planText>[0] = {}, label = 'numeric: { min: 0, max: 50 }') =>
  planText({ gates: '[{ metric: mae, max: 5 }]', ...options })
    .replace('label: { positive: { above: 0 } }', `label: { ${label} }`)
    .replace('logistic: {}', 'linear: {}')

const gates = (text: string) => () => parsePlan(numericText({ gates: `[${text}]` }))
const invalid = (message: string) =>
  expect.objectContaining({ code: 'plan.invalid', message: expect.stringContaining(message) })

describe('a numeric label', () => {
  test('has a range, and one output', () => {
    const plan = parsePlan(numericText())
    expect(dataEnds(plan.data)).toEqual({ shape: [3], classes: 1, numeric: { min: 0, max: 50 } })
    expect(modelEnds(plan.model, plan.data)).toEqual({
      input: [3],
      task: 'regression',
      units: 1,
      numeric: { min: 0, max: 50 },
    })
    expect(parsePlan(canonicalPlan(plan))).toEqual(plan)
  })

  test.each([
    ['numeric: {}', 'data.csv.label.numeric.min'],
    ['numeric: { min: 0 }', 'data.csv.label.numeric.max'],
    ['numeric: { min: 1, max: 1 }', 'data.csv.label.numeric.max: min is not below max'],
    ['numeric: { min: 0, max: .inf }', 'data.csv.label.numeric.max'],
    ['numeric: { min: 0, max: 1 }, positive: { above: 0 }', 'give exactly one of positive, numeric, classes'],
  ])('is refused as %s', (label, message) => {
    expect(() => parsePlan(numericText({}, label))).toThrow(invalid(message))
  })

  test('takes a loss, which labels of classes do not have', () => {
    const withLoss = (loss: string) => numericText().replace('epochs: 1,', `epochs: 1, loss: ${loss},`)
    expect(parsePlan(withLoss('mse')).training.loss).toBe('mse')
    expect(parsePlan(withLoss('{ huber: { delta: 2 } }')).training.loss).toEqual({ huber: { delta: 2 } })
    expect(() => parsePlan(withLoss('{ huber: { delta: 0 } }'))).toThrow(invalid('training.loss'))
    expect(() => parsePlan(planText().replace('epochs: 1,', 'epochs: 1, loss: mse,'))).toThrow(
      invalid('training.loss: belongs to a numeric label'),
    )
  })

  test('is for other models than classes', () => {
    expect(() => parsePlan(numericText().replace('linear: {}', 'logistic: {}'))).toThrow(
      invalid('model.logistic: needs a label of classes; of a numeric one it is model.linear'),
    )
    expect(() => parsePlan(planText().replace('logistic: {}', 'linear: {}'))).toThrow(
      invalid('model.linear: needs data.csv.label.numeric'),
    )
    expect(() => parsePlan(numericText().replace('linear: {}', 'mlp: { hidden: [3] }'))).not.toThrow()
  })
})

describe('gates on a numeric label', () => {
  test.each([
    '{ metric: mae, max: 5, confidence: 0.95 }',
    '{ metric: rmse, on: worst-client, max: 5 }',
    '{ metric: mse, on: median-client, max: 25 }',
    '{ metric: r2, min: -0.5 }',
    '{ metric: bias, on: holdout, max: 1, confidence: 0.9 }',
    '{ metric: medianAbsoluteError, maxDrop: 0.5, confidence: 0.9 }',
    '{ probe: perturbed, perturb: { noise: 0.1 }, metric: mae, maxDrop: 1 }',
  ])('take %s', (gate) => {
    const text = numericText({ gates: `[${gate}]` }).replace('label: {', 'standardise: true\n    label: {')
    expect(() => parsePlan(text)).not.toThrow()
  })

  test('take groups, and how far they lie apart', () => {
    const extra = 'evaluation: { groups: { sex: { column: sex, values: { f: [0], m: [1] } } } }'
    const text =
      '[{ metric: mae, groupBy: sex, max: 5 }, { fairness: worst-gap, metric: rmse, groupBy: sex, maxGap: 1 }]'
    expect(() => parsePlan(numericText({ gates: text, extra }))).not.toThrow()
    const parity = '[{ fairness: demographic-parity, groupBy: sex, maxGap: 0.1 }]'
    expect(() => parsePlan(numericText({ gates: parity, extra }))).toThrow(
      invalid('demographic-parity needs a binary label; of a numeric one it is fairness: worst-gap'),
    )
  })

  test.each(['accuracy', 'auc', 'loss', 'brier', 'f1'])('refuse %s, and say what would do', (metric) => {
    const other = 'mae, rmse, mse, r2, bias, medianAbsoluteError'
    expect(gates(`{ metric: ${metric}, min: 0.5 }`)).toThrow(
      invalid(`gates.0.metric: ${metric} needs a label of classes; of a numeric one there are ${other}`),
    )
  })

  test.each(['mae', 'r2', 'medianAbsoluteError'])('are not for labels of classes: %s', (metric) => {
    const bound = metric === 'r2' ? 'min: 0.5' : 'max: 5'
    expect(() => parsePlan(planText({ gates: `[{ metric: ${metric}, ${bound} }]` }))).toThrow(
      invalid(`gates.0.metric: ${metric} needs a numeric label`),
    )
  })

  test('refuse a confidence of r2 by name', () => {
    expect(gates('{ metric: r2, min: 0.5, confidence: 0.95 }')).toThrow(invalid('a gate on r2 has no confidence; mae'))
  })

  test('refuse what never passes', () => {
    expect(gates('{ metric: mae, max: -1 }')).toThrow(invalid('never passes: mae is at least 0'))
    expect(gates('{ metric: r2, min: 1.5 }')).toThrow(invalid('never passes: r2 is at most 1'))
  })

  test('refuse probes that need classes', () => {
    expect(gates('{ probe: change, max: 0.1 }')).toThrow(invalid('probe: change needs a label of classes'))
    expect(gates('{ probe: trigger, target: positive, max: 0.1 }')).toThrow(
      invalid('probe: trigger needs a label of classes'),
    )
  })
})

test('early stop and choice look at metrics that the label has', () => {
  const stop = (metric: string) => `stop: { metric: ${metric}, rounds: 3 }\npublish: { select: { best: ${metric} } }`
  expect(() => parsePlan(numericText({ extra: stop('rmse') }))).not.toThrow()
  expect(() => parsePlan(numericText({ extra: stop('loss') }))).toThrow(
    invalid('stop.metric: loss needs a label of classes'),
  )
  expect(() => parsePlan(planText({ extra: stop('mae') }))).toThrow(
    invalid('publish.select.best: mae needs a numeric label'),
  )
})

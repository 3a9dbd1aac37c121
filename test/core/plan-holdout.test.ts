import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { canonicalPlan, checkPlan, parsePlan } from '../../core/plan/parse.ts'
import { planOf, planText } from '../support/plans.ts'

const groups = 'evaluation: { groups: { sex: { column: sex, values: { f: [0], m: [1] } } } }'
const plan = (gates: string, extra = groups) => planOf({ gates, extra })

/** The same plan with columns that are standardised. */
function standardised(gates: string) {
  const { data, ...rest } = planOf()
  if (!('csv' in data)) throw new TypeError('the plan has no table')
  const written = planOf({ gates: '[]' })
  return checkPlan({
    ...written,
    ...rest,
    data: { ...data, csv: { ...data.csv, standardise: true } },
    gates: JSON.parse(gates),
  })
}

describe('gates on rows of the coordinator', () => {
  test('have ids that say so, and stay what they are when they are read again', () => {
    const gates = plan(`
  - { metric: auc, on: holdout, min: 0.8, confidence: 0.95 }
  - { metric: auc, on: holdout, maxDrop: 0.1 }
  - { metric: recall, on: holdout, groupBy: sex, min: 0.5 }
  - { metric: recall, on: holdout, groupBy: sex, maxGap: 0.1 }
  - { fairness: equal-opportunity, on: holdout, groupBy: sex, maxGap: 0.1, hard: true }
  - { probe: trigger, target: positive, max: 0.05, hard: true }
  - { probe: change, max: 0.1 }`)
    expect(gates.gates).toEqual([
      { id: 'holdout-auc-min', metric: 'auc', on: 'holdout', min: 0.8, confidence: 0.95 },
      { id: 'holdout-auc-max-drop', metric: 'auc', on: 'holdout', maxDrop: 0.1 },
      { id: 'holdout-worst-group-sex-recall-min', metric: 'recall', on: 'holdout', groupBy: 'sex', min: 0.5 },
      {
        id: 'holdout-recall-gap-sex',
        fairness: 'worst-gap',
        metric: 'recall',
        on: 'holdout',
        groupBy: 'sex',
        maxGap: 0.1,
      },
      {
        id: 'holdout-equal-opportunity-sex',
        hard: true,
        fairness: 'equal-opportunity',
        on: 'holdout',
        groupBy: 'sex',
        maxGap: 0.1,
      },
      { id: 'trigger-positive', hard: true, probe: 'trigger', target: 'positive', max: 0.05 },
      { id: 'change', probe: 'change', max: 0.1 },
    ])
    expect(canonicalPlan(checkPlan(JSON.parse(canonicalPlan(gates))))).toBe(canonicalPlan(gates))
    const [noisy] = standardised(
      '[{ "probe": "perturbed", "perturb": { "noise": 0.1 }, "metric": "auc", "maxDrop": 0.02 }]',
    ).gates
    expect(noisy).toEqual({
      id: 'perturbed-0.1-auc-max-drop',
      probe: 'perturbed',
      perturb: { noise: 0.1 },
      metric: 'auc',
      maxDrop: 0.02,
    })
  })

  test.each<[string, string]>([
    ['{ metric: auc, on: holdut, min: 0.5 }', 'gates.0.on: unknown place "holdut"; did you mean "holdout"?'],
    ['{ probe: triger, target: positive, max: 0.1 }', 'gates.0.probe: unknown probe "triger"; did you mean "trigger"?'],
    ['{ probe: change, max: 0.1, targt: 1 }', 'gates.0: unknown key "targt"; did you mean "target"?'],
    ['{ probe: change, max: 0.1, on: holdout }', 'gates.0.on: a probe is of the coordinator’s own rows'],
    ['{ probe: change, min: 0.1 }', 'gates.0.min: the probe change has only max'],
    ['{ probe: change }', 'gates.0.max: the probe change is bounded by max'],
    ['{ probe: trigger, max: 0.1 }', 'gates.0.target: the probe trigger needs the class'],
    [
      '{ probe: trigger, target: posiive, max: 0.1 }',
      'gates.0.target: unknown class "posiive"; did you mean "positive"?',
    ],
    ['{ probe: trigger, target: positive, max: -0.1 }', 'gates.0.max: never passes: a share lies between 0 and 1'],
    ['{ probe: change, max: 0, confidence: 0.95 }', 'gates.0.max: never passes'],
    ['{ probe: perturbed, metric: auc, min: 0.5 }', 'gates.0.perturb: the probe perturbed needs perturb'],
    ['{ probe: perturbed, perturb: { noise: 0.1 }, min: 0.5 }', 'gates.0.metric: the probe perturbed needs metric'],
    ['{ probe: perturbed, perturb: { noise: 0.1 }, metric: auc }', 'gates.0: the probe perturbed has exactly one of'],
    ['{ probe: perturbed, perturb: { noise: 0 }, metric: auc, min: 0.5 }', 'gates.0.perturb.noise'],
    [
      '{ probe: perturbed, perturb: { noise: 0.1, seed: 1 }, metric: auc, min: 0.5 }',
      'gates.0.perturb: unknown key "seed"',
    ],
    [
      '{ probe: perturbed, perturb: { noise: 0.1 }, metric: auc, min: 0.5 }',
      'gates.0.perturb: noise is in standard deviations',
    ],
    ['{ probe: perturbed, perturb: { noise: 0.1 }, metric: auc, min: 1.5 }', 'gates.0.min: never passes'],
    ['{ metric: auc, min: 0.5, perturb: { noise: 0.1 } }', 'gates.0.perturb: perturb belongs to probe: perturbed'],
    ['{ metric: auc, min: 0.5, target: positive }', 'gates.0.target: target belongs to probe: trigger'],
    ['{ metric: auc, on: holdout, min: 1.1 }', 'gates.0.min: never passes'],
    ['{ metric: auc, on: holdout, groupBy: sx, min: 0.1 }', 'gates.0.groupBy: unknown name of evaluation.groups "sx"'],
  ])('%s is refused: %s', (gate, message) => {
    expect(() => plan(`[${gate}]`)).toThrow(
      expect.objectContaining({ code: 'plan.invalid', message: expect.stringContaining(message) }),
    )
  })

  test('name a class of the label as their target', () => {
    const { data, ...rest } = planOf({ gates: '[]' })
    if (!('csv' in data)) throw new TypeError('the plan has no table')
    const classes = { ...data, csv: { ...data.csv, label: { classes: ['legit', 'card fraud', 3] } } }
    const of = (target: string | number) =>
      checkPlan({ ...rest, data: classes, gates: [{ probe: 'trigger', target, max: 0.1 }] }).gates
    expect(of('card fraud')).toMatchObject([{ id: 'trigger-card-fraud', target: 'card fraud' }])
    expect(of('3.0')).toMatchObject([{ target: '3.0' }])
    expect(() => of('legitt')).toThrow('did you mean "legit"?')
    expect(() => of(4)).toThrow('gates.0.target: is no class of the label')
  })

  test('are not bounded to fewer looks than the run would take', () => {
    const gates = '[{ metric: auc, on: holdout, min: 0.5 }]'
    const looks = (holdoutLooks: number, more = '') =>
      planOf({ rounds: 5, gates, extra: `evaluation: { holdoutLooks: ${holdoutLooks}, every: 2 }\n${more}` })
    expect(looks(3).evaluation.holdoutLooks).toBe(3)
    expect(() => looks(2)).toThrow(/evaluation\.holdoutLooks: never passes: .* evaluate 3 times/)
    expect(looks(2, 'stop: { metric: loss, rounds: 1 }').evaluation.holdoutLooks).toBe(2)
    expect(() => looks(0)).toThrow('evaluation.holdoutLooks')
  })
})

test('the gates on rows of the coordinator in the manual page are gates', () => {
  const page = readFileSync(new URL('../../docs/gates.md', import.meta.url), 'utf8')
  const example = page.split('```yaml\n')[2]?.split('```')[0] ?? ''
  const text = planText()
    .replace(/^gates:.*$/m, '')
    .replace('label: {', 'standardise: true\n    label: {')
  expect(parsePlan(text + example).gates.map(({ id }) => id)).toEqual([
    'holdout-auc-min',
    'holdout-auc-max-drop',
    'perturbed-0.1-accuracy-max-drop',
    'trigger-positive',
    'change',
  ])
})

import { describe, expect, test } from 'vitest'
import { wilson } from '../../core/metrics/confidence/wilson.ts'
import type { GroupCounts } from '../../core/metrics/groups.ts'
import type { Gate } from '../../core/plan/gates.ts'
import { manifestSchema } from '../../core/release/manifest.ts'
import type { HoldoutLook } from '../../core/run/holdout.ts'
import { decideGates, type EvaluatedCandidate } from '../../server/gates/decide.ts'
import { steeredTo } from '../../server/rounds/steered.ts'
import { groupOf, type Outcome, outcomes } from './figures.ts'

const digest = 'ab'.repeat(32)
const counted = (outcome: Outcome, groups: GroupCounts[] = []) => ({
  counts: outcomes(outcome),
  groups,
  withheld: [],
  lacking: [],
})
const look = (changed: Partial<HoldoutLook> = {}): HoldoutLook => ({
  sha256: digest,
  rows: 100,
  looks: 3,
  models: [counted({ tp: 30, fn: 20, tn: 40, fp: 10 })],
  perturbed: [],
  ...changed,
})
/** Clients that call everything right, beside what the coordinator counted. */
const candidate = (holdout?: EvaluatedCandidate['holdout']): EvaluatedCandidate => ({
  results: ['a', 'b', 'c'].map((client) => ({ client, counts: [outcomes({ tp: 500, tn: 500 })] })),
  ...(holdout === undefined ? {} : { holdout }),
})
const verdict = (gate: Gate, holdout?: EvaluatedCandidate['holdout']) => decideGates([gate], candidate(holdout))[0]!

describe('a gate on the holdout', () => {
  const accuracy = { id: 'mine', metric: 'accuracy', on: 'holdout', min: 0.8 } as const

  test('counts the coordinator’s rows alone, whatever clients say', () => {
    expect(verdict({ ...accuracy, on: 'pooled' }, look())).toMatchObject({ verdict: 'pass', value: 1 })
    expect(verdict(accuracy, look())).toMatchObject({ gate: 'mine', verdict: 'fail', value: 0.7, n: 100 })
    expect(verdict({ ...accuracy, min: 0.7, hard: true }, look())).toMatchObject({ verdict: 'pass', hard: true })
  })

  test('is the same whatever is trimmed from clients', () => {
    const [found] = decideGates([accuracy], candidate(look()), { trim: 5 })
    expect(found).toMatchObject({ verdict: 'fail', value: 0.7 })
  })

  test('says on which rows it was reached, and how often they were looked at', () => {
    const found = verdict(accuracy, look())
    expect(found.holdout).toEqual({ sha256: digest, rows: 100, looks: 3 })
    expect(found.explanation).toContain(`holdout ${digest.slice(0, 12)} with 100 rows, looked at 3 times`)
    const signed = { ...found, value: '0.7', bound: '0.8' }
    expect(manifestSchema.shape.gates.parse([signed])[0]).toMatchObject({ holdout: { looks: 3 } })
  })

  test('holds the confidence bound, where one is asked for', () => {
    const { low } = wilson({ part: 70, whole: 100 }, 0.05)
    const found = (min: number) => verdict({ ...accuracy, min, confidence: 0.95 }, look())
    expect(found(low + 1e-9).verdict).toBe('fail')
    expect(found(low - 1e-9)).toMatchObject({ verdict: 'pass', interval: { low: expect.closeTo(low, 12) } })
  })

  test('compares with the version in use on the same rows, and passes where there is none', () => {
    const gate = { metric: 'recall', on: 'holdout', maxDrop: 0.1 } as const
    const models = (tp: number) => [counted({ tp, fn: 50 - tp, tn: 50 }), counted({ tp: 40, fn: 10, tn: 50 })]
    const against = (tp: number) => verdict(gate, look({ champion: { version: 2 }, models: models(tp) }))
    expect(against(35)).toMatchObject({ gate: 'holdout-recall-max-drop', verdict: 'pass' })
    expect(against(34)).toMatchObject({ verdict: 'fail', value: expect.closeTo(0.12, 12) })
    expect(against(34).explanation).toContain('version 2')
    expect(verdict(gate, look())).toMatchObject({ verdict: 'pass', value: 0.6 })
  })

  test('holds for each group of the rows, and for how far they lie apart', () => {
    const groups = [groupOf('f', { tp: 10, fn: 15 }), groupOf('m', { tp: 20, fn: 5 })]
    const models = [counted({ tp: 30, fn: 20, tn: 50 }, groups)]
    const worst = { metric: 'recall', on: 'holdout', groupBy: 'sex', min: 0.5 } as const
    expect(verdict(worst, look({ models }))).toMatchObject({
      gate: 'holdout-worst-group-sex-recall-min',
      verdict: 'fail',
      value: 0.4,
      n: 25,
    })
    const gap = { fairness: 'equal-opportunity', groupBy: 'sex', maxGap: 0.5, on: 'holdout' } as const
    expect(verdict(gap, look({ models }))).toMatchObject({
      gate: 'holdout-equal-opportunity-sex',
      verdict: 'pass',
      value: expect.closeTo(0.4, 12),
      holdout: { looks: 3 },
    })
    const lacking = [{ ...counted({ tp: 1 }), lacking: [{ by: 'sex', column: 'gender' }] }]
    const without = verdict(worst, look({ models: lacking }))
    expect(without).toMatchObject({ verdict: 'not-evaluable', holdout: { sha256: digest } })
    expect(without.explanation).toContain('the column gender is not in the holdout')
  })

  test('is not evaluable where the rows were not looked at, with the reason', () => {
    const failed = verdict(accuracy, { failure: 'looked at 9 times, and evaluation.holdoutLooks allows 9' })
    expect(failed).toMatchObject({ verdict: 'not-evaluable', value: null })
    expect(failed.explanation).toContain('evaluation.holdoutLooks allows 9')
    expect(verdict(accuracy)).toMatchObject({ verdict: 'not-evaluable' })
  })
})

describe('a probe', () => {
  test('of disturbed rows bounds the metric on them, or the drop that the noise makes', () => {
    const holdout = look({ perturbed: [{ noise: 0.1, counts: outcomes({ tp: 25, fn: 25, tn: 40, fp: 10 }) }] })
    const gate = { probe: 'perturbed', perturb: { noise: 0.1 }, metric: 'accuracy' } as const
    expect(verdict({ ...gate, min: 0.65 }, holdout)).toMatchObject({ verdict: 'pass', value: 0.65, n: 100 })
    expect(verdict({ ...gate, min: 0.66 }, holdout).verdict).toBe('fail')
    expect(verdict({ ...gate, maxDrop: 0.05 }, holdout)).toMatchObject({
      gate: 'perturbed-0.1-accuracy-max-drop',
      metric: 'accuracy',
      verdict: 'pass',
      value: expect.closeTo(0.05, 12),
    })
    expect(verdict({ ...gate, maxDrop: 0.049 }, holdout).verdict).toBe('fail')
    expect(verdict({ ...gate, maxDrop: 0.05, confidence: 0.95 }, holdout).verdict).toBe('fail')
    expect(verdict({ ...gate, perturb: { noise: 0.2 }, min: 0 }, holdout).verdict).toBe('not-evaluable')
  })

  test('of a trigger bounds the share of rows of other classes that are given the target', () => {
    const steered = [
      { target: 'positive', others: 40, given: 3 },
      { target: 'negative', others: 0, given: 0 },
    ]
    const holdout = look({ trigger: { sha256: 'cd'.repeat(32), rows: 50, steered } })
    const gate = { probe: 'trigger', target: 'positive', max: 0.075 } as const
    expect(verdict(gate, holdout)).toMatchObject({
      gate: 'trigger-positive',
      metric: 'trigger-rate',
      verdict: 'pass',
      value: 0.075,
      n: 40,
      holdout: { sha256: 'cd'.repeat(32), rows: 50, looks: 3 },
    })
    expect(verdict({ ...gate, max: 0.05, hard: true }, holdout)).toMatchObject({ verdict: 'fail', hard: true })
    const { high } = wilson({ part: 3, whole: 40 }, 0.05)
    expect(verdict({ ...gate, max: 0.1, confidence: 0.95 }, holdout)).toMatchObject({
      verdict: 'fail',
      interval: { high: expect.closeTo(high, 12) },
    })
    expect(verdict({ ...gate, target: 'negative' }, holdout).verdict).toBe('not-evaluable')
    expect(verdict(gate, look()).verdict).toBe('not-evaluable')
  })

  test('counts no row as steered that is of the target already', () => {
    const counts = outcomes({ tp: 7, fn: 3, tn: 15, fp: 5 })
    expect(steeredTo(counts, 1)).toEqual({ others: 20, given: 5 })
    expect(steeredTo(counts, 0)).toEqual({ others: 10, given: 3 })
    const classes = { task: 'classes', rows: 21, lossMicros: 0, confusion: [1, 2, 3, 4, 5, 0, 6, 0, 0] } as const
    expect(steeredTo(classes, 0)).toEqual({ others: 15, given: 10 })
  })

  test('of change bounds the share of rows with another class than by the version in use', () => {
    const gate = { probe: 'change', max: 0.1 } as const
    const changed = (rows: number) => verdict(gate, look({ champion: { version: 4 }, changed: rows }))
    expect(changed(10)).toMatchObject({ gate: 'change', metric: 'change-rate', verdict: 'pass', value: 0.1, n: 100 })
    expect(changed(11)).toMatchObject({ verdict: 'fail' })
    expect(changed(11).explanation).toContain('11 of 100 rows are given another class than by version 4')
    expect(verdict(gate, look())).toMatchObject({ verdict: 'pass', value: null })
  })
})

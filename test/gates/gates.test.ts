import { describe, expect, test } from 'vitest'
import type { EvaluationCounts } from '../../core/metrics/counts.ts'
import type { Gate, MetricGate } from '../../core/plan/gates.ts'
import { decideGates } from '../../server/gates/decide.ts'
import { selectCandidate } from '../../server/gates/select.ts'
import { countsOf } from '../support/federation.ts'

const gate = (changed: Partial<MetricGate>): Gate => ({
  metric: 'accuracy' as const,
  on: 'pooled' as const,
  ...changed,
})
const result = (client: string, ...counts: EvaluationCounts[]) => ({ client, counts })
const verdict = (one: Gate, candidate: Parameters<typeof decideGates>[1]) => decideGates([one], candidate)[0]!

describe('a gate', () => {
  const candidate = { results: [result('a', countsOf(10, 9)), result('b', countsOf(30, 15))] }

  test.each<[string, Partial<MetricGate>, string, number]>([
    ['holds the pooled value against its minimum', { min: 0.6 }, 'pass', 0.6],
    ['fails just below it', { min: 0.61 }, 'fail', 0.6],
    ['holds the worst client against its minimum', { on: 'worst-client', min: 0.6 }, 'fail', 0.5],
    ['holds a value against its maximum', { max: 0.5 }, 'fail', 0.6],
  ])('%s', (_name, changed, expected, value) => {
    expect(verdict(gate(changed), candidate)).toMatchObject({ verdict: expected, value })
  })

  test('on loss takes the highest of the clients as the worst', () => {
    const lossy = {
      results: [result('a', { ...countsOf(10, 9), lossMicros: 20_000_000 }), result('b', countsOf(10, 9))],
    }
    expect(verdict(gate({ metric: 'loss', on: 'worst-client', max: 1 }), lossy)).toMatchObject({
      verdict: 'fail',
      value: 2,
    })
  })

  test('does not pass when nobody answered, or the metric is not defined', () => {
    expect(verdict(gate({ min: 0 }), { results: [] })).toMatchObject({ verdict: 'not-evaluable', value: null })
    const onlyPositive: EvaluationCounts = { ...countsOf(10, 10) }
    expect(verdict(gate({ metric: 'auc', min: 0 }), { results: [result('a', onlyPositive)] })).toMatchObject({
      verdict: 'not-evaluable',
    })
  })

  describe('against the version in use', () => {
    const compared = (right: number) => ({
      champion: { version: 3 },
      results: [result('a', countsOf(100, right), countsOf(100, 80))],
    })

    test.each([
      [90, 'pass'],
      [78, 'pass'],
      [77, 'fail'],
    ])('%d of 100 right, against 80, with a drop of 0.02 allowed: %s', (right, expected) => {
      expect(verdict(gate({ maxDrop: 0.02 }), compared(right)).verdict).toBe(expected)
    })

    test('does not pass when a client left the version in use out', () => {
      const partly = { ...compared(90), results: [...compared(90).results, result('b', countsOf(10, 9))] }
      expect(verdict(gate({ maxDrop: 0.02 }), partly)).toMatchObject({ verdict: 'not-evaluable' })
    })

    test('passes when there is none yet', () => {
      expect(verdict(gate({ maxDrop: 0 }), { results: [result('a', countsOf(10, 1))] }).verdict).toBe('pass')
    })
  })
})

describe('the candidate that goes before the gates', () => {
  const model = (digest: string) => ({ digest, bytes: 1 })
  const round = (digest: string, right?: number) => ({
    model: model(digest),
    results: right === undefined ? [] : [result('a', countsOf(10, right))],
  })
  const history = [
    round('one', 9),
    round('two', 5),
    { results: [] },
    round('three', 9),
    round('four', 7),
    round('five'),
  ]

  test('is the last model made, or the best by a pooled metric, the later of equals', () => {
    expect(selectCandidate(history, 'last')?.model.digest).toBe('five')
    expect(selectCandidate(history, { best: 'accuracy' })?.model.digest).toBe('three')
    expect(selectCandidate([{ results: [] }], 'last')).toBeUndefined()
  })
})

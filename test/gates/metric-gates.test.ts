import { describe, expect, test } from 'vitest'
import { wilson } from '../../core/metrics/confidence/wilson.ts'
import type { Gate, MetricGate } from '../../core/plan/gates.ts'
import { decideGates, type EvaluatedCandidate, pooledValue } from '../../server/gates/decide.ts'
import { hasStalled } from '../../server/gates/early-stop.ts'
import { selectCandidate } from '../../server/gates/select.ts'
import { type Outcome, outcomes } from './figures.ts'

const gate = (changed: Partial<MetricGate>): Gate => ({ metric: 'recall' as const, on: 'pooled' as const, ...changed })
const client = (name: string, ...of: Outcome[]) => ({ client: name, counts: of.map((one) => outcomes(one)) })
const verdict = (one: Gate, candidate: EvaluatedCandidate, trim = 0) => decideGates([one], candidate, { trim })[0]!

describe('gates on the metrics from counts', () => {
  const candidate = {
    results: [client('a', { tp: 30, fn: 10, tn: 50, fp: 10 }), client('b', { tp: 10, fn: 10, tn: 30, fp: 10 })],
  }

  test.each<[Partial<MetricGate>, string, number, number]>([
    [{ metric: 'specificity', min: 0.8 }, 'pass', 80 / 100, 100],
    [{ metric: 'balancedAccuracy', min: 0.74 }, 'fail', (40 / 60 + 80 / 100) / 2, 160],
    [{ metric: 'recallAtPrecision', atPrecision: 0.6, min: 0.5 }, 'pass', 40 / 60, 160],
    [{ metric: 'recallAtPrecision', atPrecision: 0.7, min: 0.1 }, 'fail', 0, 160],
    // Scores of 0.9 of which two thirds are positive, of 0.1 of which a fifth is.
    [{ metric: 'brier', max: 0.26 }, 'pass', (40 * 0.01 + 20 * 0.81 + 80 * 0.01 + 20 * 0.81) / 160, 160],
    [{ metric: 'calibrationError', max: 0.1 }, 'fail', (60 * (0.9 - 2 / 3) + 100 * (0.2 - 0.1)) / 160, 160],
  ])('%o', (changed, expected, value, n) => {
    const found = verdict(gate(changed), candidate)
    expect(found).toMatchObject({ verdict: expected, n })
    expect(Math.abs(found.value! - value)).toBeLessThan(0.001)
  })

  test('carry whether they are hard, and the id of the plan', () => {
    expect(verdict(gate({ id: 'mine', hard: true, min: 0.5 }), candidate)).toMatchObject({ gate: 'mine', hard: true })
    expect(verdict(gate({ min: 0.5 }), candidate)).toMatchObject({ gate: 'recall-min' })
    expect(verdict(gate({ min: 0.5 }), candidate)).not.toHaveProperty('hard')
  })

  test('on the median client take the middle, or the mean of the two middle ones', () => {
    const three = { results: [...candidate.results, client('c', { tp: 9, fn: 1 })] }
    expect(verdict(gate({ on: 'median-client', min: 0.7 }), three)).toMatchObject({
      verdict: 'pass',
      value: 0.75,
      n: 70,
    })
    expect(verdict(gate({ on: 'median-client', min: 0.7 }), candidate)).toMatchObject({ verdict: 'fail', value: 0.625 })
  })

  test('are not evaluable where one client’s value is not defined, with its name', () => {
    const one = { results: [...candidate.results, client('c', { tn: 5 })] }
    const found = verdict(gate({ on: 'median-client', min: 0.1 }), one)
    expect(found).toMatchObject({ verdict: 'not-evaluable', value: null })
    expect(found.explanation).toContain('client c')
  })
})

describe('a gate with a confidence', () => {
  const candidate = { results: [client('a', { tp: 80, fn: 20, tn: 90, fp: 10 })] }

  test('holds its bound against Wilson’s bound of a share, not against the share', () => {
    const { low, high } = wilson({ part: 80, whole: 100 }, 0.05)
    const found = (min: number) => verdict(gate({ min, confidence: 0.95 }), candidate)
    expect(found(0.8).verdict).toBe('fail')
    expect(found(low + 1e-9).verdict).toBe('fail')
    expect(found(low - 1e-9)).toMatchObject({
      verdict: 'pass',
      value: 0.8,
      n: 100,
      interval: { low: expect.closeTo(low, 12), confidence: 0.95 },
    })
    expect(found(0.7).interval!.high).toBeCloseTo(high, 12)
    expect(found(0.7).explanation).toContain('95 % confidence')
  })

  test('holds a maximum against the upper bound', () => {
    const upper = verdict(gate({ metric: 'brier', max: 1, confidence: 0.9 }), candidate).interval!.high
    expect(verdict(gate({ metric: 'brier', max: upper - 1e-9, confidence: 0.9 }), candidate).verdict).toBe('fail')
    expect(verdict(gate({ metric: 'brier', max: upper, confidence: 0.9 }), candidate).verdict).toBe('pass')
  })

  test('takes candidate and version in use as independent, which is wider than they are', () => {
    const compared = {
      champion: { version: 2 },
      results: [client('a', { tp: 80, fn: 20, tn: 90, fp: 10 }, { tp: 80, fn: 20, tn: 90, fp: 10 })],
    }
    const found = verdict(gate({ maxDrop: 0.05, confidence: 0.95 }), compared)
    const { low, high } = wilson({ part: 80, whole: 100 }, 0.05)
    const reach = Math.hypot(0.8 - low, high - 0.8)
    expect(found).toMatchObject({ verdict: 'fail', value: 0 })
    expect(found.interval!.high).toBeCloseTo(reach, 12)
    expect(verdict(gate({ maxDrop: 0.05 }), compared).verdict).toBe('pass')
  })

  test('on the worst client holds for each, and is bounded above for all at once', () => {
    const two = { results: [...candidate.results, client('b', { tp: 20, fn: 5, tn: 10 })] }
    const found = verdict(gate({ on: 'worst-client', min: 0.1, confidence: 0.95 }), two)
    // The same share of fewer rows is less certain.
    expect(found.interval!.low).toBeCloseTo(wilson({ part: 20, whole: 25 }, 0.05).low, 12)
    expect(found.interval!.high).toBeCloseTo(wilson({ part: 80, whole: 100 }, 0.025).high, 12)
  })

  test('is not evaluable on rows that give no interval', () => {
    const few = { results: [client('a', { tp: 1, tn: 20 })] }
    expect(verdict(gate({ metric: 'auc', min: 0.1 }), few).verdict).toBe('pass')
    expect(verdict(gate({ metric: 'auc', min: 0.1, confidence: 0.95 }), few)).toMatchObject({
      verdict: 'not-evaluable',
      value: null,
    })
  })
})

describe('evaluation.trim', () => {
  const honest = ['a', 'b', 'c', 'd'].map((name, i) => client(name, { tp: 70 + i, fn: 30 - i, tn: 50, fp: 50 }))
  const liar = client('m', { tp: 1_000_000 / 100, fn: 0, tn: 10_000 })
  const candidate = { results: [...honest, liar] }

  test('leaves the best and the worst client out of what is pooled', () => {
    expect(verdict(gate({ min: 0.9 }), candidate).verdict).toBe('pass')
    expect(verdict(gate({ min: 0.9 }), candidate, 1)).toMatchObject({ verdict: 'fail', value: 0.72, n: 300 })
  })

  test('leaves out who cannot be ranked', () => {
    const evasive = { results: [...honest, client('m', { tp: 10_000 })] }
    expect(verdict(gate({ metric: 'specificity', min: 0 }), evasive, 1)).toMatchObject({ n: 200 })
  })

  test('ranks by the drop where that is judged', () => {
    const drops = [0, 1, 2, 3, 4].map((drop) =>
      client(`c${drop}`, { tp: 90 - 10 * drop, fn: 10 + 10 * drop }, { tp: 90, fn: 10 }),
    )
    expect(verdict(gate({ maxDrop: 0.2 }), { champion: { version: 1 }, results: drops }, 2)).toMatchObject({
      verdict: 'pass',
      n: 100,
    })
  })

  test('needs somebody to be left', () => {
    const found = verdict(gate({ min: 0.1 }), { results: honest }, 2)
    expect(found).toMatchObject({ verdict: 'not-evaluable' })
    expect(found.explanation).toContain('more than 4 clients')
  })

  test('also chooses the round, and ends the run', () => {
    const round = (digest: string, tp: number, m: number) => ({
      model: { digest, bytes: 1 },
      results: [
        client('a', { tp, fn: 100 - tp }),
        client('b', { tp, fn: 100 - tp }),
        client('m', { tp: m, fn: 1_000 - m }),
      ],
    })
    const history = [round('good', 80, 0), round('bad', 50, 1_000)]
    expect(selectCandidate(history, { best: 'recall' })?.model.digest).toBe('bad')
    expect(selectCandidate(history, { best: 'recall' }, { trim: 1 })?.model.digest).toBe('good')
    const stop = { metric: 'recall', rounds: 1, minDelta: 0 } as const
    expect(hasStalled(history, stop)).toBe(false)
    expect(hasStalled(history, stop, { trim: 1 })).toBe(true)
    expect(pooledValue(history[1]!, 'recall', { trim: 1 })).toBe(0.5)
  })
})

describe('a gate on the size', () => {
  const size = (maxBytes: number): Gate => ({ size: { maxBytes } })

  test('bounds the file that is published', () => {
    const file = { results: [], model: { bytes: 2_000 }, weights: { bytes: 1_000 } }
    expect(verdict(size(1_000), file)).toMatchObject({
      gate: 'size',
      metric: 'bytes',
      verdict: 'pass',
      value: 1_000,
      bound: 1_000,
    })
    expect(verdict(size(999), file).verdict).toBe('fail')
    expect(verdict(size(1_000), { results: [], model: { bytes: 2_000 } }).verdict).toBe('fail')
  })
})

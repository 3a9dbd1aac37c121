import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parsePlan } from '../../core/plan/parse.ts'
import { LATENCY_ANSWERS, LATENCY_MOST_MS, LATENCY_WARM_UP, percentileOf, timeAnswers } from '../../core/run/latency.ts'
import { planText } from '../support/plans.ts'

const parse = (gates: string) => parsePlan(planText({ gates })).gates
const invalid = (message: string) =>
  expect.objectContaining({ code: 'plan.invalid', message: expect.stringContaining(message) })

describe('a gate on latency', () => {
  test('has defaults, and an id that says what it bounds', () => {
    expect(parse('[{ latency: { maxMs: 20 } }]')).toEqual([
      { id: 'latency-p95-batch-1', latency: { maxMs: 20, percentile: 95, batch: 1 } },
    ])
    const [first, second] = parse(
      '[{ latency: { maxMs: 9, percentile: 50 }, hard: true }, { latency: { maxMs: 9, batch: 8 } }]',
    )
    expect([first, second]).toMatchObject([{ id: 'latency-p50-batch-1', hard: true }, { id: 'latency-p95-batch-8' }])
    expect(() => parse('[{ latency: { maxMs: 1 } }, { latency: { maxMs: 2 } }]')).toThrow(invalid('stands twice'))
  })

  test.each([
    ['{ latency: {} }', 'gates.0.latency.maxMs'],
    ['{ latency: { maxMs: 0 } }', 'gates.0.latency.maxMs'],
    ['{ latency: { maxMs: 60001 } }', 'gates.0.latency.maxMs'],
    ['{ latency: { maxMs: 1, percentile: 100 } }', 'gates.0.latency.percentile'],
    ['{ latency: { maxMs: 1, batch: 1025 } }', 'gates.0.latency.batch'],
    ['{ latency: { maxMs: 1, mean: 1 } }', 'gates.0.latency'],
    ['{ latency: { maxMs: 1 }, confidence: 0.95 }', 'a gate on latency has nothing else but id and hard'],
    ['{ latency: { maxMs: 1 }, on: holdout }', 'a gate on latency has nothing else but id and hard'],
    ['{ latency: { maxMs: 1 }, size: { maxBytes: 1 } }', 'has nothing else but id and hard'],
  ])('is refused as %s', (gate, message) => {
    expect(() => parse(`[${gate}]`)).toThrow(invalid(message))
  })
})

/** A clock that goes on by what each answer takes. */
function fake(costOf: (n: number) => number) {
  let time = 1_000
  const prepared: number[] = []
  const prepare = (n: number) => {
    prepared.push(n)
    // Making ready is not measured.
    time += 77
    return () => {
      time += costOf(n)
    }
  }
  let pauses = 0
  return { prepare, now: () => time, pause: () => void pauses++, prepared, pauses: () => pauses }
}

describe('measuring', () => {
  test('leaves out the first answers, and what makes them ready', async () => {
    const clock = fake((n) => (n < LATENCY_WARM_UP ? 100 : 3))
    const times = await timeAnswers(clock)
    expect(times).toEqual(Array(LATENCY_ANSWERS).fill(3))
    expect(clock.prepared).toEqual([...Array(LATENCY_WARM_UP + LATENCY_ANSWERS).keys()])
    expect(clock.pauses()).toBe(LATENCY_WARM_UP + LATENCY_ANSWERS)
  })

  test('does not wait for a model that takes too long, also while it warms up', async () => {
    const slow = fake(() => LATENCY_MOST_MS / 10)
    expect(await timeAnswers(slow)).toBeUndefined()
    expect(slow.prepared).toHaveLength(11)
    expect(
      await timeAnswers(fake(() => Math.floor(LATENCY_MOST_MS / (LATENCY_WARM_UP + LATENCY_ANSWERS)))),
    ).toHaveLength(LATENCY_ANSWERS)
  })

  test('takes percentiles by nearest rank', () => {
    const times = Array.from({ length: 200 }, (_, i) => 200 - i)
    expect([50, 95, 99].map((p) => percentileOf(times, p))).toEqual([100, 190, 198])
    expect(percentileOf([5], 50)).toBe(5)
    expect(percentileOf([], 50)).toBeNaN()
  })

  test('a percentile is the least time within which so many answers came', () => {
    const list = fc.array(fc.double({ min: 0, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 50 })
    fc.assert(
      fc.property(list, fc.integer({ min: 50, max: 99 }), (times, percentile) => {
        const value = percentileOf(times, percentile)
        const within = (limit: number) => times.filter((time) => time <= limit).length
        expect(times).toContain(value)
        expect(100 * within(value)).toBeGreaterThanOrEqual(percentile * times.length)
        const below = Math.max(-1, ...times.filter((time) => time < value))
        expect(100 * within(below)).toBeLessThan(percentile * times.length)
      }),
    )
  })
})

import { describe, expect, test } from 'vitest'
import { maskedEncodingOf, roomFor } from '../../core/plan/encoding.ts'
import { checkPlan } from '../../core/plan/parse.ts'
import { roundPrivacyOf } from '../../core/plan/round-privacy.ts'
import { spent } from '../../core/privacy/index.ts'
import { planOf } from '../support/plans.ts'

const plan = (privacy: string, { count = { min: 16, max: 24 }, extra = '' } = {}) =>
  planOf({ count, extra: `privacy: ${privacy}\n${extra}` })
const why = (privacy: string, options: Parameters<typeof plan>[1] = {}) => {
  try {
    plan(privacy, options)
  } catch (failure) {
    const { code, message } = failure as { code: string; message: string }
    return `${code}: ${message}`
  }
  return 'fine'
}

describe('a masked plan', () => {
  test('needs nothing but the mode; the rest follows from the cohort', () => {
    const { privacy } = plan('{ mode: masked }')
    expect(privacy).toEqual({ mode: 'masked' })
    expect(maskedEncodingOf(plan('{ mode: masked }'), 24)).toEqual({ range: 4, bits: 24, maxWeight: 1 })
  })

  test('takes a robust rule over buckets, where they are enough for it', () => {
    const extra = 'aggregation: { before: [nnm], rule: { trimmed-mean: { f: 1 } } }'
    expect(why('{ mode: masked, buckets: { size: 5 } }', { extra })).toBe('fine')
    expect(why('{ mode: masked, buckets: { size: 8 } }', { extra })).toMatch(
      /plan.infeasible: buckets of 8 make 2 sums/,
    )
  })

  test.each([
    ['{ mode: masked }', { extra: 'aggregation: { rule: median }' }, /a mean is all that can be had.*median/],
    ['{ mode: masked }', { count: { min: 2, max: 24 } }, /at least 3: a sum of 2 hides nobody/],
    ['{ mode: masked }', { count: { min: 900, max: 1200 } }, /at most 1000 clients/],
    ['{ mode: masked, threshold: { dropout: 0.6 } }', {}, /privacy.threshold cannot be had with a cohort of 16/],
    ['{ mode: masked, buckets: { size: 20 } }', {}, /no bucket of 20/],
    ['{ mode: masked, buckets: { size: 4, survivors: 5 } }', {}, /survivors is above the size/],
    [
      '{ mode: masked, buckets: { size: 4 } }',
      { extra: 'aggregation: { rule: { foolsgold: {} } }' },
      /foolsgold looks at each client/,
    ],
    [
      '{ mode: masked, encoding: { bits: 24, maxWeight: 1000 } }',
      { extra: 'aggregation: { rule: { mean: { weights: samples } } }' },
      /do not fit into sums/,
    ],
    ['{ buckets: { size: 4 } }', {}, /privacy.buckets belongs to mode masked/],
    ['{ steps: 1m }', {}, /privacy.steps belongs to mode masked/],
    ['{ noise: { central: { multiplier: 1 } } }', {}, /give privacy.clip/],
    ['{ budget: { epsilon: 1, delta: 1.0e-5 } }', {}, /the plan adds none/],
    ['{ clip: { flat: { norm: 1 } }, noise: { distributed: { multiplier: 1 } } }', {}, /needs mode masked/],
    ['{ mode: masked, clip: { flat: { norm: 1 } }, noise: { central: { multiplier: 1 } } }', {}, /noise.distributed/],
    ['{ clip: { adaptive: {} }, noise: { local: { multiplier: 1 } } }', {}, /give privacy.clip.flat/],
    [
      '{ clip: { flat: { norm: 1 } }, noise: { central: { multiplier: 1 } } }',
      { extra: 'aggregation: { rule: median }' },
      /median makes none/,
    ],
    [
      '{ clip: { flat: { norm: 1 } }, noise: { central: { multiplier: 1 } }, budget: { epsilon: 1, delta: 0.1 } }',
      {},
      /far below/,
    ],
  ])('that cannot be kept is refused: %s', (privacy, options, message) => {
    expect(why(privacy, options)).toMatch(message)
    expect(why(privacy, options)).toMatch(/^plan.infeasible/)
  })

  test('scaffold and fednova need what it does not show', () => {
    const masked = plan('{ mode: masked, buckets: { size: 4 } }')
    const scaffold = { ...masked, training: { ...masked.training, scaffold: {} } }
    expect(() => checkPlan(scaffold)).toThrowError(/scaffold’s control variates cannot be masked/)
    const fednova = { ...masked, aggregation: { ...masked.aggregation, before: ['fednova'] } }
    expect(() => checkPlan(fednova)).toThrowError(/fednova needs the steps/)
  })
})

describe('cohorts from a population', () => {
  const sealed = (population: string) =>
    planOf({
      count: { min: 10, max: 10 },
      extra:
        'privacy: { clip: { flat: { norm: 1 } }, noise: { central: { multiplier: 1 } }, budget: { epsilon: 8, delta: 1e-5 } }',
      ...(population === '' ? {} : { population: Number(population) }),
    })
  const epsilon = (population: string, rounds: number) => {
    const { spend } = roundPrivacyOf(sealed(population), 100, 1)!
    return spent([{ ...spend!, rounds }], 1e-5).epsilon
  }

  test('cost a round less, the larger it is; the client’s own ledger counts that it took part', () => {
    const privacy = roundPrivacyOf(sealed('1000'), 100, 1)!
    expect(privacy.spend).toMatchObject({
      sampling: { kind: 'fixed', cohort: 10, population: 1000 },
      neighbours: 'replace',
    })
    expect(privacy.charge).toMatchObject({ sampling: { kind: 'all' }, neighbours: 'replace' })
    // Replacing one moves a sum by 2C: without a draw it costs what half of the noise costs.
    expect(privacy.charge).toMatchObject({ multiplier: expect.closeTo(0.5, 6) })
    expect(epsilon('1000', 100)).toBeLessThan(epsilon('200', 100))
    expect(epsilon('1000', 100)).toBeLessThan(epsilon('', 100) / 3)
  })

  test('that cannot be drawn are refused', () => {
    expect(() => sealed('9')).toThrow(/cohorts of 10 cannot be drawn from a population of 9/)
  })
})

test('as many bits as a sum has room for, never more than float32 has', () => {
  expect(roomFor(100, 1, 0)).toBe(24)
  expect(roomFor(1_000, 1, 0)).toBe(22)
  expect(roomFor(100, 655, 0)).toBe(16)
  expect(roomFor(100, 1, 2 ** 24)).toBe(23)
  expect(roomFor(100, 1, 2 ** 25)).toBe(0)
  for (const [n, w] of [
    [3, 1],
    [256, 1],
    [257, 7],
    [1_000, 1_000],
  ] as const) {
    const bits = roomFor(n, w, 0)
    expect(n * w * (2 ** bits - 1)).toBeLessThan(2 ** 32)
    if (bits < 24) expect(n * w * (2 ** (bits + 1) - 1)).toBeGreaterThanOrEqual(2 ** 32)
  }
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { z } from 'zod'
import { planChanges } from '../../../client/policy/difference.ts'
import { dayIn, parseHours, withinHours } from '../../../client/policy/hours.ts'
import { leavingOf, leavingText } from '../../../client/policy/leaving.ts'
import { checkPolicy, parsePolicy } from '../../../client/policy/parse.ts'
import { policySchema } from '../../../client/policy/schema.ts'
import { createPace } from '../../../client/training/pace.ts'
import { planOf } from '../../support/plans.ts'
import { root } from '../../support/source-files.ts'
import { consortium, studyOf, tinyAllowed } from './policies.ts'

type Json = { properties?: Record<string, Json>; additionalProperties?: Json }

const whole = {
  policy: 1,
  coordinators: { consortium },
  data: { heart: { csv: 'heart.csv', rows: { train: 1, heldOut: 1 } } },
  studies: { heart: studyOf() },
}
const problemOf = (value: unknown) => {
  try {
    checkPolicy(value)
    return ''
  } catch (failure) {
    return (failure as Error).message
  }
}
const studyWith = (change: object) => ({ ...whole, studies: { heart: { ...studyOf(), ...change } } })

describe('a policy', () => {
  test('is what the manual shows, and its table names every field', () => {
    const manual = readFileSync(join(root, 'docs/client-policy.md'), 'utf8')
    const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(manual) ?? []
    const policy = parsePolicy(example)
    expect(Object.keys(policy.studies)).toEqual(['heart-disease', 'scans'])
    const table = manual.split('\n').filter((line) => line.startsWith('| `'))
    const { studies, ...rest } = z.toJSONSchema(policySchema, { io: 'input' }).properties as Record<string, Json>
    const study = studies!.additionalProperties!.properties!
    const fields = [rest, study, study.allow!.properties!].flatMap((one) => Object.keys(one))
    expect(fields.length).toBeGreaterThan(25)
    const lacking = fields.filter(
      (name) => !['data', 'allow'].includes(name) && !table.some((line) => line.includes(name)),
    )
    expect(lacking).toEqual([])
  })

  test('is read from YAML, and the least one allows nothing', () => {
    expect(parsePolicy(stringify(whole)).studies.heart).toMatchObject({ review: 'never', data: 'heart' })
    expect(parsePolicy('policy: 1')).toMatchObject({ studies: {}, coordinators: {}, approvals: 1, timeZone: 'UTC' })
    expect(() => parsePolicy('policy: [')).toThrow(expect.objectContaining({ code: 'policy.unreadable' }))
    expect(() => parsePolicy(`policy: 1\npurpose: ${'x'.repeat(1 << 20)}`)).toThrow(/at most/)
  })

  test.each([
    [{ ...whole, studeis: {} }, 'policy: unknown key "studeis"; did you mean "studies"?'],
    [studyWith({ hour: [] }), 'studies.heart: unknown key "hour"; did you mean "hours"?'],
    [studyWith({ allow: { ...tinyAllowed, maxRound: 1 } }), 'did you mean "maxRounds"?'],
    [studyWith({ data: 'haert' }), 'studies.heart.data: unknown data set "haert"; did you mean "heart"?'],
    [studyWith({ coordinators: ['consortia'] }), 'did you mean "consortium"?'],
    [studyWith({ plans: ['ab'.repeat(32)] }), 'exactly one of plans, allow'],
    [studyWith({ allow: { ...tinyAllowed, maxParameters: undefined } }), 'maxParameters'],
    [studyWith({ hours: ['22-05 UTC'] }), 'hours such as'],
    [studyWith({ hours: ['22:00-05:00 Europe/Zürich'] }), 'hours such as'],
    [studyWith({ perDay: { bytes: 1000 } }), 'a size with its unit'],
    [studyWith({ valid: { from: '2026-02-30' } }), 'a day such as'],
    [studyWith({ valid: { from: '2026-03-02', until: '2026-03-01' } }), 'until is not after from'],
    [{ ...whole, timeZone: 'Mars/Olympus' }, 'a time zone'],
    [{ ...whole, approvals: 2 }, 'list approvers'],
    [{ ...whole, coordinators: { consortium: 'AB' } }, 'coordinators.consortium'],
    [{}, 'policy'],
  ])('%#: says what is wrong', (value, message) => {
    expect(problemOf(value)).toContain(message)
  })
})

describe('hours', () => {
  const within = (text: string, at: string) => withinHours(parseHours(text)!, Date.parse(at))

  test.each([
    ['22:00-05:00 Europe/Zurich', '2026-12-02T20:59:00Z', false],
    ['22:00-05:00 Europe/Zurich', '2026-12-02T21:00:00Z', true],
    ['22:00-05:00 Europe/Zurich', '2026-12-03T03:59:00Z', true],
    ['22:00-05:00 Europe/Zurich', '2026-12-03T04:00:00Z', false],
    // In summer the clocks there are an hour further.
    ['22:00-05:00 Europe/Zurich', '2026-07-02T20:00:00Z', true],
    ['08:00-18:00 UTC', '2026-12-02T08:00:00Z', true],
    ['08:00-18:00 UTC', '2026-12-02T18:00:00Z', false],
    ['00:00-24:00 UTC', '2026-12-02T23:59:59Z', true],
    // 2026-12-04 is a Friday; the night belongs to the day on which it began.
    ['fri 22:00-05:00 UTC', '2026-12-05T04:00:00Z', true],
    ['fri 22:00-05:00 UTC', '2026-12-04T04:00:00Z', false],
    ['mon-thu 22:00-05:00 UTC', '2026-12-04T04:00:00Z', true],
    ['mon-thu,sun 12:00-13:00 UTC', '2026-12-06T12:30:00Z', true],
    ['sat-mon 12:00-13:00 UTC', '2026-12-07T12:30:00Z', true],
    ['sat-mon 12:00-13:00 UTC', '2026-12-08T12:30:00Z', false],
  ])('%s at %s: %s', (text, at, expected) => {
    expect(within(text, at)).toBe(expected)
  })

  test.each([
    '',
    '24:00-05:00 UTC',
    '22:60-23:00 UTC',
    '05:00-05:00 UTC',
    'mo 08:00-09:00 UTC',
    '08:00-09:00',
    '08:00-09:00 Nowhere',
  ])('%j are none', (text) => {
    expect(parseHours(text)).toBeUndefined()
  })

  test('days begin where the clocks of the zone say so', () => {
    expect(dayIn(Date.parse('2026-12-31T23:30:00Z'), 'UTC')).toBe('2026-12-31')
    expect(dayIn(Date.parse('2026-12-31T23:30:00Z'), 'Europe/Zurich')).toBe('2027-01-01')
  })
})

describe('what would leave', () => {
  test('is counted in tensors, bytes, evaluations and groups', () => {
    const grouped = 'evaluation: { every: 2, groups: { age: { column: age, bands: [45, 65] } } }'
    const leaving = leavingOf(planOf({ rounds: 5, extra: grouped }), 4)
    expect(leaving).toMatchObject({
      // A tag of 16 bytes goes with each sealed segment.
      update: { parameters: 4, bytes: 32, rounds: 5, allBytes: 160, controls: false },
      evaluation: { counts: 'clear', times: 3, minGroup: 20 },
    })
    expect(leaving.update.tensors).toEqual([
      { name: 'dense_1/bias', shape: [1] },
      { name: 'dense_1/kernel', shape: [3, 1] },
    ])
    expect(leaving.evaluation.groups).toHaveLength(3)
    expect(leaving.privacy).toBeUndefined()
    expect(leavingText(leaving).join('\n')).toMatch(/32 bytes a round[\s\S]*age: below 45[\s\S]*no noise/)
  })

  test('costs single rows, where they are hidden, what that is for some numbers of them', () => {
    const leaving = leavingOf(planOf({ rounds: 5, extra: 'privacy: { records: { clip: 1, multiplier: 2 } }' }), 4, 1e-6)
    expect(leaving.records).toMatchObject({ clip: 1, multiplier: 2, delta: 1e-5 })
    const [few, more] = leaving.records!.examples
    expect(few!.epsilon).toBeGreaterThan(more!.epsilon)
    expect(leavingText(leaving).join('\n')).toMatch(/rows: hidden one by one[\s\S]*100 rows: ε \d/)
  })

  test('costs ε a round and in all rounds, at the δ of the policy', () => {
    const noisy = planOf({
      rounds: 10,
      extra: 'privacy: { clip: { flat: { norm: 1 } }, noise: { local: { multiplier: 2 } } }',
    })
    const { privacy } = leavingOf(noisy, 4, 1e-6)
    expect(privacy).toMatchObject({ noise: 'local', clip: 1, delta: 1e-6 })
    expect(privacy!.epsilonOfAll).toBeGreaterThan(privacy!.epsilonOfRound)
    expect(privacy!.epsilonOfAll).toBeLessThan(10 * privacy!.epsilonOfRound)
    expect(privacy!.epsilonOfRound).toBeGreaterThan(leavingOf(noisy, 4, 1e-4).privacy!.epsilonOfRound)
  })
})

test('plans differ by what was added, taken away and changed', () => {
  expect(planChanges({ a: 1, b: [1, 2], c: { d: true } }, { a: 2, b: [1], e: {} })).toEqual([
    { path: 'a', before: '1', after: '2' },
    { path: 'b.1', before: '2' },
    { path: 'c.d', before: 'true' },
    { path: 'e', after: '{}' },
  ])
})

describe('training', () => {
  const machine = { now: () => time, memory: () => 2 ** 30, rest: async (ms: number) => void rests.push(ms) }
  let time = 0
  const rests: number[] = []

  test('rests as long as its share of the processor asks for', async () => {
    const pace = createPace(new AbortController().signal, { cpuShare: 0.25 }, machine)
    time += 20
    expect(pace()).toBeUndefined()
    time += 10
    await pace()
    expect(rests).toEqual([90])
  })

  test('ends above the memory that is allowed', () => {
    const pace = createPace(new AbortController().signal, { memoryBytes: 2 ** 29 }, machine)
    time += 30
    expect(() => pace()).toThrow(expect.objectContaining({ code: 'node.plan-refused' }))
  })
})

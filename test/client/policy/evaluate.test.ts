import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { evaluatePolicy } from '../../../client/policy/evaluate.ts'
import type { Policy } from '../../../client/policy/schema.ts'
import type { Plan } from '../../../core/plan/plan.ts'
import { planOf } from '../../support/plans.ts'
import { askedOf, digestOf, factsOf, noon, policyOf, studyOf, tinyAllowed } from './policies.ts'

const plan = planOf()
const allowing = (change: object) => policyOf({ heart: studyOf({ allow: { ...tinyAllowed, ...change } }) })
const verdictOf = (policy: Policy, of: Plan = plan, facts = {}, task = {}) =>
  evaluatePolicy(policy, askedOf(of, task), factsOf(facts))

describe('a plan', () => {
  test('is allowed by what a study says of it, and by its digest', () => {
    expect(verdictOf(policyOf({ heart: studyOf() }))).toEqual({ kind: 'allow', study: 'heart', data: 'heart' })
    const { allow: _allow, ...study } = studyOf({ plans: [digestOf(plan)] })
    expect(verdictOf(policyOf({ heart: study }))).toMatchObject({ kind: 'allow' })
    expect(verdictOf(policyOf({ heart: study }), planOf({ rounds: 1 }))).toMatchObject({ kind: 'hold' })
  })

  test('that no study covers is held, for another coordinator refused', () => {
    expect(verdictOf(policyOf({}))).toMatchObject({ kind: 'hold', why: expect.stringContaining('tiny') })
    expect(evaluatePolicy(policyOf({ heart: studyOf() }), askedOf(plan, {}, 'cd'.repeat(32)), factsOf())).toMatchObject(
      {
        kind: 'refuse',
        why: 'the policy does not name this coordinator',
      },
    )
  })

  test.each([
    [{ models: ['mlp'] }, 'models'],
    [{ maxParameters: 3 }, 'maxParameters'],
    [{ modes: ['masked'] }, 'modes'],
    [{ counts: ['masked'] }, 'counts'],
    [{ rules: ['median'] }, 'rules'],
    [{ rules: 'robust' }, 'rules: robust'],
    [{ maxRounds: 1 }, 'maxRounds'],
    [{ minCohort: 3 }, 'minCohort'],
    [{ clip: { max: 1 } }, 'clip'],
    [{ noise: { by: ['local'], multiplier: 1 } }, 'noise'],
    [{ start: { versions: ['tiny'] } }, 'start.new'],
  ])('is refused by %j, in words that name the key', (change, key) => {
    expect(verdictOf(allowing(change))).toEqual({ kind: 'refuse', why: expect.stringContaining(`(${key})`) })
  })

  test('is held against the round as well: a cohort, a norm, more rounds than the plan', () => {
    const clipped = planOf({ extra: 'privacy: { clip: { flat: { norm: 0.5 } } }' })
    const policy = allowing({ clip: { max: 1 } })
    expect(verdictOf(policy, clipped, {}, { clip: 0.5 })).toMatchObject({ kind: 'allow' })
    expect(verdictOf(policy, clipped, {}, { clip: 2 })).toMatchObject({ kind: 'refuse' })
    expect(verdictOf(allowing({}), plan, {}, { cohort: 1 })).toMatchObject({
      why: expect.stringContaining('minCohort'),
    })
    expect(verdictOf(allowing({}), plan, {}, { rounds: 9 })).toMatchObject({
      why: expect.stringContaining('maxRounds'),
    })
  })

  test('must bear noise where the policy limits ε, of the kind and size that is asked for', () => {
    const noise = { by: ['local'], multiplier: 1 }
    const noisy = (kind: string, z: number) =>
      planOf({ extra: `privacy: { clip: { flat: { norm: 1 } }, noise: { ${kind}: { multiplier: ${z} } } }` })
    const limited = policyOf({ heart: studyOf() }, { privacy: { epsilon: 2, delta: 1e-5 } })
    expect(verdictOf(limited)).toMatchObject({ kind: 'refuse', why: expect.stringContaining('(privacy)') })
    expect(verdictOf(limited, noisy('local', 1))).toMatchObject({ kind: 'allow' })
    expect(verdictOf(allowing({ noise }), noisy('local', 1))).toMatchObject({ kind: 'allow' })
    expect(verdictOf(allowing({ noise }), noisy('local', 0.9))).toMatchObject({ kind: 'refuse' })
    expect(verdictOf(allowing({ noise }), noisy('central', 1))).toMatchObject({
      why: expect.stringContaining('noise.by'),
    })
  })

  test('must hide rows where the policy limits what each may cost, by as much noise as is asked for', () => {
    const hiding = (z: number) => planOf({ extra: `privacy: { records: { clip: 1, multiplier: ${z} } }` })
    const limited = policyOf({ heart: studyOf() }, { records: { epsilon: 2, delta: 1e-5 } })
    expect(verdictOf(limited)).toMatchObject({ kind: 'refuse', why: expect.stringContaining('(records)') })
    expect(verdictOf(limited, hiding(1))).toMatchObject({ kind: 'allow' })
    const noisy = allowing({ records: { multiplier: 1 } })
    expect(verdictOf(noisy)).toMatchObject({ why: expect.stringContaining('(records)') })
    expect(verdictOf(noisy, hiding(0.9))).toMatchObject({ why: expect.stringContaining('(records)') })
    expect(verdictOf(noisy, hiding(1))).toMatchObject({ kind: 'allow' })
  })

  test('starts from what is named, counts groups that are large enough, reads columns that are listed', () => {
    const from = (start: string) => planOf({ extra: `start: ${start}` })
    const versions = allowing({ start: { versions: ['base'] } })
    expect(verdictOf(versions, from('{ version: base/3 }'))).toMatchObject({ kind: 'allow' })
    expect(verdictOf(versions, from('{ version: other/3 }'))).toMatchObject({
      why: expect.stringContaining('start.versions'),
    })
    const file = `{ file: base.safetensors, sha256: "${'00'.repeat(32)}" }`
    expect(verdictOf(allowing({ start: { files: ['00'.repeat(32)] } }), from(file))).toMatchObject({ kind: 'allow' })
    expect(verdictOf(versions, from(file))).toMatchObject({ why: expect.stringContaining('start.files') })
    const grouped = planOf({ extra: 'evaluation: { groups: { sex: { column: sex, values: { f: [0], m: [1] } } } }' })
    expect(verdictOf(allowing({}), grouped)).toMatchObject({ why: expect.stringContaining('minGroup') })
    expect(verdictOf(allowing({ minGroup: 20 }), grouped)).toMatchObject({ kind: 'allow' })
    expect(verdictOf(allowing({ minGroup: 21 }), grouped)).toMatchObject({ kind: 'refuse' })
    const columns = { heart: { csv: 'heart.csv', columns: ['x0', 'x1', 'x2', 'y'], rows: { train: 1, heldOut: 1 } } }
    const listed = policyOf({ heart: studyOf({ allow: { ...tinyAllowed, minGroup: 5 } }) }, { data: columns })
    expect(verdictOf(listed)).toMatchObject({ kind: 'allow' })
    expect(verdictOf(listed, grouped)).toMatchObject({ why: expect.stringContaining('(columns)') })
  })
})

describe('a day', () => {
  test('has so many rounds and bytes; an evaluation is no round', () => {
    const policy = policyOf({ heart: studyOf({ perDay: { rounds: 2, bytes: '1KiB' } }) })
    expect(verdictOf(policy, plan, { today: { rounds: 1, bytes: 992 } })).toMatchObject({ kind: 'allow' })
    expect(verdictOf(policy, plan, { today: { rounds: 1, bytes: 993 } })).toMatchObject({
      why: expect.stringContaining('perDay.bytes'),
    })
    expect(verdictOf(policy, plan, { today: { rounds: 2, bytes: 0 } })).toMatchObject({
      why: expect.stringContaining('perDay.rounds'),
    })
    expect(verdictOf(policy, plan, { today: { rounds: 2, bytes: 0 } }, { kind: 'evaluate' })).toMatchObject({
      kind: 'allow',
    })
  })

  test('has hours, which say when a round may begin and not when it must be over', () => {
    const policy = policyOf({ heart: studyOf({ hours: ['22:00-05:00 Europe/Zurich'] }) })
    expect(verdictOf(policy)).toMatchObject({ kind: 'refuse', why: expect.stringContaining('hours') })
    expect(verdictOf(policy, plan, { now: Date.parse('2026-12-02T21:00:00Z') })).toMatchObject({ kind: 'allow' })
    expect(verdictOf(policy, plan, { moment: 'leave' })).toMatchObject({ kind: 'allow' })
  })

  test('lies within the validity of policy and study, both ends included', () => {
    const valid = { from: '2026-12-02', until: '2026-12-02' }
    for (const policy of [policyOf({ heart: studyOf({ valid }) }), policyOf({ heart: studyOf() }, { valid })]) {
      expect(verdictOf(policy)).toMatchObject({ kind: 'allow' })
      for (const days of [-1, 1]) {
        expect(verdictOf(policy, plan, { now: noon + days * 86_400_000 })).toMatchObject({ kind: 'refuse' })
      }
    }
  })
})

test('what was really loaded has the engine and the rows that are asked for', () => {
  const policy = policyOf({ heart: studyOf({ engines: ['tfjs-wasm'] }) })
  const loaded = (engine: string, rows?: { train: number; heldOut: number }) =>
    verdictOf(policy, plan, { moment: 'loaded', data: 'heart', loaded: { engine, rows } })
  expect(loaded('tfjs-wasm', { train: 10, heldOut: 5 })).toMatchObject({ kind: 'allow' })
  expect(loaded('tfjs-wasm', { train: 9, heldOut: 5 })).toMatchObject({ why: expect.stringContaining('rows.train') })
  expect(loaded('tfjs-wasm', { train: 10, heldOut: 4 })).toMatchObject({ why: expect.stringContaining('rows.heldOut') })
  expect(loaded('tfjs-wasm')).toMatchObject({ kind: 'refuse' })
  expect(loaded('tfjs-cpu', { train: 10, heldOut: 5 })).toMatchObject({ why: expect.stringContaining('engines') })
})

test('data that are in use are judged by studies for them alone', () => {
  const data = {
    heart: { csv: 'a', rows: { train: 1, heldOut: 1 } },
    more: { csv: 'b', rows: { train: 1, heldOut: 1 } },
  }
  const policy = policyOf({ heart: studyOf({ hours: ['22:00-05:00 UTC'] }), more: studyOf({ data: 'more' }) }, { data })
  expect(verdictOf(policy)).toMatchObject({ kind: 'allow', data: 'more' })
  expect(verdictOf(policy, plan, { moment: 'leave', data: 'more' })).toMatchObject({ data: 'more' })
  expect(verdictOf(policyOf({ heart: studyOf() }, { data }), plan, { moment: 'leave', data: 'more' })).toMatchObject({
    kind: 'hold',
  })
})

describe('people', () => {
  const reviewed = policyOf({ heart: studyOf({ review: 'always' }) })

  test('approve what a study holds; its limits stay', () => {
    const standing = { kind: 'approved', study: 'heart' } as const
    expect(verdictOf(reviewed)).toMatchObject({ kind: 'hold', study: 'heart' })
    expect(verdictOf(reviewed, plan, { standing })).toMatchObject({ kind: 'allow', study: 'heart' })
    for (const other of [{ study: 'scans' }, { data: 'scans' }]) {
      expect(verdictOf(reviewed, plan, { standing: { kind: 'approved', ...other } }).kind).toBe('hold')
    }
    expect(verdictOf(reviewed, planOf({ rounds: 3 }), { standing })).toMatchObject({ kind: 'refuse' })
  })

  test('approve a plan by itself, for a data set', () => {
    const standing = { kind: 'approved', data: 'heart' } as const
    expect(verdictOf(policyOf({}), plan, { standing })).toEqual({ kind: 'allow', data: 'heart' })
    expect(verdictOf(policyOf({}), plan, { standing: { kind: 'approved', data: 'gone' } })).toMatchObject({
      kind: 'refuse',
    })
    const loaded = { engine: 'any', rows: { train: 1, heldOut: 9 } }
    expect(verdictOf(policyOf({}), plan, { standing, moment: 'loaded', loaded })).toMatchObject({ kind: 'refuse' })
  })

  test('refuse whatever a study says, and are counted while they are too few', () => {
    const refused = { kind: 'refused', reason: 'not without the ethics board' } as const
    expect(verdictOf(policyOf({ heart: studyOf() }), plan, { standing: refused })).toEqual({
      kind: 'refuse',
      why: 'the site refused the plan: not without the ethics board',
    })
    const standing = { kind: 'waiting', approved: 1, of: 2 } as const
    expect(verdictOf(reviewed, plan, { standing })).toMatchObject({
      kind: 'hold',
      why: expect.stringContaining('1 of 2'),
    })
  })
})

describe('for every plan and policy', () => {
  const models = { logistic: { logistic: {} }, mlp: { mlp: { hidden: [2] } } } as const
  const plans = fc
    .record({
      name: fc.constantFrom('tiny', 'other'),
      model: fc.constantFrom(...(['logistic', 'mlp'] as const)),
      rounds: fc.integer({ min: 1, max: 4 }),
      min: fc.integer({ min: 10, max: 12 }),
      masked: fc.boolean(),
      clip: fc.constantFrom(undefined, 0.5, 2),
      rule: fc.constantFrom('mean', 'median'),
      minGroup: fc.constantFrom(undefined, 10, 30),
    })
    .map(({ name, model, rounds, min, masked, clip, rule, minGroup }) => {
      const groups = '{ sex: { column: sex, values: { f: [0], m: [1] } } }'
      const privacy = [masked ? 'mode: masked' : '', clip === undefined ? '' : `clip: { flat: { norm: ${clip} } }`]
      const extra = [
        `privacy: { ${privacy.filter((one) => one !== '').join(', ')} }`,
        `aggregation: { rule: ${masked ? 'mean' : rule} }`,
        minGroup === undefined ? '' : `evaluation: { minGroup: ${minGroup}, groups: ${groups} }`,
      ]
      const made = planOf({ name, rounds, count: { min, max: 12 }, extra: extra.join('\n') })
      return { ...made, model: models[model] } as Plan
    })

  const some = <T>(...of: T[]) => fc.subarray(of, { minLength: 1 })
  const allows = fc.record(
    {
      names: some('tiny', 'other'),
      models: some('logistic', 'mlp', 'cnn'),
      maxParameters: fc.constantFrom(3, 4, 100),
      modes: some('sealed', 'masked'),
      counts: fc.constant(['clear']),
      rules: fc.oneof(some('mean', 'median', 'krum'), fc.constant('robust' as const)),
      maxRounds: fc.integer({ min: 1, max: 5 }),
      minCohort: fc.integer({ min: 9, max: 13 }),
      minGroup: fc.constantFrom(5, 20, 40),
      clip: fc.record({ max: fc.constantFrom(0.1, 1, 3) }),
    },
    { requiredKeys: ['names', 'models', 'maxParameters', 'modes', 'counts', 'rules', 'maxRounds', 'minCohort'] },
  )
  const studies = fc.record(
    {
      coordinators: fc.constant(['consortium']),
      data: fc.constant('heart'),
      allow: allows,
      review: fc.constantFrom('never', 'always'),
      hours: fc.constantFrom(['08:00-18:00 UTC'], ['22:00-05:00 UTC']),
      perDay: fc.record({ rounds: fc.integer({ min: 1, max: 3 }) }),
    },
    { requiredKeys: ['coordinators', 'data', 'allow'] },
  )
  const several = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), studies)
  const today = fc.record({ rounds: fc.integer({ min: 0, max: 3 }), bytes: fc.constant(0) })

  const dimensions = ['names', 'models', 'maxParameters', 'modes', 'rules', 'maxRounds', 'minCohort', 'clip'] as const

  test('nothing is allowed that no study names', () => {
    let allowed = 0
    fc.assert(
      fc.property(plans, several, studies, fc.constantFrom(...dimensions), today, (of, some, other, changed, done) => {
        // One that names all of the plan, but for what another says in its place.
        const exact = exactly(of)
        const near = { ...exact, allow: { ...exact.allow, [changed]: other.allow[changed] } } as Study
        const found = { ...some, near }
        const verdict = verdictOf(policyOf(found), of, { today: done })
        if (verdict.kind !== 'allow') return
        allowed++
        const named = Object.values(found).some(({ allow, review = 'never', hours, perDay }) => {
          const groups = Object.keys(of.evaluation.groups).length > 0
          return (
            allow.names.includes(of.name as 'tiny') &&
            allow.models.some((name) => name in of.model) &&
            allow.maxParameters >= 4 &&
            allow.modes.includes(of.privacy.mode) &&
            (allow.rules === 'robust'
              ? !('mean' in of.aggregation.rule)
              : allow.rules.some((name) => name in of.aggregation.rule)) &&
            allow.maxRounds >= of.rounds &&
            allow.minCohort <= of.window.count.min &&
            (!groups || (allow.minGroup !== undefined && of.evaluation.minGroup >= allow.minGroup)) &&
            (allow.clip === undefined ||
              (of.privacy.clip !== undefined &&
                'flat' in of.privacy.clip &&
                of.privacy.clip.flat.norm <= allow.clip.max)) &&
            review === 'never' &&
            hours?.[0] !== '22:00-05:00 UTC' &&
            (perDay === undefined || done.rounds < perDay.rounds)
          )
        })
        expect(named).toBe(true)
      }),
    )
    expect(allowed).toBeGreaterThan(10)
  })

  test('another study, or a wider one, never turns an allowed plan into a refused one', () => {
    fc.assert(
      fc.property(plans, several, studies, today, fc.nat(11), (of, found, more, done, widening) => {
        const all = { ...found, exact: exactly(of) }
        const wider = Object.fromEntries(Object.entries(all).map(([name, study]) => [name, widened(study, widening)]))
        for (const policy of [all, wider, { ...all, z: more }, { A: more, ...all }]) {
          expect(verdictOf(policyOf(policy), of, { today: done }).kind).toBe('allow')
        }
      }),
      { numRuns: 50 },
    )
  })

  test('the order of studies does not matter', () => {
    fc.assert(
      fc.property(plans, several, today, (of, found, done) => {
        const backwards = Object.fromEntries(Object.entries(found).reverse())
        const facts = { today: done }
        expect(verdictOf(policyOf(backwards), of, facts)).toEqual(verdictOf(policyOf(found), of, facts))
      }),
    )
  })

  type Study = typeof studies extends fc.Arbitrary<infer T> ? T : never
  function exactly({ name, model, rounds, privacy, window, aggregation, evaluation }: Plan): Study {
    const norm = privacy.clip !== undefined && 'flat' in privacy.clip ? privacy.clip.flat.norm : undefined
    const allow = {
      names: [name as 'tiny'],
      models: ['mlp' in model ? 'mlp' : 'logistic'],
      maxParameters: 4,
      modes: [privacy.mode],
      counts: ['clear'],
      rules: ['mean' in aggregation.rule ? 'mean' : 'median'],
      maxRounds: rounds,
      minCohort: window.count.min,
      ...(Object.keys(evaluation.groups).length === 0 ? {} : { minGroup: evaluation.minGroup }),
      ...(norm === undefined ? {} : { clip: { max: norm } }),
    }
    return { coordinators: ['consortium'], data: 'heart', allow } as unknown as Study
  }

  function widened(study: Study, how: number): object {
    const { allow, hours: _hours, perDay: _perDay, ...rest } = study
    const { clip: _clip, ...unclipped } = allow
    const wider: object[] = [
      { ...study, allow: { ...allow, names: ['tiny', 'other'] } },
      { ...study, allow: { ...allow, models: [...allow.models, 'linear', 'layers'] } },
      { ...study, allow: { ...allow, maxParameters: allow.maxParameters + 1 } },
      { ...study, allow: { ...allow, modes: ['sealed', 'masked'] } },
      { ...study, allow: { ...allow, counts: ['clear', 'masked'] } },
      { ...study, allow: { ...allow, maxRounds: allow.maxRounds + 1 } },
      { ...study, allow: { ...allow, minCohort: 1 } },
      { ...study, allow: { ...allow, minGroup: 5 } },
      { ...study, allow: unclipped },
      { ...study, review: 'never' },
      { ...rest, allow },
      { ...study, ...(study.perDay === undefined ? {} : { perDay: { rounds: study.perDay.rounds + 1 } }) },
    ]
    return wider[how]!
  }
})

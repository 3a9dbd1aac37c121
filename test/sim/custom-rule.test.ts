/** An aggregation rule that is a function passed in: only to simulations, and as much of the plan as any other. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { norms } from '../../core/aggregation/clipping.ts'
import { krum } from '../../core/aggregation/rules/krum.ts'
import { checkPlan } from '../../core/plan/parse.ts'
import {
  checkScenario,
  checkSweep,
  crossValidate,
  defineRule,
  meanOf,
  type OwnRule,
  type OwnRules,
  type RuleInput,
  type SimulateOptions,
  simulate,
  squaredDistance,
  sweep,
} from '../../sim/index.ts'
import { plan, scenario, world } from './sweep-input.ts'

const asking = (rule: unknown, changed: object = {}) => ({
  ...scenario,
  ...changed,
  plan: { ...plan, aggregation: { rule } },
})
const run = (rule: unknown, rules: OwnRules, options: SimulateOptions = {}) =>
  simulate(checkScenario(asking(rule), { rules }), { workers: 0, rules, ...options })

/** What two simulations have in common that differ only in what their rule is called. */
async function weightsOf(rule: unknown, rules: OwnRules = {}) {
  const { weights, rounds } = await run(rule, rules)
  const coefficients = rounds.map(({ robustness }) => robustness!.clients.map(({ weight }) => weight))
  expect(weights).toMatch(/^[0-9a-f]{64}$/)
  return { weights, coefficients }
}

/** The mean of the points that lie nearest to all others. */
const nearest = defineRule<{ keep: number }>({
  options: z.strictObject({ keep: z.int().min(1).max(1_000) }),
  breakdown: (n, { keep }) => Math.min(n - keep, Math.ceil(n / 2) - 1),
  condition: 'keep + f ≤ n, 2f < n',
  attackers: () => 1,
  usesGram: true,
  decide(input, { keep }) {
    const points = Array.from({ length: input.n }, (_, i) => i)
    const far = points.map((i) => points.reduce((sum, j) => sum + squaredDistance(input.gram, i, j), 0))
    const order = points.toSorted((a, b) => far[a]! - far[b]! || a - b)
    const kept = order.slice(0, keep).toSorted((a, b) => a - b)
    return meanOf(input, kept, () => 'it is far from the others')
  },
})

/** Only a function: each update pulls equally hard. */
const byLength: OwnRule = ({ gram, n }) => {
  const pulls = norms(gram, n).map((length) => 1 / Math.max(0.1, length))
  const total = pulls.reduce((sum, pull) => sum + pull, 0)
  return { kind: 'combination', coefficients: pulls.map((pull) => pull / total), leftOut: [] }
}

const all = (input: RuleInput) =>
  meanOf(
    input,
    Array.from({ length: input.n }, (_, i) => i),
    () => '',
  )

describe('a rule of one’s own', () => {
  test('decides every round, the same whatever the number of workers', async () => {
    const here = await run({ nearest: { keep: 3 } }, { nearest })
    expect(here.rounds).toHaveLength(2)
    for (const { robustness } of here.rounds) {
      expect(robustness).toMatchObject({ rule: 'nearest', attackers: 1 })
      const out = robustness!.clients.filter(({ weight }) => weight === 0)
      expect(out).toHaveLength(2)
      for (const { leftOut } of out) expect(leftOut).toBe('it is far from the others')
    }
    for (const workers of [1, 2]) expect(await run({ nearest: { keep: 3 } }, { nearest }, { workers })).toEqual(here)
    expect((await run({ nearest: { keep: 2 } }, { nearest })).weights).not.toBe(here.weights)
  })

  test('is but the function that decides', async () => {
    const { rounds } = await run('by-length', { 'by-length': byLength })
    const [first] = rounds
    expect(first!.robustness!.attackers).toBeNull()
    for (const { weight, norm } of first!.robustness!.clients) {
      const total = first!.robustness!.clients.reduce((sum, client) => sum + 1 / Math.max(0.1, client.norm), 0)
      expect(weight).toBeCloseTo(1 / Math.max(0.1, norm) / total, 5)
    }
  })

  test('makes the same bytes as the registry’s, where it is a copy of it', async () => {
    expect(await weightsOf({ copy: { f: 1 } }, { copy: krum })).toEqual(await weightsOf({ krum: { f: 1 } }))
    expect(await weightsOf('all', { all })).toEqual(await weightsOf({ mean: { weights: 'equal' } }))
  })

  test('works by coordinates, on what stages made, and with numbers of its own', async () => {
    const middle: OwnRule = ({ n }) => ({
      kind: 'reduction',
      points: Array.from({ length: n }, (_, i) => i),
      reduce: { kind: 'trimmed-mean', drop: Math.floor((n - 1) / 2) },
      leftOut: [],
    })
    const staged = (rule: string) => ({ ...plan, aggregation: { before: [{ nnm: { f: 1 } }], rule } })
    const through = async (rule: string) => {
      const value = checkScenario({ ...scenario, plan: staged(rule) }, { rules: { middle } })
      return (await simulate(value, { workers: 0, rules: { middle } })).weights
    }
    expect(await through('middle')).toBe(await through('median'))
    const seen: (readonly number[])[] = []
    const counting: OwnRule = ({ gram, n, remembered }) => {
      seen.push(remembered)
      const coefficients = new Float64Array(gram.size).fill(1 / n)
      return { kind: 'combination', coefficients, leftOut: [], remember: [...remembered, n] }
    }
    // An attacker that sees all updates would ask it, too.
    const honest = checkScenario(asking('counting', { world: { ...world, attackers: undefined } }), {
      rules: { counting },
    })
    await simulate(honest, { workers: 0, rules: { counting } })
    expect(seen).toEqual([[], [5]])
  })

  test('decides among more clients than the registry’s rules decide among in the coordinator’s own thread', async () => {
    const many = (rule: unknown) => ({
      scenario: 1,
      plan: { ...plan, rounds: 1, aggregation: { rule }, window: { count: { min: 80, max: 80 } } },
      world: { clients: 80, data: { generated: { blobs: { rows: 800 } } } },
    })
    const of = async (rule: unknown, workers: number) => {
      const rules = { copy: krum }
      const result = await simulate(checkScenario(many(rule), { rules }), { workers, rules })
      expect(result.outcome.kind).not.toBe('failed')
      return result.weights
    }
    const weights = await of({ copy: { f: 3 } }, 0)
    expect(weights).toMatch(/^[0-9a-f]{64}$/)
    expect(await of({ copy: { f: 3 } }, 1)).toBe(weights)
    expect(await of({ krum: { f: 3 } }, 0)).toBe(weights)
  })

  test('decides on the sums of masked updates as on any others', async () => {
    const of = async (rule: string) => {
      const privacy = { mode: 'masked', buckets: { size: 3, survivors: 2 }, threshold: { dropout: 0.3 } }
      const window = { count: { min: 9, max: 9 }, time: { min: '3m', max: '10m' } }
      const masked = { ...plan, rounds: 1, window, privacy, aggregation: { rule } }
      const rules = { all }
      const value = checkScenario(
        { scenario: 1, plan: masked, world: { clients: 9, data: { generated: { blobs: { rows: 300 } } } } },
        { rules },
      )
      const { rounds } = await simulate(value, { workers: 0, rules })
      expect(rounds[0]!.robustness!.clients.map(({ weight }) => weight)).toEqual(
        Array(3).fill(expect.closeTo(1 / 3, 6)),
      )
      return rounds[0]!.pooled!.loss!
    }
    // Another plan draws other buckets: the same mean, but for the order in which it is added up and for what rounding left.
    expect(await of('all')).toBeCloseTo(await of('mean'), 3)
  })

  test('is known to a coordinator that comes back from a restart', async () => {
    const restarted = { world: { ...world, faults: [{ restart: { round: 2, downMs: 1_000 } }] } }
    const rules = { nearest }
    const result = await simulate(checkScenario(asking({ nearest: { keep: 3 } }, restarted), { rules }), {
      workers: 0,
      rules,
    })
    expect(result.rounds.map(({ robustness }) => robustness?.rule)).toEqual(['nearest', 'nearest'])
  })

  test('is known to every fold of a cross-validation', async () => {
    const rules = { nearest }
    const value = checkScenario(asking({ nearest: { keep: 2 } }), { rules })
    const { folds } = await crossValidate(value, { folds: 2, workers: 0, rules })
    expect(folds.map(({ result }) => result.rounds.at(-1)?.robustness?.rule)).toEqual(['nearest', 'nearest'])
  })
})

describe('a sweep', () => {
  const rules = { nearest }
  const swept = {
    sweep: 1,
    scenario: asking({ nearest: { keep: 2 } }),
    vary: { 'plan.aggregation.rule.nearest.keep': [2, 3] },
  }

  test('varies its options, whatever the number of workers', async () => {
    const definition = checkSweep(swept, { rules })
    const result = await sweep(definition, { workers: 2 })
    expect(result.cells).toHaveLength(2)
    for (const [i, keep] of [2, 3].entries()) {
      const { weights } = await run({ nearest: { keep } }, rules)
      expect(result.cells[i]).toMatchObject({ weights })
    }
    await expect(sweep(definition, { journal: '/nowhere/points.jsonl' })).rejects.toMatchObject({
      code: 'plan.infeasible',
      message: expect.stringContaining('a journal knows'),
    })
  })

  test('has no axis of a rule that it was not given, nor values that the rule refuses', () => {
    expect(() => checkSweep(swept)).toThrow(/scenarios have no field plan\.aggregation\.rule\.nearest\.keep/)
    expect(() => checkSweep({ ...swept, vary: { 'plan.aggregation.rule.nearest.keep': [0] } }, { rules })).toThrow(
      /plan\.aggregation\.rule\.nearest\.keep: Too small/,
    )
  })
})

describe('a plan that names one', () => {
  const rules = { nearest }

  test.each<[string, unknown, string]>([
    [
      'with an option that is wrong names the field',
      { nearest: { keep: 0 } },
      'plan.aggregation.rule.nearest.keep: Too small: expected number to be >=1',
    ],
    [
      'with an option that is not known',
      { nearest: { kep: 3 } },
      'plan.aggregation.rule.nearest: unknown "kep"; did you mean "keep"?',
    ],
    [
      'under a name that is not quite it',
      'neerest',
      'plan.aggregation.rule: unknown "neerest"; did you mean "nearest"?',
    ],
    [
      'whose rule is the registry’s',
      'trimed-mean',
      'plan.aggregation.rule: unknown "trimed-mean"; did you mean "trimmed-mean"?',
    ],
  ])('%s', (_name, rule, message) => {
    expect(() => checkScenario(asking(rule), { rules })).toThrow(
      expect.objectContaining({ code: 'plan.invalid', message: expect.stringContaining(message) }),
    )
  })

  test('is checked against its breakdown point', () => {
    expect(() => checkScenario(asking({ nearest: { keep: 5 } }), { rules })).toThrow(
      expect.objectContaining({
        code: 'plan.infeasible',
        message: expect.stringMatching(/^plan\.aggregation\.rule: nearest withstands no attacker among 5 updates/),
      }),
    )
  })

  test('is no plan without the rule: not in production, not for a simulation that was not given it', async () => {
    const rule = { nearest: { keep: 3 } }
    const unknown = expect.objectContaining({
      code: 'plan.invalid',
      message: expect.stringContaining('aggregation.rule: unknown'),
    })
    expect(() => checkPlan(asking(rule).plan)).toThrow(unknown)
    expect(() => checkScenario(asking(rule))).toThrow(unknown)
    await expect(simulate(checkScenario(asking(rule), { rules }), { workers: 0 })).rejects.toEqual(unknown)
  })
})

describe('a table of rules is refused', () => {
  test.each<[string, OwnRules, string]>([
    ['with the name of a rule', { krum: byLength }, 'rules.krum: there is a rule of this name; take another one'],
    ['with the name of a stage', { nnm: byLength }, 'rules.nnm: there is a stage of this name; take another one'],
    ['with a name that is none', { 'My rule': byLength }, 'rules.My rule: a name has small letters, digits and dashes'],
    ['with nothing under a name', { mine: undefined as never }, 'rules.mine: breakdown is no function'],
    [
      'with a rule without a schema',
      { mine: { ...nearest, options: {} as never } },
      'rules.mine: options is no schema of zod',
    ],
    [
      'with an extra row that there is not',
      { mine: { ...nearest, extra: 'roots' as never } },
      'rules.mine: there is no extra row roots',
    ],
    [
      'with an extra row that the rule would not see',
      { mine: { ...nearest, extra: 'center', usesGram: false } },
      'rules.mine: an extra row is a row of the gram: usesGram must be true',
    ],
  ])('%s', (_name, rules, message) => {
    const refused = expect.objectContaining({ code: 'plan.invalid', message })
    expect(() => checkScenario(scenario, { rules })).toThrow(refused)
    return expect(simulate(checkScenario(scenario), { workers: 0, rules })).rejects.toEqual(refused)
  })
})

describe('a rule that fails ends its round by name', () => {
  const honest = { world: { ...world, attackers: undefined } }
  const combination = (coefficients: unknown, more: object = {}) =>
    ((_input) => ({ kind: 'combination', coefficients, leftOut: [], ...more }) as never) satisfies OwnRule
  const reduction = (points: unknown, reduce: unknown) =>
    ((_input) => ({ kind: 'reduction', points, reduce, leftOut: [] }) as never) satisfies OwnRule
  const fifths = [0.2, 0.2, 0.2, 0.2, 0.2]

  test.each<[string, OwnRule, string]>([
    [
      'throws',
      () => {
        throw new TypeError('x is not a function')
      },
      'mine threw in decide: x is not a function',
    ],
    [
      'gives a number that is none',
      combination([0.2, 0.2, Number.NaN, 0.2, 0.2]),
      'mine gave the coefficient NaN to row 2',
    ],
    ['gives too few coefficients', combination([0.5, 0.5]), 'mine gave 2 coefficients for the 5 rows of the gram'],
    ['gives none', combination(undefined), 'mine gave no coefficients'],
    ['gives nothing', () => undefined as never, 'mine gave neither a combination nor a reduction'],
    ['lets wait', (async () => combination(fifths)) as never, 'mine gave a promise: a rule decides at once'],
    [
      'wants to remember what is no number',
      combination(fifths, { remember: [Number.NaN] }),
      'mine gave something to remember',
    ],
    [
      'leaves out a stranger',
      combination(fifths, { leftOut: [{ point: 5, why: '' }] }),
      'mine gave a point that it left out',
    ],
    ['reduces a stranger', reduction([0, 7], { kind: 'trimmed-mean', drop: 0 }), 'mine gave point 7 of 5 to reduce'],
    [
      'drops everything',
      reduction([0, 1], { kind: 'trimmed-mean', drop: 1 }),
      'mine gave a reduction that 2 points do not allow',
    ],
  ])('when it %s', async (_name, mine, message) => {
    const rules = { mine }
    const { rounds, outcome, weights } = await simulate(checkScenario(asking('mine', honest), { rules }), {
      workers: 0,
      rules,
    })
    expect(outcome).toEqual({
      kind: 'failed',
      code: 'round.aggregation-failed',
      message: expect.stringContaining(message),
    })
    expect(weights).toBeUndefined()
    const failure = { code: 'round.aggregation-failed', message: expect.stringContaining(message) }
    for (const round of rounds) {
      expect(round.weights).toBeUndefined()
      expect(round.failure).toEqual(failure)
    }
  })

  test('and no other round', async () => {
    const rules: OwnRules = {
      mine: (input) => {
        if (input.remembered.length === 0) return { ...all(input), remember: [1] }
        throw new Error('not twice')
      },
    }
    const value = checkScenario(asking('mine', honest), { rules })
    const { rounds } = await simulate(value, { workers: 0, rules })
    const [first, second] = rounds
    expect(first!.failure).toBeUndefined()
    expect(first!.weights).toMatch(/^[0-9a-f]{64}$/)
    expect(second!.failure).toMatchObject({ message: 'mine threw in decide: not twice' })
  })

  test.each<[string, Partial<typeof nearest>, string]>([
    [
      'a breakdown that throws',
      {
        breakdown: () => {
          throw new Error('no')
        },
      },
      'plan.aggregation.rule: mine threw in breakdown: no',
    ],
    [
      'a breakdown that is no number',
      { breakdown: () => Number.NaN },
      'plan.aggregation.rule: mine is wrong: its breakdown of 5 updates is NaN',
    ],
    [
      'attackers that are no number',
      { attackers: () => 0.5 },
      'plan.aggregation.rule: mine is wrong: it assumes 0.5 attackers',
    ],
  ])('and its plan with %s', (_name, changed, message) => {
    const rules = { mine: { ...nearest, ...changed } }
    expect(() => checkScenario(asking({ mine: { keep: 3 } }), { rules })).toThrow(
      expect.objectContaining({ code: 'plan.infeasible', message }),
    )
  })
})

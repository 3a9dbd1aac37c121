/** What a sweep file says, and what it must not say. Nothing is simulated here. */
import { describe, expect, test } from 'vitest'
import { scenarioDigest } from '../../sim/index.ts'
import { labelOf, settingsOf } from '../../sim/sweep/axes.ts'
import { checkSweep } from '../../sim/sweep/definition.ts'
import { readScenario, readSweep } from '../../sim/sweep/files.ts'
import { scenarioAt } from '../../sim/sweep/place.ts'
import { plan, scenario, scratch, world } from './sweep-input.ts'

const { write, folder } = await scratch('sweep-definition')

const rule = 'plan.aggregation.rule'
const sweepOf = (changed: object = {}) => ({ sweep: 1, scenario, vary: { [rule]: ['mean', 'median'] }, ...changed })
const varying = (vary: object, changed: object = {}) => checkSweep(sweepOf({ vary, ...changed }))

describe('an axis', () => {
  test('of values has a short label for each, or one of its own', () => {
    const values = ['mean', { 'trimmed-mean': { f: 1 } }, { 'centered-clipping': { radius: 1, iterations: 3 } }]
    const labels = (changed: object) => {
      const [axis] = varying({ [rule]: values }, changed).axes
      return values.map((_, i) => labelOf(axis!, i))
    }
    expect(labels({})).toEqual(['mean', 'trimmed-mean f=1', 'centered-clipping radius=1 iterations=3'])
    expect(labels({ labels: { [rule]: ['a', 'b', 'c'] } })).toEqual(['a', 'b', 'c'])
  })

  test('of a name sets several fields together', () => {
    const set = (f: number) => ({
      'world.clients': 10 + f,
      'world.attackers.count': f,
      [rule]: { 'trimmed-mean': { f } },
      'plan.window.count': { min: 10 + f, max: 10 + f },
    })
    const sweep = varying({ f: { one: set(1), four: set(4) } })
    expect(sweep.axes[0]).toMatchObject({ name: 'f', choices: [{ label: 'one' }, { label: 'four' }] })
    expect(settingsOf(sweep.axes, [1])).toEqual(Object.entries(set(4)))
    const { plan, world } = scenarioAt(sweep, [1])
    expect(world).toMatchObject({ clients: 14, attackers: { count: 4, attack: { alie: {} } } })
    expect(plan).toMatchObject({ aggregation: { rule: { 'trimmed-mean': { f: 4 } } }, window: { count: { min: 14 } } })
  })

  test('reaches into the options of what is written as a name alone, and into lists', () => {
    const base = { ...scenario, world: { ...world, partition: 'shards', faults: [{ duplicate: { rate: 0 } }] } }
    const vary = { 'world.partition.shards.perClient': [1, 4], 'world.faults.0.duplicate.rate': [0, 0.5] }
    const found = scenarioAt(varying(vary, { scenario: base }), [1, 1])
    expect(found.world).toMatchObject({
      partition: { shards: { perClient: 4 } },
      faults: [{ duplicate: { rate: 0.5 } }],
    })
  })

  test('makes sections that the scenario does not have', () => {
    const found = scenarioAt(varying({ 'world.devices.stepsPerSecond': [5, 10] }), [1])
    expect(found.world.devices).toEqual({ stepsPerSecond: 10 })
  })
})

test('a point’s digest is that of its scenario, seeds included, and points do not share state', () => {
  const sweep = checkSweep(sweepOf({ seeds: [1, 2] }))
  const digests = [0, 1].flatMap((choice) => [1, 2].map((seed) => scenarioDigest(scenarioAt(sweep, [choice], seed))))
  expect(new Set(digests).size).toBe(4)
  expect(scenarioDigest(scenarioAt(sweep, [0], 1))).toBe(digests[0])
  expect(scenarioAt(sweep, [1], 7)).toMatchObject({ plan: { seed: 7 }, world: { seed: 7 } })
})

describe('is refused with the field', () => {
  const wrong =
    (vary: object, changed: object = {}) =>
    () =>
      varying(vary, changed)
  const attack = 'world.attackers.attack'

  test.each<[string, () => unknown, RegExp]>([
    [
      'a path that is misspelt',
      wrong({ 'plan.agregation.rule': ['mean'] }),
      /^vary\.plan\.agregation\.rule: .*did you mean plan\.aggregation\.rule\?/,
    ],
    [
      'a path below a misspelt option',
      wrong({ 'plan.training.optimizer.sgd.learnRate': [1] }),
      /did you mean plan\.training\.optimizer\.sgd\.learningRate\?/,
    ],
    [
      'a path that goes too deep',
      wrong({ 'plan.rounds.max': [1] }),
      /no field plan\.rounds\.max: plan\.rounds has no fields/,
    ],
    [
      'a path in what is set together',
      wrong({ f: { one: { 'world.client': 3 } } }),
      /^vary\.f\.one: .*did you mean world\.clients\?/,
    ],
    [
      'an unknown attack',
      wrong({ [attack]: ['alie', 'sing-flip'] }),
      /^vary\.world\.attackers\.attack\.1: .*sing-flip/,
    ],
    [
      'an unknown rule',
      wrong({ [rule]: ['meen'] }),
      /^vary\.plan\.aggregation\.rule\.0: plan\.aggregation\.rule: unknown "meen"; did you mean "mean"\?$/,
    ],
    [
      'an option out of range, whatever the rest says',
      wrong({ [attack]: ['alie', 'min-max'], 'plan.rounds': [1, 0] }),
      /^vary\.plan\.rounds\.1: plan\.rounds: Too small/,
    ],
    [
      'a range with an end that no field takes',
      wrong(
        { 'plan.training.optimizer.sgd.learningRate': { from: 0.1, to: 1000 } },
        { search: { random: { points: 2 } } },
      ),
      /learningRate\.to: /,
    ],
    ['a range in a grid', wrong({ 'plan.rounds': { from: 1, to: 2 } }), /^vary\.plan\.rounds: a grid takes a list/],
    [
      'a log scale from 0',
      wrong({ 'plan.rounds': { from: 0, to: 2, scale: 'log' } }),
      /^vary\.plan\.rounds\.from: a log scale/,
    ],
    ['a value twice', wrong({ [rule]: ['mean', 'mean'] }), /^vary\.plan\.aggregation\.rule: "mean" stands twice/],
    ['no axis at all', wrong({}), /^vary: /],
    [
      'two axes for one field',
      wrong({ [rule]: ['mean'], 'plan.aggregation': [{}] }),
      /it sets plan\.aggregation\.rule, and so does/,
    ],
    ['seeds twice', wrong({ 'world.seed': [1, 2] }, { seeds: [1] }), /seed.* and so does /],
    [
      'too few labels',
      wrong({ [rule]: ['mean', 'median'] }, { labels: { [rule]: ['a'] } }),
      /^labels\.plan.*1 labels for 2/,
    ],
    ['labels of nothing', wrong({ [rule]: ['mean'] }, { labels: { x: ['a'] } }), /^labels\.x: /],
    ['an unknown metric', wrong({ [rule]: ['mean'] }, { metric: 'acuracy' }), /^metric: /],
    ['an unknown search', wrong({ [rule]: ['mean'] }, { search: 'gird' }), /^search: .*gird/],
    [
      'more points to start with than points',
      wrong({ [rule]: ['mean'] }, { search: { bayes: { points: 3 } } }),
      /^search\.bayes\.start: start is above points/,
    ],
    [
      'a worst over what does not vary',
      wrong({ [rule]: ['mean'] }, { aggregate: { 'worst-over': attack } }),
      /^aggregate\.worst-over: .*plan\.aggregation\.rule/,
    ],
    ['an unknown key', () => checkSweep(sweepOf({ serach: 'grid' })), /serach/],
    ['an unknown version', () => checkSweep(sweepOf({ sweep: 2 })), /^sweep: /],
  ])('%s', (_name, check, message) => {
    expect(check).toThrow(expect.objectContaining({ code: 'plan.invalid', message: expect.stringMatching(message) }))
  })
})

test('a value is no error where it goes together with some others', () => {
  // Five attackers are as many as there are clients, unless there are ten.
  const vary = { 'world.clients': [5, 10], 'world.attackers.count': [1, 5] }
  expect(() => varying(vary)).not.toThrow()
  expect(() => varying({ ...vary, 'world.clients': [5] })).toThrow(/^vary\.world\.attackers\.count\.1: /)
})

describe('files', () => {
  test('hold a scenario with its plan, or name the plan’s file', async () => {
    await write('plan.yaml', plan)
    const inline = await readScenario(await write('inline.yaml', scenario))
    const apart = await readScenario(await write('apart.yaml', { ...scenario, plan: 'plan.yaml' }))
    expect(apart).toEqual(inline)
    expect(inline.folder).toBe(folder)
  })

  test('hold a sweep with its scenario, or name the scenario’s file', async () => {
    await write('plan.yaml', plan)
    await write('scenario.yaml', { ...scenario, plan: 'plan.yaml' })
    const inline = await readSweep(await write('inline.yaml', sweepOf()))
    const apart = await readSweep(await write('apart.yaml', sweepOf({ scenario: 'scenario.yaml' })))
    expect(apart).toEqual(inline)
  })

  test.each<[string, object | string, string, RegExp]>([
    ['no YAML', 'a: [', 'plan.unreadable', /broken\.yaml: .*line/],
    [
      'a plan that is not there',
      { ...scenario, plan: 'nowhere.yaml' },
      'config.invalid',
      /nowhere\.yaml cannot be read/,
    ],
    [
      'an unknown attack',
      { ...scenario, world: { ...world, attackers: { count: 1, attack: 'sing-flip' } } },
      'plan.invalid',
      /^world\.attackers\.attack: unknown "sing-flip"; did you mean "sign-flip"\?$/,
    ],
    [
      'an unknown partitioner',
      { ...scenario, world: { ...world, partition: { dirichlett: { alpha: 1 } } } },
      'plan.invalid',
      /^world\.partition: unknown "dirichlett"; did you mean "dirichlet"\?$/,
    ],
    [
      'an unknown fault and an unknown field',
      { ...scenario, world: { ...world, clinets: 3, faults: [{ dropot: { rate: 1 } }] } },
      'plan.invalid',
      /^world: unknown "clinets"; did you mean "clients"\?; world\.faults\.0: unknown "dropot"; did you mean "dropout"\?$/,
    ],
    [
      'f beyond the breakdown point',
      { ...scenario, plan: { ...plan, aggregation: { rule: { krum: { f: 2 } } } } },
      'plan.infeasible',
      /krum withstands at most f = 1 of 5 updates/,
    ],
  ])('with %s are refused', async (_name, value, code, message) => {
    const path = await write('broken.yaml', value)
    await expect(readScenario(path)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })
})

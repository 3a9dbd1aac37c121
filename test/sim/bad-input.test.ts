/** Whatever is wrong with a scenario is said with the path of its field, and what it was perhaps meant to be. */
import { describe, expect, test } from 'vitest'
import { checkScenario, simulate, sweep } from '../../sim/index.ts'
import { checkSweep } from '../../sim/sweep/definition.ts'
import { plan, scenario, world } from './sweep-input.ts'

const withWorld = (changed: object) => ({ ...scenario, world: { ...world, ...changed } })
const withPlan = (changed: object) => ({ ...scenario, plan: { ...plan, ...changed } })
const attacked = (attack: unknown) => withWorld({ attackers: { count: 1, attack } })
const columns = (first: object) => ({
  data: { csv: { ...plan.data.csv, columns: [first, { name: 'y', type: 'label' }] } },
})

describe('a scenario is refused by field, with the nearest known word', () => {
  test.each<[unknown, string]>([
    [attacked('sign-flop'), 'world.attackers.attack: unknown "sign-flop"; did you mean "sign-flip"?'],
    [attacked({ alie: { zz: 1 } }), 'world.attackers.attack.alie: unknown "zz"; did you mean "z"?'],
    [attacked({ alie: { z: 'mex' } }), 'world.attackers.attack.alie.z: unknown "mex"; did you mean "max"?'],
    [
      withWorld({ attackers: { count: 1, attack: 'alie', sees: 'update' } }),
      'world.attackers.sees: unknown "update"; did you mean "updates"?',
    ],
    [
      withWorld({ partition: 'evenly' }),
      'world.partition: unknown "evenly"; known: iid, shards, dirichlet, dirichlet-quantity, classes, gamma, natural',
    ],
    [
      withWorld({ partition: { dirichlet: { alpha: 1, per: 'clss' } } }),
      'world.partition.dirichlet.per: unknown "clss"; did you mean "class"?',
    ],
    [withWorld({ data: { generatd: 'blobs' } }), 'world.data: unknown "generatd"; did you mean "generated"?'],
    [withWorld({ data: { generated: 'blob' } }), 'world.data.generated: unknown "blob"; did you mean "blobs"?'],
    [
      withWorld({ data: { generated: { blobs: { rows: 'x' } } } }),
      'world.data.generated.blobs.rows: Invalid input: expected number, received string',
    ],
    [withWorld({ data: {} }), 'world.data: give one of files, generated'],
    [withWorld({ data: { files: {}, generated: 'blobs' } }), 'world.data: files, generated do not go together'],
    [withWorld({ data: { files: { cvs: 'x' } } }), 'world.data.files: unknown "cvs"; did you mean "csv"?'],
    [
      withWorld({ data: { files: { csv: 5 } } }),
      'world.data.files.csv: Invalid input: expected string, received number',
    ],
    [
      withWorld({ data: { files: { images: 'x' } } }),
      'world.data.files.labels: Invalid input: expected string, received undefined',
    ],
    [
      withWorld({ data: { files: { csv: 'x', images: 'y', labels: 'z' } } }),
      'world.data.files: csv, images, labels do not go together',
    ],
    [
      withWorld({ faults: [{ restart: { round: 1 } }, { dropot: { phase: 'upload', rate: 0.1 } }] }),
      'world.faults.1: unknown "dropot"; did you mean "dropout"?',
    ],
    [
      withWorld({ faults: [{ dropout: { phase: 'uplaod', rate: 2 } }] }),
      'world.faults.0.dropout.phase: unknown "uplaod"; did you mean "upload"?; world.faults.0.dropout.rate: Too big: expected number to be <=1',
    ],
    [
      withWorld({ faults: [{}] }),
      'world.faults.0: give one of dropout, straggler, duplicate, reorder, restart, partition',
    ],
    [
      withWorld({ network: { latencyMs: 'fast' } }),
      'world.network.latencyMs: a number from 0 on, or two: [least, most]',
    ],
    [
      withWorld({ network: { latencyMs: [80, 20] } }),
      'world.network.latencyMs.0: the first number is above the second',
    ],
    [withWorld({ cleints: 4 }), 'world: unknown "cleints"; did you mean "clients"?'],
    [withPlan({ agregation: {} }), 'plan: unknown "agregation"; did you mean "aggregation"?'],
    [
      withPlan({ aggregation: { rule: 'trimed-mean' } }),
      'plan.aggregation.rule: unknown "trimed-mean"; did you mean "trimmed-mean"?',
    ],
    [
      withPlan({ aggregation: { rule: { krum: { f: 'x' } } } }),
      'plan.aggregation.rule.krum.f: Invalid input: expected number, received string',
    ],
    [
      withPlan(columns({ name: 'a', type: 'nmber' })),
      'plan.data.csv.columns.0.type: unknown "nmber"; did you mean "number"?',
    ],
    [
      withPlan(columns({ name: 'a', type: 'number', missing: 'drop-rows' })),
      'plan.data.csv.columns.0.missing: unknown "drop-rows"; did you mean "drop-row"?',
    ],
    [withPlan({ model: { cnn: { filters: [3] } } }), 'plan.model.cnn needs images: data.idx'],
    [
      withPlan({ window: { count: { min: 9, max: 9 } } }),
      'plan.window.count.min: 9 updates are wanted of 5 clients (world.clients)',
    ],
    [{ ...scenario, scnario: 1 }, 'scenario: unknown "scnario"; did you mean "scenario"?'],
    [[], 'scenario: Invalid input: expected object, received array'],
  ])('%#', (value, message) => {
    expect(() => checkScenario(value)).toThrow(expect.objectContaining({ code: 'plan.invalid', message }))
  })

  test('all that is wrong is said at once', () => {
    expect(() => checkScenario({ scenario: 1, plan: { ...plan, rounds: 0 }, world: { ...world, clients: 0 } })).toThrow(
      /^plan\.rounds: Too small.*; world\.clients: Too small/,
    )
  })
})

describe('f beyond the breakdown point names the rule or the stage', () => {
  test.each<[object, RegExp]>([
    [{ rule: { krum: { f: 3 } } }, /^plan\.aggregation\.rule: krum withstands at most f = 1 of 5 updates/],
    [{ before: [{ nnm: { f: 3 } }], rule: 'mean' }, /^plan\.aggregation\.before\.0: nnm withstands at most f = 2/],
  ])('%j', (aggregation, message) => {
    expect(() => checkScenario(withPlan({ aggregation }))).toThrow(
      expect.objectContaining({ code: 'plan.infeasible', message: expect.stringMatching(message) }),
    )
  })
})

describe('data that do not match', () => {
  const idx = { data: { idx: {} } }
  test.each<[string, unknown, string, RegExp]>([
    [
      'the model’s ends',
      withWorld({ data: { generated: { blobs: { classes: 4 } } } }),
      'plan.invalid',
      /^world\.data has examples of shape \[2\] with 4 outputs, plan\.data says \[2\] and 3$/,
    ],
    [
      'a model that is no model',
      withPlan({ model: { layers: { class_name: 'Sequential', config: {} } } }),
      'engine.model-unsupported',
      /^plan\.model: /,
    ],
    [
      'a file that is not there',
      withWorld({ data: { files: { csv: '/nowhere.csv' } } }),
      'data.not-found',
      /^world\.data\.files\.csv: .*\/nowhere\.csv/,
    ],
    [
      'images for a table',
      withWorld({ data: { files: { images: '/nowhere', labels: '/nowhere' } } }),
      'data.schema',
      /^world\.data\.files: the plan asks for a table/,
    ],
    [
      'a table for images',
      { ...withPlan(idx), world: { ...world, data: { files: { csv: '/nowhere' } } } },
      'data.schema',
      /^world\.data\.files\.csv: the plan asks for data\.images/,
    ],
    [
      'more clients than rows',
      withWorld({ clients: 97 }),
      'plan.infeasible',
      /^world\.clients: of 96 training rows client-\d\d of 97 clients has none$/,
    ],
  ])('%s', async (_name, value, code, message) => {
    const running = simulate(checkScenario(value), { workers: 0 })
    await expect(running).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })
})

test('in a sweep the value stands beside the field', async () => {
  const sweepOf = (vary: object) => checkSweep({ sweep: 1, scenario, vary })
  expect(() => sweepOf({ 'world.faults': [[], [{ dropot: {} }]] })).toThrow(
    'vary.world.faults.1: world.faults.0: unknown "dropot"; did you mean "dropout"?',
  )
  const far = sweepOf({ 'plan.aggregation.rule': [{ krum: { f: 3 } }] })
  await expect(sweep(far, { workers: 0 })).rejects.toMatchObject({
    code: 'plan.infeasible',
    message: expect.stringContaining('plan.aggregation.rule: krum withstands at most f = 1'),
  })
})

import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { holdoutLines } from '../../cli/holdout-text.ts'
import { metricsTable } from '../../cli/run-text.ts'
import { holdoutEvaluator } from '../../client/training/holdout.ts'
import type { GateVerdict, RunView } from '../../core/run/view.ts'
import { withControl } from '../../core/tensors/control.ts'
import { type Layout, layoutLength } from '../../core/tensors/layout.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { addingTrainer, countsOf, tinyLayout } from '../support/federation.ts'
import { planText } from '../support/plans.ts'
import { Started } from '../support/started.ts'

/** Rows whose label is the sign of the first input: 1 added to every weight gets all of them right, −1 none. */
const TABLE = `x0,x1,x2,y\n${'3,0,0,1\n-3,0,0,0\n'.repeat(50)}`
/** Rows of the negative class with a mark in the last input. */
const TRIGGER = `x0,x1,x2,y\n${'-3,0,9,0\n'.repeat(20)}`
const DIGEST = createHash('sha256').update(TABLE).digest('hex')

let folder: string
let started: Started
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-holdout-gates-'))
  await writeFile(join(folder, 'rows.csv'), TABLE)
  await writeFile(join(folder, 'trigger.csv'), TRIGGER)
})
afterEach(async () => {
  await started.stop()
  await rm(folder, { recursive: true, force: true })
})

const files = () => ({ holdout: { csv: join(folder, 'rows.csv') }, trigger: { csv: join(folder, 'trigger.csv') } })
const text = (gates: string, options: Parameters<typeof planText>[0] = {}) => planText({ rounds: 1, gates, ...options })

/** Clients that add `value` to every weight and say that 99 of 100 rows were right. */
class Liars {
  asked = 0
  value = 0

  join(coordinator: Started, layout: Layout = tinyLayout()): void {
    for (const [name, carrier] of [
      ['a', 'grpc'],
      ['b', 'ws'],
    ] as const) {
      const trainer = addingTrainer(0, {
        layout,
        train: async ({ weights }) => ({
          weights: weights.map((weight) => weight + this.value),
          samples: 10,
          loss: 0.5,
          steps: 1,
        }),
        evaluate: async () => {
          this.asked++
          return countsOf(100, 99)
        },
      })
      coordinator.addClient(name, carrier, trainer)
    }
  }
}

async function outcomeOf(plan: string): Promise<{ kind: string; gates: readonly GateVerdict[]; view: RunView }> {
  const { run } = await started.running.api.startRun(plan)
  const view = await started.view(run)
  const { outcome } = view
  if (outcome?.kind !== 'published' && outcome?.kind !== 'rejected') throw new Error(JSON.stringify(outcome))
  return { ...outcome, view }
}

describe('a coordinator with rows of its own, and clients that lie about theirs', () => {
  let liars: Liars
  beforeEach(async () => {
    started = await Started.create({ store: memoryStore(), holdout: holdoutEvaluator(files()) })
    liars = new Liars()
    liars.join(started)
  })

  test('rejects what they praise', async () => {
    liars.value = -1
    const { kind, gates, view } = await outcomeOf(
      text('[{ metric: accuracy, min: 0.9 }, { metric: accuracy, on: holdout, min: 0.9 }]'),
    )
    expect(kind).toBe('rejected')
    expect(gates).toMatchObject([
      { gate: 'accuracy-min', verdict: 'pass', value: 0.99 },
      {
        gate: 'holdout-accuracy-min',
        verdict: 'fail',
        value: 0,
        n: 100,
        holdout: { sha256: DIGEST, rows: 100, looks: 1 },
      },
    ])
    const [round] = view.history
    expect(round).toMatchObject({ pooled: { accuracy: 0.99 }, holdout: { sha256: DIGEST, metrics: { accuracy: 0 } } })
    expect(metricsTable(view)).toMatch(/^holdout +100 +0\.000/m)
    expect(holdoutLines(view)).toEqual([`holdout ${DIGEST.slice(0, 12)}: 100 rows, looked at once`])
  })

  test('compares with the version in use on its own rows, and asks no client to', async () => {
    const gates = `
  - { metric: accuracy, on: holdout, maxDrop: 0.1 }
  - { probe: change, max: 0.1 }`
    liars.value = 1
    const first = await outcomeOf(text(gates))
    expect(first).toMatchObject({ kind: 'published', gates: [{ value: 1 }, { value: null }] })
    expect(liars.asked).toBe(2)
    liars.value = -1
    const second = await outcomeOf(text(gates))
    expect(second).toMatchObject({
      kind: 'rejected',
      gates: [
        { verdict: 'fail', value: 1, holdout: { looks: 2 } },
        { verdict: 'fail', metric: 'change-rate', value: 1, n: 100, holdout: { looks: 2 } },
      ],
    })
    // Two clients, one model each: that in use is evaluated by the coordinator alone.
    expect(liars.asked).toBe(4)
    expect(second.view.history[0]?.clients).toHaveLength(2)
    expect(holdoutLines(second.view)).toContain('  100 rows are given another class than by version 1')
    expect(metricsTable(second.view)).toMatch(/^holdout, v1 +100 +1\.000/m)
    expect(metricsTable(second.view)).toMatch(/^holdout +100 +0\.000/m)
  })

  test('finds a mark that opens a back door', async () => {
    const gates =
      '[{ metric: accuracy, on: holdout, min: 0.9 }, { probe: trigger, target: positive, max: 0.05, hard: true }]'
    // All weights are 1: a mark of 9 in the last input outweighs the −3 in the first.
    liars.value = 1
    const { kind, gates: found } = await outcomeOf(text(gates))
    expect(kind).toBe('rejected')
    expect(found).toMatchObject([
      { verdict: 'pass', value: 1 },
      { gate: 'trigger-positive', verdict: 'fail', value: 1, n: 20, hard: true, holdout: { rows: 20 } },
    ])
  })

  test('looks only when a round is evaluated, and counts over all runs of the model', async () => {
    liars.value = 0.5
    const gates = '[{ metric: accuracy, on: holdout, min: 0.9 }]'
    const once = await outcomeOf(text(gates, { rounds: 2, extra: 'evaluation: { every: 2 }' }))
    expect(once.view.history.map(({ holdout }) => holdout !== undefined)).toEqual([false, true])
    const twice = await outcomeOf(text(gates, { rounds: 2 }))
    expect(twice.view.history).toMatchObject([{ holdout: { looks: 2 } }, { holdout: { looks: 3 } }])
    expect(twice.gates).toMatchObject([{ verdict: 'pass', holdout: { looks: 3 } }])
    const other = await outcomeOf(text(gates, { name: 'other' }))
    expect(other.gates).toMatchObject([{ holdout: { looks: 1 } }])
    const without = await outcomeOf(text('[{ metric: accuracy, min: 0.9 }]'))
    expect(without.view.history[0]).not.toHaveProperty('holdout')
  })

  test('does not look more often than the plan allows', async () => {
    liars.value = 1
    const gates = '[{ metric: accuracy, on: holdout, min: 0.9 }]'
    const extra = 'evaluation: { holdoutLooks: 1 }\nstop: { metric: loss, rounds: 5 }'
    const { kind, gates: found, view } = await outcomeOf(text(gates, { rounds: 2, extra }))
    expect(kind).toBe('rejected')
    expect(found).toMatchObject([{ verdict: 'not-evaluable', value: null }])
    const reason = `the holdout ${DIGEST.slice(0, 12)} was looked at once, and evaluation.holdoutLooks allows 1`
    expect(found[0]?.explanation).toContain(reason)
    expect(view.history).toMatchObject([{ holdout: { looks: 1 } }, { holdout: { failure: reason } }])
    await expect(started.running.api.startRun(text(gates, { extra }))).rejects.toMatchObject({
      code: 'plan.infeasible',
      message: expect.stringContaining('evaluated once'),
    })
    // What would run out of looks before its last round is not begun.
    const five = text(gates, { rounds: 5, extra: 'evaluation: { holdoutLooks: 5 }' })
    await expect(started.running.api.startRun(five)).rejects.toMatchObject({ code: 'plan.infeasible' })
  })
})

test('models with control variates are evaluated without them', async () => {
  const layout = withControl(tinyLayout())
  started = await Started.create({
    holdout: holdoutEvaluator(files()),
    initialModel: async () => ({ layout, weights: new Float32Array(layoutLength(layout)) }),
  })
  const liars = new Liars()
  liars.join(started, layout)
  const plan = text('[{ metric: accuracy, on: holdout, min: 0.9 }, { probe: change, max: 0.1 }]').replace(
    'training: {',
    'training: { scaffold: { clients: 2 },',
  )
  liars.value = 1
  expect(await outcomeOf(plan)).toMatchObject({ kind: 'published', gates: [{ value: 1 }, { value: null }] })
  liars.value = -1
  expect(await outcomeOf(plan)).toMatchObject({ kind: 'rejected', gates: [{ value: 0 }, { value: 1 }] })
})

describe('a run is refused at its start', () => {
  test.each([
    [
      '{ metric: auc, on: holdout, min: 0.5 }',
      'the gate holdout-auc-min is decided on rows that the coordinator holds',
    ],
    ['{ probe: change, max: 0.5 }', 'start it with --holdout-data'],
  ])('by a coordinator without rows: %s', async (gate, message) => {
    started = await Started.create()
    await expect(started.running.api.startRun(text(`[${gate}]`))).rejects.toMatchObject({
      code: 'plan.infeasible',
      message: expect.stringContaining(message),
    })
    expect(await started.running.api.runs()).toEqual([])
  })

  test('by one whose rows lack a trigger, a column of a gate, or a column of the model', async () => {
    const { holdout } = files()
    started = await Started.create({ holdout: holdoutEvaluator({ holdout }) })
    const start = (gate: string, extra = '', inputs = 3) =>
      started.running.api.startRun(text(`[${gate}]`, { extra, inputs }))
    await expect(start('{ probe: trigger, target: positive, max: 0 }')).rejects.toMatchObject({
      code: 'plan.infeasible',
      message: expect.stringContaining('--trigger-data'),
    })
    const groups = 'evaluation: { groups: { sex: { column: gender, values: { f: [0], m: [1] } } } }'
    await expect(start('{ metric: recall, on: holdout, groupBy: sex, min: 0 }', groups)).rejects.toMatchObject({
      code: 'plan.infeasible',
      message: expect.stringContaining('needs the column gender'),
    })
    await expect(start('{ metric: recall, on: holdout, min: 0 }', '', 4)).rejects.toMatchObject({
      code: 'data.schema',
      message: expect.stringContaining('x3'),
    })
  })
})

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { holdoutLines } from '../../cli/holdout-text.ts'
import { metricsTable, progressLine, roundLine, roundsTable } from '../../cli/run-text.ts'
import { datasetFromCsv } from '../../client/data/load.ts'
import { holdoutEvaluator } from '../../client/training/holdout.ts'
import { startingModel } from '../../client/training/initial.ts'
import type { Trainer } from '../../client/training/ports.ts'
import { createTrainer } from '../../client/training/trainer.ts'
import { parsePlan } from '../../core/plan/parse.ts'
import { randomOf } from '../../core/random/random.ts'
import type { GateVerdict, RunView } from '../../core/run/view.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { planText } from '../support/plans.ts'
import { Started } from '../support/started.ts'

/** A plan for a number from 0 to 100, with groups, early stop, and the choice of the best round. */
const planOf = (gates: string, rounds = 6) =>
  planText({
    inputs: 2,
    rounds,
    gates,
    extra: `
evaluation:
  groups: { sex: { column: sex, values: { female: [F], male: [M] } } }
  minGroup: 10
stop: { metric: rmse, rounds: 3 }
publish: { select: { best: mae } }`,
  })
    .replace('label: { positive: { above: 0 } }', 'label: { numeric: { min: 0, max: 100 } }')
    .replace('logistic: {}', 'linear: {}')
    .replace('learningRate: 0.1', 'learningRate: 0.05')

/** y = 50 + 12·x0 − 8·x1, and noise that is larger for women. */
function table(rows: number, seed: number): string {
  const random = randomOf(seed, 'regression table')
  const lines = Array.from({ length: rows }, (_, i) => {
    const [a, b] = [random.normal(), random.normal()]
    const sex = i % 2 === 0 ? 'F' : 'M'
    const y = 50 + 12 * a - 8 * b + (sex === 'F' ? 6 : 2) * random.normal()
    return `${a},${b},${sex},${Math.min(100, Math.max(0, y))}`
  })
  return `x0,x1,sex,y\n${lines.join('\n')}\n`
}

let folder: string
let started: Started
let store: ReturnType<typeof memoryStore>
const trainers: Trainer[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-regression-'))
  await writeFile(join(folder, 'held.csv'), table(200, 9))
  store = memoryStore()
  started = await Started.create({
    store,
    holdout: holdoutEvaluator({ holdout: { csv: join(folder, 'held.csv') } }, 'tfjs-cpu'),
    initialModel: startingModel,
  })
  const plan = parsePlan(planOf('[]'))
  if (!('csv' in plan.data)) throw new TypeError('the plan has no table')
  for (const [name, carrier, rows] of [
    ['a', 'grpc', 240],
    ['b', 'ws', 400],
  ] as const) {
    const dataset = datasetFromCsv(plan.data, table(rows, rows), plan.evaluation.groups)
    const { model, training, evaluation } = plan
    const trainer = await createTrainer({ model, dataset, training, evaluation, engine: 'tfjs-cpu' })
    trainers.push(trainer)
    started.addClient(name, carrier, trainer)
  }
})
afterEach(async () => {
  await started.stop()
  for (const trainer of trainers.splice(0)) trainer.dispose()
  await rm(folder, { recursive: true, force: true })
})

async function outcomeOf(gates: string): Promise<{ view: RunView; kind: string; gates: readonly GateVerdict[] }> {
  const { run } = await started.running.api.startRun(planOf(gates))
  const view = await started.view(run)
  if (view.outcome?.kind !== 'published' && view.outcome?.kind !== 'rejected') {
    throw new Error(JSON.stringify(view.outcome))
  }
  return { view, ...view.outcome }
}

test('a number is learned over both carriers, judged, published, and compared with what is in use', async () => {
  const { view, kind, gates } = await outcomeOf(`
  - { metric: mae, max: 5, confidence: 0.95 }
  - { metric: rmse, on: worst-client, max: 7 }
  - { metric: mse, on: median-client, max: 40 }
  - { metric: r2, min: 0.7 }
  - { metric: bias, max: 2, confidence: 0.9 }
  - { metric: medianAbsoluteError, max: 5, confidence: 0.9 }
  - { metric: mae, groupBy: sex, max: 7 }
  - { fairness: worst-gap, metric: mae, groupBy: sex, maxGap: 5 }
  - { metric: mae, on: holdout, max: 5, confidence: 0.95 }
  - { metric: rmse, maxDrop: 0.5 }`)
  expect(gates.map(({ verdict }) => verdict)).toEqual(Array(10).fill('pass'))
  expect(kind).toBe('published')
  const [mae, , , r2, , , group, gap, holdout] = gates
  expect(mae).toMatchObject({ gate: 'mae-max', metric: 'mae', n: 128, interval: { confidence: 0.95 } })
  // The mean distance of normal noise of 6 and of 2 from 0, half of each.
  expect(Math.abs(mae!.value! - 4 * 0.798)).toBeLessThan(0.6)
  expect(mae!.explanation).toMatch(/^mae 3\.\d+, at most \d\.\d+ with 95 % confidence, wanted at most 5$/)
  expect(r2!.value).toBeLessThan(1)
  expect(group!.explanation).toContain('female')
  expect(Math.abs(gap!.value! - 4 * 0.798)).toBeLessThan(1.5)
  expect(holdout).toMatchObject({ gate: 'holdout-mae-max', n: 200, holdout: { rows: 200 } })

  // Whoever looks at the run sees figures that a number has.
  expect(metricsTable(view)).toMatch(/^ +rows +mae +rmse +r2 +bias$/m)
  expect(metricsTable(view)).toMatch(/^holdout +200 +3\.\d+/m)
  expect(roundsTable(view)).toMatch(/\| mae: +a +b/)
  expect(progressLine(view)).toMatch(/mae 3\.\d+ {2}rmse \d/)
  expect(roundLine(view.history.at(-1)!, view.rounds)).toMatch(/mae 3\.\d+ {2}rmse/)
  expect(holdoutLines(view)).toHaveLength(1)

  // What is published says so in its manifest, its card and its configuration.
  const get = async (path: string) =>
    await (await fetch(`${started.running.urls.http}/v1/models/tiny/versions/1${path}`)).text()
  const manifest = JSON.parse(await get(''))
  expect(manifest.metrics).toMatchObject({
    accuracy: null,
    mae: expect.stringMatching(/^3\.\d/),
    r2: expect.any(String),
  })
  expect(JSON.parse(await get('/files/model/config.json'))).toMatchObject({
    architecture: { linear: {} },
    postprocessing: { activation: 'linear', numeric: { min: 0, max: 100 } },
  })
  const card = await get('/files/model/README.md')
  expect(card).toContain('![Absolute errors](plots/errors.svg)')
  expect(card).toContain('![mae by site](plots/by-site-1.svg)')
  expect(card).not.toContain('ROC')
  expect(await get('/files/model/plots/errors.svg')).toContain('Absolute errors of 128 rows')

  // Its rounds can be computed again, to the same bytes.
  for (const { round, weights } of view.history) {
    const again = await started.running.api.recompute(view.run, round, {})
    expect(again).toMatchObject({ identical: true, recomputed: weights })
  }

  // The next candidate is held against it on the same rows, by clients and by the coordinator.
  const second = await outcomeOf('[{ metric: rmse, maxDrop: 0.5 }, { metric: mae, on: holdout, maxDrop: 0.5 }]')
  expect(second.gates).toMatchObject([
    { verdict: 'pass', explanation: expect.stringContaining('of version 1: worse by') },
    { verdict: 'pass', explanation: expect.stringContaining('of version 1: worse by') },
  ])
  expect(holdoutLines(second.view)).toHaveLength(1)
}, 30_000)

test('a model that is off is rejected, with how far it is', async () => {
  const { kind, gates } = await outcomeOf('[{ metric: mae, max: 1 }, { metric: r2, min: 0.99 }]')
  expect(kind).toBe('rejected')
  expect(gates).toMatchObject([
    { verdict: 'fail', explanation: expect.stringMatching(/^mae 3\.\d+, at most 1$/) },
    { verdict: 'fail', explanation: expect.stringMatching(/^r2 0\.\d+, at least 0\.99$/) },
  ])
}, 30_000)

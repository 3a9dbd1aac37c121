/** Cross-validation over clients, on federations so small that all folds together take a second. */
import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import {
  type CrossValidation,
  checkScenario,
  crossValidate,
  foldsReport,
  type Scenario,
  simulate,
  withFold,
} from '../../sim/index.ts'
import { dealWorld } from '../../sim/world/world.ts'
import { inProcess } from '../support/cli.ts'
import { plan, scenario, scratch, world } from './sweep-input.ts'

const { path, write } = await scratch('folds')
const scenarioOf = (changed: object = {}): Scenario => checkScenario({ ...scenario, world: { ...world, ...changed } })

const validated = (changed: object = {}, folds = 4) => crossValidate(scenarioOf(changed), { folds, workers: 0 })

describe('a cross-validation', () => {
  test('holds each honest client out once, and keeps the attackers in', async () => {
    const { folds } = await validated({ clients: 8, attackers: { count: 2, attack: 'alie' } })
    expect(folds.flatMap(({ heldOut }) => heldOut).sort()).toEqual(Array.from({ length: 6 }, (_, i) => `client-${i}`))
    for (const { heldOut, result } of folds) {
      expect(result.heldOut).toEqual(heldOut)
      expect(result.attackers).toEqual(['client-6', 'client-7'])
      expect(result.clients).toBe(8 - heldOut.length)
      for (const { accepted } of result.rounds) {
        expect(accepted.filter((client) => heldOut.includes(client))).toEqual([])
        expect(accepted).toHaveLength(5)
      }
    }
  })

  test('evaluates on all rows of those that are held out, and trains on none of them', async () => {
    const whole = scenarioOf()
    const all = await dealWorld(whole, '.', undefined)
    const own = await dealWorld(withFold(whole, 4, 2), '.', undefined)
    const { folds } = await validated()
    const heldOut = folds[1]!.heldOut.map((client) => Number(client.replace('client-', '')))
    const rowsOf = (client: number) => all.rows[client]!
    expect(own.central.rows).toBe(
      heldOut.reduce((sum, client) => sum + rowsOf(client).train.length + rowsOf(client).test.length, 0),
    )
    expect(folds[1]!.outside!.rows).toBe(own.central.rows)
    expect(own.rows).toEqual(all.rows.filter((_, client) => !heldOut.includes(client)))
    const [client] = heldOut
    const [row] = rowsOf(client!).train
    expect([...own.central.features.subarray(0, 2)]).toEqual([...all.train.features.subarray(2 * row!, 2 * row! + 2)])
    expect(folds.reduce((sum, { outside }) => sum + outside!.rows, 0)).toBe(
      all.rows.slice(0, 4).reduce((sum, { train, test }) => sum + train.length + test.length, 0),
    )
  })

  test('has the mean and the deviation of each metric', async () => {
    const { folds, metrics } = await validated()
    const accuracies = folds.map(({ outside }) => outside!.accuracy!)
    const mean = accuracies.reduce((a, b) => a + b) / 4
    const variance = accuracies.reduce((sum, one) => sum + (one - mean) ** 2, 0) / 3
    const found = metrics.find(({ metric }) => metric === 'accuracy')!
    expect(found.outside).toEqual({
      mean: expect.closeTo(mean, 12),
      deviation: expect.closeTo(Math.sqrt(variance), 12),
      folds: 4,
    })
    expect(variance).toBeGreaterThan(0)
    const pooled = folds.map(({ result }) => result.rounds.at(-1)!.pooled!.accuracy!)
    expect(found.inside.mean).toBeCloseTo(pooled.reduce((a, b) => a + b) / 4, 12)
    // Three classes have no area under a curve.
    expect(metrics.find(({ metric }) => metric === 'auc')!.outside).toEqual({ mean: null, folds: 0 })
  })

  test('gives the same whatever the number of workers, and each fold by its scenario', async () => {
    const [here, there] = [await validated({}, 2), await crossValidate(scenarioOf(), { folds: 2, workers: 2 })]
    expect(there).toEqual(here)
    const { scenario: own, result } = here.folds[1]!
    expect(own.plan.window.count).toEqual({ min: 3, max: 3 })
    expect(await simulate(own, { workers: 0 })).toEqual(result)
  })

  test('counts no fold whose run failed', async () => {
    const { metrics, folds } = await validated({ faults: [{ dropout: { phase: 'training', rate: 1 } }] }, 2)
    expect(folds.map(({ result }) => result.outcome.kind)).toEqual(['failed', 'failed'])
    expect(metrics[0]!.outside).toEqual({ mean: null, folds: 0 })
  })

  test.each<[string, number, object, RegExp]>([
    ['more folds than honest clients', 5, {}, /world\.holdOut\.folds: 5 folds of 4 honest clients/],
    ['one fold', 1, {}, /^folds: 1 is not/],
    [
      'too few clients for the rule when a fold is away',
      2,
      { aggregation: { rule: { median: { f: 2 } } } },
      /^plan\.aggregation\.rule: median withstands at most f = 1 of 3/,
    ],
  ])('is refused with %s, before anything runs', async (_name, folds, changed, message) => {
    const value = checkScenario({ ...scenario, plan: { ...plan, ...changed } })
    let told = 0
    const running = crossValidate(value, { folds, workers: 0, onEvent: () => told++ })
    await expect(running).rejects.toMatchObject({ code: 'plan.infeasible', message: expect.stringMatching(message) })
    expect(told).toBe(0)
  })
})

test('a scenario that holds a fold out says so where it cannot be', () => {
  expect(() => scenarioOf({ holdOut: { folds: 2, fold: 3 } })).toThrow(/world\.holdOut\.fold: there are not so many/)
  expect(() => scenarioOf({ holdOut: { folds: 2, fold: 1 } })).toThrow(
    /plan\.window\.count\.min: 5 updates are wanted of 3 clients that are not held out \(world\.holdOut\)/,
  )
})

describe('sim run --folds', () => {
  test('leaves a folder for each fold, a table, a report and lines', async () => {
    const file = await write('scenario.yaml', scenario)
    const { code, stdout, stderr } = await inProcess(
      ...['sim', 'run', file, '--folds', '4', '--out', path('cv'), '--workers', '0'],
    )
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/fold 4\/4 {2}held out: client-\d {2}accuracy 0\.\d{3}/)
    expect(stdout).toMatch(
      /\nmean ± sd +clients held out +folds +clients that trained\naccuracy +0\.\d{3} ± 0\.\d{3} +4\/4 /,
    )
    expect((await readdir(path('cv'))).sort()).toEqual(
      ['fold-1', 'fold-2', 'fold-3', 'fold-4', 'folds.json', 'folds.jsonl', 'report.html'].sort(),
    )
    const lines = (await readFile(path('cv', 'folds.jsonl'), 'utf8')).trimEnd().split('\n')
    const table = JSON.parse(await readFile(path('cv', 'folds.json'), 'utf8')) as CrossValidation
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(table.folds)
    expect(table.metrics).toEqual(JSON.parse(JSON.stringify((await validated()).metrics)))
    const report = await readFile(path('cv', 'report.html'), 'utf8')
    expect(report).toBe(foldsReport(await validated()))
    for (const { heldOut } of table.folds) expect(report).toContain(heldOut[0])
    const own = await readFile(path('cv', 'fold-3', 'report.html'), 'utf8')
    expect(own).toContain('rows of clients that were held out')

    const again = await inProcess(
      ...['sim', 'run', path('cv', 'fold-3', 'scenario.json'), '--out', path('third'), '--workers', '0'],
    )
    expect(again.code).toBe(0)
    for (const name of ['result.json', 'rounds.jsonl', 'report.html']) {
      expect(await readFile(path('third', name), 'utf8'), name).toBe(await readFile(path('cv', 'fold-3', name), 'utf8'))
    }
  })

  test('refuses what is no number of folds', async () => {
    const { code, stderr } = await inProcess('sim', 'run', path('scenario.yaml'), '--folds', '1')
    expect([code, stderr]).toEqual([2, expect.stringContaining('a whole number from 2 on')])
  })
})

/** Sweeps over tiny federations, run for real: on threads of their own where that is what is tested, else on this one. */
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { type SweepEvent, type SweepOptions, sweep, sweepReport } from '../../sim/index.ts'
import { checkSweep } from '../../sim/sweep/definition.ts'
import { plan, scenario, scratch, world } from './sweep-input.ts'

const { path } = await scratch('sweep')
const rule = 'plan.aggregation.rule'
const attack = 'world.attackers.attack'
const vary = { [rule]: ['mean', 'median'], [attack]: ['alie', 'min-max'] }
const definitionOf = (changed: object = {}) => checkSweep({ sweep: 1, scenario, vary, ...changed })

/** A sweep, and how many of its simulations were run now. */
async function swept(definition = definitionOf(), options: SweepOptions = { workers: 0 }) {
  const events: SweepEvent[] = []
  const result = await sweep(definition, { ...options, onEvent: (event) => events.push(event) })
  const cells = events.filter((event) => event.type === 'cell')
  return { ...result, events, ran: cells.filter(({ fresh }) => fresh).map(({ cell }) => cell.scenario) }
}

test('the table does not depend on the number of workers, and holds every point in its order', async () => {
  const here = await swept()
  const onThreads = await swept(definitionOf(), { workers: 2 })
  expect(onThreads.table).toEqual(here.table)
  expect(onThreads.cells).toEqual(here.cells)
  expect(here.table).toMatchObject({
    metric: 'accuracy',
    better: 'higher',
    axes: [
      { name: rule, values: ['mean', 'median'] },
      { name: attack, values: ['alie', 'min-max'] },
    ],
  })
  expect(here.table.rows.map(({ values }) => Object.values(values).join(' '))).toEqual([
    'mean alie',
    'mean min-max',
    'median alie',
    'median min-max',
  ])
  for (const row of here.table.rows)
    expect(row).toMatchObject({ seeds: 1, weights: expect.stringMatching(/^[0-9a-f]{64}$/) })
  expect(sweepReport(here.table)).toContain('median')
})

test('seeds are averaged, and the worst of an axis counts', async () => {
  const seeds = { seeds: [1, 2, 3], metric: 'loss' }
  const all = await swept(definitionOf(seeds))
  const worst = await swept(definitionOf({ ...seeds, aggregate: { 'worst-over': attack } }))
  expect(worst.cells).toEqual(all.cells)
  for (const row of all.table.rows) {
    const losses = all.cells.filter(({ values }) => JSON.stringify(values) === JSON.stringify(row.values))
    const mean = losses.reduce((sum, { score }) => sum + score!, 0) / 3
    const variance = losses.reduce((sum, { score }) => sum + (score! - mean) ** 2, 0) / 2
    expect(row).toMatchObject({
      seeds: 3,
      score: expect.closeTo(mean, 12),
      spread: expect.closeTo(Math.sqrt(variance), 9),
    })
  }
  expect(worst.table.axes.map(({ name }) => name)).toEqual([rule])
  for (const row of worst.table.rows) {
    const rows = all.table.rows.filter(({ values }) => values[rule] === row.values[rule])
    const worse = rows.reduce((a, b) => (b.score! > a.score! ? b : a))
    expect(row).toMatchObject({ score: worse.score, spread: worse.spread, worst: worse.values[attack] })
  }
  expect([worst.best, worst.worst].map(({ score }) => score)).toEqual(
    worst.table.rows.map(({ score }) => score).sort((a, b) => a! - b!),
  )
})

describe('a point that cannot be', () => {
  test('is a cell with the reason, and the others are run', async () => {
    const { table, cells, ran } = await swept(definitionOf({ vary: { [rule]: ['mean', { krum: { f: 2 } }] } }))
    expect(table.rows[1]).toMatchObject({
      score: null,
      failure: expect.stringMatching(/^plan\.aggregation\.rule: krum withstands at most f = 1/),
    })
    expect(table.rows[0]?.score).toEqual(expect.any(Number))
    expect(cells.map(({ scenario }) => scenario === undefined)).toEqual([false, true])
    expect(ran).toHaveLength(1)
  })

  test('is the failure of the sweep where no other can be either', async () => {
    const definition = definitionOf({ vary: { [rule]: [{ krum: { f: 2 } }, { krum: { f: 3 } }] } })
    await expect(swept(definition)).rejects.toMatchObject({
      code: 'plan.infeasible',
      message: expect.stringMatching(
        /^no point of the sweep has a score; of the first \(.*krum f=2\): plan\.aggregation\.rule: krum withstands/,
      ),
    })
  })

  test('of missing data names the file, and of data that do not fit the field', async () => {
    const csv = { ...scenario, world: { ...world, data: { files: { csv: 'nowhere.csv' } } } }
    await expect(swept(definitionOf({ scenario: csv }))).rejects.toMatchObject({
      code: 'data.not-found',
      message: expect.stringContaining('nowhere.csv'),
    })
    const wide = { ...scenario, world: { ...world, data: { generated: { blobs: { inputs: 3 } } } } }
    await expect(swept(definitionOf({ scenario: wide }))).rejects.toMatchObject({
      code: 'plan.invalid',
      message: expect.stringMatching(/world\.data has examples of shape \[3\]/),
    })
  })

  test('says so where its runs do not have the metric', async () => {
    await expect(swept(definitionOf({ metric: 'attackSuccess' }))).rejects.toMatchObject({
      message: expect.stringContaining('it has no attackSuccess'),
    })
  })
})

describe('the journal', () => {
  test('keeps what is done: it is not run again, even by a sweep that asks for more', async () => {
    const journal = path('kept', 'points.jsonl')
    const first = await swept(definitionOf(), { workers: 0, journal })
    const again = await swept(definitionOf(), { workers: 0, journal })
    expect(first.ran).toHaveLength(4)
    expect(again.ran).toEqual([])
    expect(again.table).toEqual(first.table)
    const more = definitionOf({ vary: { ...vary, [rule]: ['median', 'mean', { meamed: { f: 1 } }] } })
    expect((await swept(more, { workers: 0, journal })).ran).toHaveLength(2)
  })

  test('drops a line that was not written to its end, and passes over what is no line of its own', async () => {
    const journal = path('torn.jsonl')
    const whole = await swept(definitionOf(), { workers: 0, journal })
    const lines = (await readFile(journal, 'utf8')).trimEnd().split('\n')
    expect(lines).toHaveLength(4)
    await writeFile(journal, `${lines[0]}\n{"scenario":1}\nnonsense\n${lines[1]}\n${lines[2]!.slice(0, 50)}`)
    const mended = await swept(definitionOf(), { workers: 0, journal })
    expect(mended.ran).toHaveLength(2)
    expect(mended.table).toEqual(whole.table)
    const after = (await readFile(journal, 'utf8')).trimEnd().split('\n')
    expect(new Set(after)).toEqual(expect.objectContaining({ size: 6 }))
    expect(after.at(-1)).toMatch(/^\{.*\}$/)
  })

  test('is of a failed run as well, but not of what failed for want of data', async () => {
    const faults = [{ dropout: { phase: 'training', rate: 1 } }]
    const lonely = definitionOf({ vary: { 'world.faults': [[], faults] } })
    const journal = path('failed.jsonl')
    const first = await swept(lonely, { workers: 0, journal })
    expect(first.table.rows.map(({ score }) => score)).toEqual([expect.any(Number), null])
    expect((await swept(lonely, { workers: 0, journal })).ran).toEqual([])

    const data = { 'world.data': [{ generated: { blobs: { rows: 120 } } }, { files: { csv: path('late.csv') } }] }
    const late = definitionOf({ vary: data })
    const before = await swept(late, { workers: 0, journal })
    expect(before.table.rows[1]).toMatchObject({ score: null, failure: expect.stringContaining('late.csv') })
    const rows = Array.from({ length: 60 }, (_, i) => `${i % 3},${i % 2},${i % 3}`)
    await appendFile(path('late.csv'), `a,b,y\n${rows.join('\n')}\n`)
    expect((await swept(late, { workers: 0, journal })).table.rows[1]?.score).toEqual(expect.any(Number))
  })
})

test('a Bayesian search learns from what it has run, and goes on where it was', async () => {
  const rate = 'plan.training.optimizer.sgd.learningRate'
  const definition = definitionOf({
    vary: { [rate]: { from: 0.001, to: 10, scale: 'log' }, [rule]: ['mean', 'median'] },
    search: { bayes: { points: 8, start: 4, batch: 2 } },
    metric: 'loss',
  })
  const journal = path('bayes.jsonl')
  const whole = await swept(definition, { workers: 0, journal })
  expect(whole.table.rows).toHaveLength(8)
  const lines = (await readFile(journal, 'utf8')).trimEnd().split('\n')
  await writeFile(journal, `${lines.slice(0, 5).join('\n')}\n`)
  const again = await swept(definition, { workers: 0, journal })
  expect(again.table).toEqual(whole.table)
  expect(again.ran).toHaveLength(3)
})

describe('a worker', () => {
  /** Runs nothing: it dies where the rule is the median, and else claims to have an accuracy. */
  const dying = new URL(
    `data:text/javascript,${encodeURIComponent(`
      import { parentPort } from 'node:worker_threads'
      parentPort.on('message', ({ scenario }) => {
        if ('median' in scenario.plan.aggregation.rule) process.exit(1)
        if (scenario.world.attackers.attack['min-max']) throw new Error('out of order')
        const figure = { last: 0.5, min: 0.5, max: 0.5 }
        parentPort.postMessage({ type: 'done', result: { figures: { accuracy: figure }, seconds: 0 } })
      })
    `)}`,
  )

  test('that dies fails its point with the reason, and the sweep goes on', async () => {
    const { table } = await swept(definitionOf(), { workers: 2, worker: dying })
    const failure = expect.stringMatching(/^the worker that ran this point died/)
    expect(table.rows.map(({ score }) => score)).toEqual([0.5, null, null, null])
    expect(table.rows[1]).toMatchObject({ failure: 'the worker that ran this point died: out of order' })
    for (const row of table.rows.slice(2)) expect(row).toMatchObject({ failure })
  })

  test('that died is asked again by the next sweep', async () => {
    const journal = path('died.jsonl')
    await swept(definitionOf(), { workers: 1, worker: dying, journal })
    expect((await swept(definitionOf(), { workers: 0, journal })).ran).toHaveLength(3)
  })
})

test('an interrupted sweep loses only what is under way', async () => {
  const journal = path('interrupted.jsonl')
  const abort = new AbortController()
  const long = definitionOf({ scenario: { ...scenario, plan: { ...plan, rounds: 10 } } })
  let done = 0
  const interrupted = sweep(long, {
    workers: 1,
    journal,
    signal: abort.signal,
    onEvent: (event) => {
      if (event.type === 'cell') done++
      if (done === 2) abort.abort()
    },
  })
  await expect(interrupted).rejects.toMatchObject({ code: 'interrupted' })
  expect((await readFile(journal, 'utf8')).trimEnd().split('\n')).toHaveLength(2)
  expect((await swept(long, { workers: 0, journal })).ran).toHaveLength(2)
  await expect(sweep(long, { workers: 0, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'interrupted' })
})

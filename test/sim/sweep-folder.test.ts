/** What a sweep leaves in its folder: who is at work there, and of which data its points are. */

import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { describe, expect, test } from 'vitest'
import { type SweepEvent, sweep, sweepReport } from '../../sim/index.ts'
import { checkSweep } from '../../sim/sweep/definition.ts'
import { FolderLock } from '../../sim/sweep/folder-lock.ts'
import { plan, scenario, scratch, world } from './sweep-input.ts'

const { folder, path, write } = await scratch('sweep-folder')

describe('the lock of a folder', () => {
  /** The number of a process that has ended. */
  const GONE = 2 ** 22 - 1

  const holder = (changed: object) =>
    JSON.stringify({ pid: process.pid, host: hostname(), began: undefined, id: 'theirs', ...changed })

  test('is had by one at a time, and given back', async () => {
    const lock = await FolderLock.take(path('one.lock'))
    await expect(FolderLock.take(path('one.lock'))).rejects.toMatchObject({
      code: 'store.locked',
      message: expect.stringContaining(`process ${process.pid}`),
    })
    await lock.release()
    await (await FolderLock.take(path('one.lock'))).release()
    expect(await readdir(folder)).not.toContain('one.lock')
  })

  test.each<[string, string]>([
    ['a process that has ended', holder({ pid: GONE })],
    // Elsewhere than on Linux nobody can tell.
    ...(existsSync('/proc/self/stat')
      ? [['a process whose number another has got', holder({ began: '1' })] as [string, string]]
      : []),
    ['a process that ended before it had written who it is', ''],
  ])('of %s is taken over, by one of many', async (_name, text) => {
    await writeFile(path('stale.lock'), text)
    const takers = await Promise.allSettled(Array.from({ length: 8 }, () => FolderLock.take(path('stale.lock'))))
    const taken = takers.filter((one) => one.status === 'fulfilled')
    expect(taken).toHaveLength(1)
    for (const one of takers) {
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'store.locked' })
    }
    await taken[0]!.value.release()
    expect((await readdir(folder)).filter((name) => name.startsWith('stale'))).toEqual([])
  })

  test.each<[string, string]>([
    ['a process that lives', holder({ pid: process.ppid })],
    ['a process on another machine', holder({ pid: GONE, host: 'elsewhere' })],
  ])('of %s is left alone', async (_name, text) => {
    await writeFile(path('held.lock'), text)
    await expect(FolderLock.take(path('held.lock'))).rejects.toMatchObject({ code: 'store.locked' })
    expect(await readFile(path('held.lock'), 'utf8')).toBe(text)
  })

  test('is not removed by whoever has lost it', async () => {
    const lock = await FolderLock.take(path('lost.lock'))
    await writeFile(path('lost.lock'), holder({}))
    await lock.release()
    expect(await readdir(folder)).toContain('lost.lock')
  })
})

test('two sweeps of one journal: the second is refused, and the first goes on', async () => {
  const definition = checkSweep({ sweep: 1, scenario, vary: { 'plan.aggregation.rule': ['mean', 'median'] } })
  const journal = path('shared', 'points.jsonl')
  let begin: () => void = () => {}
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const first = sweep(definition, { workers: 0, journal, onEvent: begin })
  await begun
  await expect(sweep(definition, { workers: 0, journal })).rejects.toMatchObject({ code: 'store.locked' })
  expect((await first).table.rows).toHaveLength(2)
  expect(await readdir(path('shared'))).toEqual(['points.jsonl'])
  expect((await sweep(definition, { workers: 0, journal })).table).toEqual((await first).table)
})

test('points are run again when their data have changed, and only then', async () => {
  const rows = (shift: number) => Array.from({ length: 60 }, (_, i) => `${(i + shift) % 3},${i % 2},${i % 3}`)
  const dataOf = (lines: readonly string[]) => `a,b,y\n${lines.join('\n')}\n`
  await write('rows.csv', dataOf(rows(0)))
  await write('ids.txt', Array.from({ length: 60 }, (_, i) => i % 5).join('\n'))
  const files = { data: { files: { csv: 'rows.csv' } } }
  const definition = checkSweep({
    sweep: 1,
    scenario: { scenario: 1, plan, world: { ...world, ...files } },
    vary: { 'world.partition': ['iid', { natural: { file: 'ids.txt' } }] },
  })
  const journal = path('data.jsonl')
  const swept = async () => {
    const events: SweepEvent[] = []
    const { table } = await sweep(definition, { workers: 0, journal, folder, onEvent: (event) => events.push(event) })
    const fresh = events.flatMap((event) =>
      event.type === 'cell' && event.fresh ? Object.values(event.cell.values) : [],
    )
    return { fresh, scores: table.rows.map(({ weights }) => weights) }
  }
  const first = await swept()
  expect(first.fresh).toHaveLength(2)
  expect((await swept()).fresh).toEqual([])
  await write('ids.txt', Array.from({ length: 60 }, (_, i) => Math.floor(i / 12)).join('\n'))
  expect((await swept()).fresh).toEqual(['natural file=ids.txt'])
  await write('rows.csv', dataOf(rows(1)))
  const other = await swept()
  expect(other.fresh).toHaveLength(2)
  expect(other.scores[0]).not.toBe(first.scores[0])
  await write('rows.csv', dataOf(rows(0)))
  await write('ids.txt', Array.from({ length: 60 }, (_, i) => i % 5).join('\n'))
  expect(await swept()).toEqual({ fresh: [], scores: first.scores })
})

test('the report says which case was the worst, and of which points simulations are missing', () => {
  const rows = [
    { values: { rule: 'mean' }, score: 0.5, seeds: 2, worst: 'alie' },
    { values: { rule: 'median' }, score: 0.6, seeds: 1, worst: 'mimic', incomplete: 'seed 2: it took too long' },
    { values: { rule: 'krum' }, score: null, seeds: 0, failure: 'krum withstands nobody' },
  ]
  const axes = [{ name: 'rule', values: ['mean', 'median', 'krum'] }]
  const report = sweepReport({ metric: 'worst accuracy', axes, rows })
  const cells = [...report.matchAll(/<tr><th scope="row">(\d|–)<\/th>(.*?)<\/tr>/g)].map(([, rank, row]) => [
    rank,
    ...[...row!.matchAll(/<td([^>]*)>(.*?)<\/td>/g)].map(
      ([, side, text]) => `${side === '' ? '' : '#'}${text!.replace(/<.*?>/g, '')}`,
    ),
  ])
  expect(cells).toEqual([
    ['1', 'median', '#0.600', '#–', 'mimic', '#1', 'not of all simulations: seed 2: it took too long'],
    ['2', 'mean', '#0.500', '#–', 'alie', '#2', ''],
    ['–', 'krum', '#–', '#–', '–', '#0', 'krum withstands nobody'],
  ])
  expect(report).toContain('1 without a score, 1 with a score of only some simulations')
  expect(report).toContain('rule median, by mimic')
})

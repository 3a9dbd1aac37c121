/** A sweep as a researcher runs it, in processes that are killed half-way. */
import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { scenario, scratch } from '../sim/sweep-input.ts'
import { inProcess, LongCommand, parley } from '../support/cli.ts'

const { path, write } = await scratch('sim-sweep')
await write('scenario.yaml', { ...scenario, plan: { ...scenario.plan, rounds: 8 } })
const definition = {
  sweep: 1,
  description: 'Two rules',
  scenario: 'scenario.yaml',
  vary: {
    'plan.aggregation.rule': ['mean', 'median', { krum: { f: 2 } }],
    'world.attackers.attack': ['alie', 'min-max'],
  },
  seeds: [1, 2],
}
const file = await write('sweep.yaml', definition)

type Cell = { readonly event: string; readonly scenario: string; readonly fresh: boolean }

function cellsOf(events: readonly object[]): Cell[] {
  return (events as Cell[]).filter(({ event }) => event === 'cell')
}

function parsed(stdout: string): object[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object)
}

const tableOf = (folder: string) => readFile(path(folder, 'table.json'), 'utf8')
const linesOf = async (folder: string) =>
  (await readFile(path(folder, 'points.jsonl'), 'utf8')).split('\n').filter((line) => line !== '')

describe('sim sweep', () => {
  test('shows the table, the best and the worst, and why there are points without a score', async () => {
    const { code, stdout, stderr } = await inProcess('sim', 'sweep', file, '--out', path('whole'), '--workers', '0')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/\n *12\/12 {2}/)
    expect(stdout).toMatch(
      /\naccuracy:\nplan\.aggregation\.rule \\ world\.attackers\.attack +alie +min-max\nmean +0\.\d{3} ± /,
    )
    expect(stdout).toMatch(/\nkrum f=2 +- +-\n\nbest: {2}0\.\d+ ± .* at rule = .*\nworst: 0\.\d+ /)
    expect(stdout).toMatch(
      /rule = krum f=2, attack = alie and 1 more: plan\.aggregation\.rule: krum withstands at most f = 1 of 5 updates/,
    )
    expect((await readdir(path('whole'))).sort()).toEqual(['points.jsonl', 'report.html', 'table.json'])
    expect(await linesOf('whole')).toHaveLength(8)
    expect(await readFile(path('whole', 'report.html'), 'utf8')).toMatch(/^<!doctype html>/i)
  })

  test.each<[string, NodeJS.Signals, number | null]>([
    ['interrupted', 'SIGINT', 130],
    ['killed', 'SIGKILL', null],
  ])('that was %s goes on where it was, and comes to the same table', async (folder, signal, code) => {
    const args = ['sim', 'sweep', file, '--out', path(folder), '--workers', '1'] as const
    const command = new LongCommand(...args)
    await command.event({ event: 'cell', fresh: true, seed: 2 })
    command.signal(signal)
    expect(await command.exited).toBe(code)
    const done = (await linesOf(folder)).map((line) => (JSON.parse(line) as Cell).scenario)
    expect(done.length).toBeGreaterThanOrEqual(2)
    expect(done.length).toBeLessThan(8)
    // Who is killed leaves its lock, which the next one takes over.
    const left = signal === 'SIGKILL' ? ['points.jsonl', 'points.jsonl.lock'] : ['points.jsonl']
    expect((await readdir(path(folder))).sort()).toEqual(left)

    const again = await parley(...args, '--json')
    expect(again).toMatchObject({ code: 0, stderr: '' })
    const cells = cellsOf(parsed(again.stdout))
    expect(cells).toHaveLength(12)
    const fresh = cells.filter(({ fresh }) => fresh).map(({ scenario }) => scenario)
    expect(fresh.filter((scenario) => done.includes(scenario))).toEqual([])
    expect(fresh).toHaveLength(8 - done.length)
    expect(await linesOf(folder)).toHaveLength(8)
    expect(await tableOf(folder)).toBe(await tableOf('whole'))
    expect(await readdir(path(folder))).not.toContain('points.jsonl.lock')
  })

  test('refuses a folder in which another one is at work', async () => {
    const args = ['sim', 'sweep', file, '--out', path('shared'), '--workers', '0'] as const
    const first = new LongCommand(...args)
    await first.event({ event: 'cell', fresh: true })
    const second = await inProcess(...args, '--json')
    expect(second.code).toBe(4)
    expect(parsed(second.stdout).at(-1)).toMatchObject({
      error: { code: 'store.locked', message: expect.stringContaining(path('shared')) },
    })
    first.signal('SIGINT')
    expect(await first.exited).toBe(130)
    expect(await readdir(path('shared'))).toEqual(['points.jsonl'])
  })

  test.each<[string, object, string, RegExp]>([
    [
      'a path that is misspelt',
      { vary: { 'plan.agregation.rule': ['mean'] } },
      'plan.invalid',
      /vary\.plan\.agregation\.rule: .* did you mean plan\.aggregation\.rule\?/,
    ],
    [
      'an unknown attack',
      { vary: { 'world.attackers.attack': ['alie', 'alfie'] } },
      'plan.invalid',
      /vary\.world\.attackers\.attack\.1: .*alfie/,
    ],
    ['a scenario that is not there', { scenario: 'nowhere.yaml' }, 'config.invalid', /nowhere\.yaml/],
    [
      'nothing but points that cannot be',
      { vary: { 'plan.aggregation.rule': [{ krum: { f: 2 } }] } },
      'plan.infeasible',
      /no point of the sweep has a score; .*krum withstands/,
    ],
  ])('names the field of %s', async (_name, changed, code, message) => {
    const broken = await write('broken.yaml', { ...definition, ...changed })
    const args = ['sim', 'sweep', broken, '--out', path('broken'), '--workers', '0', '--json']
    const { code: exit, stdout } = await inProcess(...args)
    const document = parsed(stdout).at(-1) as { error: { message: string } }
    expect(document).toMatchObject({ status: 'error', exitCode: 2, error: { code } })
    expect(exit).toBe(2)
    expect(document.error.message).toMatch(message)
  })
})

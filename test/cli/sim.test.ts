/** The simulator as a researcher uses it: the installed program, files, processes that are interrupted. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { readScenario, readSweep, type SimulationResult } from '../../sim/index.ts'
import { plan, scenario, scratch, world } from '../sim/sweep-input.ts'
import { inProcess, LongCommand, parley, parleyJson } from '../support/cli.ts'
import { root } from '../support/source-files.ts'

const { path, write } = await scratch('sim')
const results = ['report.html', 'result.json', 'rounds.jsonl', 'scenario.json']

type Event = { readonly event: string; readonly [key: string]: unknown }

function events(stdout: string): Event[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Event)
}

/** For a run whose results alone matter. */
async function quietly(...args: readonly string[]): Promise<void> {
  const { code, stderr } = await inProcess(...args, '--json')
  expect([code, stderr]).toEqual([0, ''])
}

describe('sim run', () => {
  let ended: Awaited<ReturnType<typeof parley>>
  let file: string

  beforeAll(async () => {
    file = await write('scenario.yaml', scenario)
    ended = await parley('sim', 'run', file, '--out', path('one'), '--workers', '1', '--json')
  })

  test('prints one event a line, and ends with what came of it', () => {
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    // How often it says that it is still waiting depends on the machine.
    const told = events(ended.stdout).filter(({ event }) => event !== 'waiting')
    expect(told.map(({ event }) => event)).toEqual(['started', 'ready', 'round', 'round', 'done'])
    expect(told[0]).toMatchObject({ name: 'blobs', clients: 5, attackers: 1, of: 2 })
    expect(told[2]).toMatchObject({ round: 1, of: 2, secondsLeft: expect.any(Number), central: { rows: 24 } })
    expect(told[3]).not.toHaveProperty('secondsLeft')
    expect(told[4]).toMatchObject({ outcome: { kind: 'rejected' }, weights: expect.stringMatching(/^[0-9a-f]{64}$/) })
  })

  test('leaves its results, complete and nothing else', async () => {
    expect((await readdir(path('one'))).sort()).toEqual(results)
    const result = JSON.parse(await readFile(path('one', 'result.json'), 'utf8')) as SimulationResult
    const lines = (await readFile(path('one', 'rounds.jsonl'), 'utf8')).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(result.rounds)
    expect(result).toMatchObject({ clients: 5, attackers: ['client-4'], attack: 'alie' })
    expect(await readFile(path('one', 'report.html'), 'utf8')).toMatch(/^<!doctype html>/i)
  })

  test('gives the same bytes again from the scenario that it left, without threads as well', async () => {
    const again = await inProcess('sim', 'run', path('one', 'scenario.json'), '--out', path('again'), '--workers', '0')
    expect(again).toMatchObject({ code: 0, stderr: '' })
    expect(again.stdout).toMatch(/round 1\/2 {2}5\/5 updates .* accuracy 0\.\d+ .* left\n/)
    for (const name of results) {
      expect(await readFile(path('again', name), 'utf8'), name).toBe(await readFile(path('one', name), 'utf8'))
    }
  })

  test('ends with 4 when the run failed, with its results', async () => {
    const faults = [{ dropout: { phase: 'training', rate: 1 } }]
    const lonely = await write('lonely.yaml', { ...scenario, world: { ...world, faults } })
    const { code, stdout } = await inProcess('sim', 'run', lonely, '--out', path('lonely'), '--workers', '0')
    expect(code).toBe(4)
    expect(stdout).toContain('the run failed: round.quorum')
    expect((await readdir(path('lonely'))).sort()).toEqual(results)
  })

  test('leaves nothing when it is interrupted, and ends with 130', async () => {
    const long = await write('long.yaml', { ...scenario, plan: { ...plan, rounds: 100_000 } })
    const command = new LongCommand('sim', 'run', long, '--out', path('long'), '--workers', '0')
    await command.event({ event: 'round', round: 2 })
    expect(await readdir(path('long'))).toEqual(['rounds.jsonl.part'])
    command.signal('SIGINT')
    expect(await command.exited).toBe(130)
    expect(command.events.at(-1)).toMatchObject({ status: 'error', exitCode: 130, error: { code: 'interrupted' } })
    await expect(readdir(path('long'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test.each<[string, object, string, RegExp]>([
    [
      'an unknown attack',
      { world: { ...world, attackers: { count: 1, attack: 'sing-flip' } } },
      'plan.invalid',
      /world\.attackers\.attack: unknown "sing-flip"; did you mean "sign-flip"\?/,
    ],
    [
      'an unknown partitioner',
      { world: { ...world, partition: 'shard' } },
      'plan.invalid',
      /world\.partition: unknown "shard"; did you mean "shards"\?/,
    ],
    [
      'f beyond the breakdown point',
      { plan: { ...plan, aggregation: { rule: { median: { f: 3 } } } } },
      'plan.infeasible',
      /median withstands at most f = 2 of 5 updates/,
    ],
    [
      'more attackers than clients',
      { world: { ...world, attackers: { count: 5, attack: 'alie' } } },
      'plan.invalid',
      /world\.attackers\.count: 5 of 5 clients/,
    ],
    [
      'a data file that is not there',
      { world: { ...world, data: { files: { csv: 'nowhere.csv' } } } },
      'data.not-found',
      /nowhere\.csv/,
    ],
    [
      'data that do not match the model',
      { world: { ...world, data: { generated: { blobs: { classes: 4 } } } } },
      'plan.invalid',
      /world\.data .* plan\.data/,
    ],
  ])('names the field of %s, and leaves no folder', async (_name, changed, code, message) => {
    const broken = await write('broken.yaml', { ...scenario, ...changed })
    const { code: exit, stdout } = await inProcess(
      'sim',
      'run',
      broken,
      '--out',
      path('broken'),
      '--workers',
      '0',
      '--json',
    )
    const document = events(stdout).at(-1)
    expect(document).toMatchObject({ status: 'error', exitCode: exit, error: { code } })
    expect((document as unknown as { error: { message: string } }).error.message).toMatch(message)
    expect(exit).toBe(code === 'data.not-found' ? 4 : 2)
    await expect(readdir(path('broken'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('counts data files from the folder that it is told', async () => {
    const rows = Array.from({ length: 60 }, (_, i) => `${i % 3},${i % 2},${i % 3}`)
    await write('rows.csv', `a,b,y\n${rows.join('\n')}\n`)
    const here = await write('csv.yaml', { ...scenario, world: { ...world, data: { files: { csv: 'rows.csv' } } } })
    const run = (...args: string[]) => inProcess('sim', 'run', here, '--out', path('csv'), '--workers', '0', ...args)
    expect(await run()).toMatchObject({ code: 0 })
    expect(await run('--data', path('elsewhere'))).toMatchObject({
      code: 4,
      stderr: expect.stringContaining(path('elsewhere', 'rows.csv')),
    })
  })

  test('refuses a wrong number of workers', async () => {
    expect(await inProcess('sim', 'run', file, '--workers', 'many')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('a whole number from 0 to 1024'),
    })
  })

  describe('sim compare', () => {
    beforeAll(async () => {
      const other = await write('other.yaml', {
        ...scenario,
        plan: { ...plan, rounds: 3, aggregation: { rule: 'median' } },
      })
      await quietly('sim', 'run', other, '--out', path('other'), '--workers', '0')
    })

    test('says that two results are the same', async () => {
      const found = await parleyJson('sim', 'compare', path('one'), path('one', 'result.json'))
      expect(found).toMatchObject({ scenario: [], identical: true, rounds: [{ same: true }, { same: true }] })
    })

    test('says in which fields and figures two results differ', async () => {
      const [text, data] = [
        await inProcess('sim', 'compare', path('one'), path('other'), '--report', path('compare.html')),
        await parleyJson('sim', 'compare', path('one'), path('other')),
      ]
      expect(data).toMatchObject({
        identical: false,
        scenario: expect.arrayContaining([{ path: 'plan.rounds', a: 2, b: 3 }]),
        rounds: [{ round: 1 }, { round: 2 }, { round: 3, accuracy: { a: null, b: expect.any(Number) }, same: false }],
      })
      expect(text).toMatchObject({ code: 0, stderr: '' })
      expect(text.stdout).toMatch(/the scenarios differ in\n.*plan\.aggregation\.rule\.mean.*→ absent\n/)
      expect(text.stdout).toContain('  plan.rounds: 2 → 3\n')
      expect(await readFile(path('compare.html'), 'utf8')).toMatch(/^<!doctype html>/i)
    })

    test('names a file that is no result', async () => {
      await write('no-result.json', '{"rounds":1}')
      for (const name of ['no-result.json', 'nowhere']) {
        const { code, stderr } = await inProcess('sim', 'compare', path('one'), path(name))
        expect([code, stderr]).toEqual([2, expect.stringMatching(new RegExp(`config\\.invalid: .*${name}`))])
      }
    })
  })
})

test('a number is predicted in masked rounds, by the example', async () => {
  const { code, stdout } = await inProcess(
    'sim',
    'run',
    join(root, 'examples/sim/regression.yaml'),
    '--out',
    path('days'),
  )
  expect(code).toBe(0)
  expect(stdout).toMatch(/round 12\/12 .* mae 1\.\d+ {2}rmse 1\.\d+/)
  expect(stdout).toContain('it would be published')
  expect(stdout).toMatch(/gate mae-max: pass \(mae 1\.\d+, at most 1\.\d+ with 95 % confidence, wanted at most 1\.5\)/)
})

test('the examples are in order', async () => {
  const folder = join(root, 'examples/sim')
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.yaml'))
  expect(names.length).toBeGreaterThan(3)
  for (const name of names) {
    const text = await readFile(join(folder, name), 'utf8')
    const read = /^sweep: 1$/m.test(text) ? readSweep : readScenario
    await expect(read(join(folder, name)), name).resolves.toMatchObject({ folder: join(folder, name, '..') })
  }
})

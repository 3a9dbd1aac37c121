/** Plans that hide single rows as institutions run them: what they cost is found out before, paid by each client, and shown. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { parsePlan } from '../../core/plan/parse.ts'
import { recordPrivacyOf } from '../../core/plan/record-privacy.ts'
import { spent, timesRounds } from '../../core/privacy/index.ts'
import type { Manifest } from '../../core/release/manifest.ts'
import type { RunView } from '../../core/run/view.ts'
import { inProcess, LongCommand, parleyJson } from '../support/cli.ts'
import { root } from '../support/source-files.ts'

const example = join(root, 'examples/heart/records.yaml')
const names = ['cleveland', 'hungarian', 'switzerland', 'va'] as const

type Spent = { epsilon: number; delta: number; rounds: number; runs: { run: string; rounds: string[] }[] }

let folder: string
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-records-'))
})

describe('parley plan check', () => {
  test('says what the example costs a row, and which noise would cost what is asked for', async () => {
    const { records, plan } = await parleyJson<{
      records: { examples: { rows: number; epsilon: number }[]; multiplier: number }
      plan: { privacy: { records: { multiplier: number; epsilon: number } } }
    }>('plan', 'check', example, '--rows', '200', '--record-epsilon', '2')
    expect(records.examples.map(({ rows }) => rows)).toEqual([200])
    const { multiplier, epsilon } = plan.privacy.records
    // The example keeps to its own limit, and needs little less noise to.
    expect(records.examples[0]!.epsilon).toBeLessThanOrEqual(epsilon)
    expect(records.multiplier / multiplier).toBeCloseTo(1, 2)
    const text = await inProcess('plan', 'check', example)
    expect(text.stdout).toMatch(
      /hides rows at δ 0\.00001[\s\S]*\n {4}100 rows: ε \d\.\d+ a round, \d\.\d+ in all\n {4}1000 rows/,
    )
  })

  test('needs to know how many rows there are', async () => {
    const { code, stderr } = await inProcess('plan', 'check', example, '--record-epsilon', '2')
    expect(code).not.toBe(0)
    expect(stderr).toMatch(/--rows/)
  })
})

describe('a run', () => {
  const started: LongCommand[] = []
  const start = (...args: readonly string[]) => {
    const command = new LongCommand(...args)
    started.push(command)
    return command
  }
  afterAll(async () => {
    for (const one of started) await one.end()
  })

  test('is paid for in ledgers of rows, and says in its status, its version and its card what it cost', async () => {
    const home = join(folder, 'coordinator')
    const { publicKey: key } = await parleyJson<{ publicKey: string }>('identity', '--home', home)
    const { files } = await parleyJson<{ files: { path: string }[] }>('data', 'synthetic-heart', join(folder, 'data'))
    for (const name of names) {
      const { publicKey } = await parleyJson<{ publicKey: string }>('identity', '--home', join(folder, name))
      await parleyJson('clients', 'add', name, publicKey, '--home', home)
    }
    const coordinator = start('coordinator', '--home', home, '--grpc-port', '0', '--http-port', '0')
    const listening = (await coordinator.event({ event: 'listening' })) as { grpc: string; http: string }
    const clients = names.map((name, i) => {
      const own = ['--home', join(folder, name), '--data', files[i]!.path]
      return start(
        'client',
        'start',
        '--unsafe-allow-any-plan',
        '--coordinator',
        listening.grpc,
        '--coordinator-key',
        key,
        ...own,
      )
    })
    await Promise.all(clients.map((one) => one.event({ type: 'connected' })))
    const whole = parse(await readFile(example, 'utf8')) as Record<string, unknown>
    const path = join(folder, 'plan.yaml')
    const text = stringify({
      ...whole,
      rounds: 2,
      window: { count: { min: 4, max: 4 } },
      gates: [{ metric: 'accuracy', min: 0 }],
    })
    await writeFile(path, text)
    const admin = ['--url', listening.http, '--home', home]
    const { run } = await parleyJson<RunView>('run', 'start', path, ...admin)
    const watched = await inProcess('run', 'watch', run, ...admin)
    expect(watched.stdout).toMatch(/round 2\/2 .*ε of a row \d\.\d+ of 2 \(δ 0\.00001\)/)
    expect(watched.stdout).toMatch(/of each client, as it says itself:\n {2}\w+: ε \d/)
    const view = await parleyJson<RunView>('run', 'status', run, ...admin)
    expect(view.outcome).toMatchObject({ kind: 'published' })

    const plan = parsePlan(text)
    const { spend } = recordPrivacyOf(plan, 14, 150)!
    const cost = spent([timesRounds(spend, 2 * spend.rounds)], 1e-5).epsilon
    expect(view.records).toMatchObject({ epsilon: expect.closeTo(cost, 6) as number, budget: 2 })
    expect(view.records!.clients).toHaveLength(4)

    const ledgers = await parleyJson<Spent & { records: Spent }>('client', 'privacy', '--home', join(folder, 'va'))
    expect(ledgers).toMatchObject({
      rounds: 0,
      records: { rounds: 2, runs: [{ run, rounds: [`${run}/1#1`, `${run}/2#1`] }] },
    })
    expect(ledgers.records.epsilon).toBeCloseTo(cost, 6)
    const shown = await inProcess('client', 'privacy', '--home', join(folder, 'va'), '--record-budget', '9')
    expect(shown.stdout).toMatch(/each training row:\n {2}ε \d+\.\d+ of 9 \(δ 0\.00001\) in 2 rounds/)

    const version = await parleyJson<Manifest>('model', 'show', `${view.model}/1`, ...admin)
    expect(version.records).toEqual({ epsilon: String(view.records!.epsilon), delta: '0.00001', clients: 4 })
    const card = await inProcess('model', 'card', `${view.model}/1`, ...admin)
    expect(card.stdout).toMatch(/one training row, add-or-remove; the most of 4 clients/)
  }, 90_000)
})

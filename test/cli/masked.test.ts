/** Masked rounds as institutions run them: lists of peers, ledgers, and what operators see of sums and ε. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import type { RunView } from '../../core/run/view.ts'
import { inProcess, LongCommand, parleyJson } from '../support/cli.ts'
import { root } from '../support/source-files.ts'

const names = ['cleveland', 'hungarian', 'switzerland', 'va'] as const
type Name = (typeof names)[number]

let folder: string
let home: string
let key: string
let peers: string
let listening: Record<'grpc' | 'ws' | 'http', string>
let data: readonly string[]
const started: LongCommand[] = []

const start = (...args: readonly string[]) => {
  const command = new LongCommand(...args)
  started.push(command)
  return command
}

function client(name: Name, ...options: readonly string[]): LongCommand {
  const index = names.indexOf(name)
  const way = ['--coordinator', index === 0 ? listening.ws : listening.grpc, '--coordinator-key', key]
  return start(
    'client',
    'start',
    '--unsafe-allow-any-plan',
    '--home',
    join(folder, name),
    ...way,
    '--data',
    data[index]!,
    ...options,
  )
}

type Spent = { epsilon: number; delta: number; rounds: number; runs: { run: string; rounds: string[] }[] }
const spentBy = (name: Name) => parleyJson<Spent>('client', 'privacy', '--home', join(folder, name))
const admin = () => ['--url', listening.http, '--home', home]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-masked-'))
  home = join(folder, 'coordinator')
  key = (await parleyJson<{ publicKey: string }>('identity', '--home', home)).publicKey
  const { files } = await parleyJson<{ files: { path: string }[] }>('data', 'synthetic-heart', join(folder, 'data'))
  data = files.map(({ path }) => path)
  for (const name of names) {
    const { publicKey } = await parleyJson<{ publicKey: string }>('identity', '--home', join(folder, name))
    await parleyJson('clients', 'add', name, publicKey, '--home', home)
  }
  peers = join(folder, 'peers.json')
  await writeFile(peers, await readFile(join(home, 'clients.json')))
  const coordinator = start('coordinator', '--home', home, '--grpc-port', '0', '--http-port', '0')
  listening = (await coordinator.event({ event: 'listening' })) as typeof listening
}, 60_000)

afterAll(async () => {
  for (const one of started) await one.end()
  await rm(folder, { recursive: true, force: true })
})

async function runOf(name: string): Promise<RunView> {
  const example = parse(await readFile(join(root, 'examples/heart/plan.yaml'), 'utf8')) as Record<string, unknown>
  const path = join(folder, `${name}.yaml`)
  const privacy = {
    mode: 'masked',
    threshold: { dropout: 0 },
    clip: { flat: { norm: 1 } },
    noise: { distributed: { multiplier: 1 } },
    budget: { epsilon: 50, delta: 1e-5 },
  }
  const small = {
    model: { logistic: {} },
    rounds: 1,
    window: { count: { min: 3, max: 4 }, time: { min: '10s', max: '30s' } },
    aggregation: { rule: 'mean' },
    gates: [{ metric: 'accuracy', min: 0 }],
    privacy,
  }
  await writeFile(path, stringify({ ...example, ...small, name }))
  const { run } = await parleyJson<RunView>('run', 'start', path, ...admin())
  const watched = await inProcess('run', 'watch', run, ...admin())
  expect(watched).toMatchObject({ code: 0, stdout: expect.stringMatching(/round 1\/1 .*ε \d+\.\d+ of 50 /) as unknown })
  return parleyJson<RunView>('run', 'status', run, ...admin())
}

describe('a masked run', () => {
  let run: string

  test('has those in its sum that know their peers, or do not want to; what is spent is shown and kept', async () => {
    // A small consortium says so.
    const small = ['--min-cohort', '3']
    const clients = [
      client('cleveland', ...small, '--peers', peers),
      client('hungarian', ...small, '--peers', peers, '--min-known-peers', '2'),
      client('switzerland', ...small, '--unsafe-trust-coordinator-for-peer-keys'),
      client('va', ...small),
    ] as const
    await Promise.all(clients.map((one) => one.event({ type: 'connected' })))
    const view = await runOf('first')
    run = view.run
    expect(view.outcome).toMatchObject({ kind: 'published' })
    expect(view.history[0]).toMatchObject({
      accepted: ['cleveland', 'hungarian', 'switzerland'],
      refused: [{ client: 'va', code: 'masking.refused' }],
    })
    expect((await clients[3].event({ type: 'declined' })).error).toMatchObject({
      message: expect.stringContaining('knows no peers') as unknown,
    })
    const spent = await spentBy('cleveland')
    expect(spent).toMatchObject({ delta: 1e-5, rounds: 1, runs: [{ run, rounds: [`${run}/1#1`] }] })
    expect(spent.epsilon).toBeCloseTo(view.privacy!.epsilon, 6)
    expect(await spentBy('va')).toMatchObject({ epsilon: 0, rounds: 0 })
    const text = await inProcess('client', 'privacy', '--home', join(folder, 'hungarian'), '--privacy-budget', '9')
    expect(text.stdout).toMatch(/^ε \d+\.\d+ of 9 \(δ 0\.00001\) in 1 rounds\n {2}run_\S+ {2}1 rounds {2}ε \d/)
    clients[3].signal('SIGTERM')
    expect(await clients[3].exited).toBe(0)
  })

  test('shows its sums and ε to operators', async () => {
    const shown = await inProcess('round', 'show', run, '1', ...admin())
    expect(shown.stdout).toContain('1 sum opened')
    expect(shown.stdout).toContain('sum-001  3 clients: cleveland, hungarian, switzerland')
    const status = await inProcess('run', 'status', run, ...admin())
    expect(status.stdout).toMatch(/ε \d+\.\d+ of 50 \(δ 0\.00001\)/)
  })

  test('does without a client whose own limit does not pay for it', async () => {
    const poor = client('va', '--min-cohort', '3', '--peers', peers, '--privacy-budget', '0.01')
    await poor.event({ type: 'connected' })
    const view = await runOf('second')
    expect(view.history[0]).toMatchObject({
      accepted: ['cleveland', 'hungarian', 'switzerland'],
      refused: [{ client: 'va', code: 'privacy.budget-exhausted' }],
    })
    expect(await spentBy('va')).toMatchObject({ rounds: 0 })
    const { rounds, epsilon, runs } = await spentBy('cleveland')
    expect([rounds, runs.map((one) => one.run)]).toEqual([2, [run, view.run]])
    expect(epsilon).toBeGreaterThan(view.privacy!.epsilon)
  })
})

test('the example of it is a plan that can be run', async () => {
  const found = await parleyJson('plan', 'check', join(root, 'examples/heart/private.yaml'))
  expect(found).toMatchObject({ plan: { privacy: { mode: 'masked' } } })
})

describe('a client that could take part in no masked round does not start', () => {
  const fails = async (...options: readonly string[]) => {
    const way = ['--coordinator', 'grpc://127.0.0.1:1', '--coordinator-key', key, '--data', data[0]!]
    const ended = await inProcess('client', '--home', join(folder, 'lone'), ...way, ...options, '--json')
    expect(ended.code).toBe(2)
    return (JSON.parse(ended.stdout) as { error: { code: string; message: string } }).error
  }
  const file = async (text: string) => {
    const path = join(folder, 'file.json')
    await writeFile(path, text)
    return path
  }

  test('without its list, or with one that is none or too short', async () => {
    expect(await fails('--peers', join(folder, 'nowhere.json'))).toMatchObject({ code: 'config.invalid' })
    expect(await fails('--peers', await file('{'))).toMatchObject({ code: 'config.invalid' })
    expect(await fails('--peers', peers)).toMatchObject({
      code: 'config.invalid',
      message: expect.stringMatching(/lists 4 other clients, and with this one 16 must be known/) as unknown,
    })
  })

  test('with limits that hide nobody, or for rounds that it declines', async () => {
    expect(await fails('--peers', peers, '--min-cohort', '3', '--min-bucket', '1')).toMatchObject({
      code: 'request.invalid',
      message: expect.stringContaining('hides nobody') as unknown,
    })
    expect(await fails('--min-bucket', '4')).toMatchObject({ code: 'request.invalid' })
    expect(await fails('--peers', peers, '--min-cohort', '3', '--coordinator-may', 'all')).toMatchObject({
      code: 'request.invalid',
    })
  })

  test('with a ledger that cannot be read', async () => {
    await writeFile(join(folder, 'lone', 'privacy-ledger.json'), '{"version":1,"entries":[{}]}\n')
    expect(await fails()).toMatchObject({
      code: 'config.invalid',
      message: expect.stringContaining('damaged') as unknown,
    })
    const shown = await inProcess('client', 'privacy', '--home', join(folder, 'lone'), '--json')
    expect(shown.code).toBe(2)
  })
})

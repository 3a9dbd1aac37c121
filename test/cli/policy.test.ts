/** A site's policy as its people write, sign and use it at the command line. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import type { RunView } from '../../core/run/view.ts'
import { inProcess, LongCommand, parleyJson } from '../support/cli.ts'
import { root } from '../support/source-files.ts'

type Listed = { reviews: { digest: string; plan: string; state: string }[] }

let folder: string
let coordinator: LongCommand
let client: LongCommand
let listening: Record<'grpc' | 'http', string>
let key: string
let data: string

const path = (name: string) => join(folder, name)
const site = () => ['--home', path('site')]
const signed = () => parleyJson<{ digest: string }>('client', 'policy', 'sign', '--key', path('site.key'), ...site())
const reviews = async () => (await parleyJson<Listed>('client', 'review', 'list', ...site())).reviews

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-policy-'))
  key = (await parleyJson<{ publicKey: string }>('identity', '--home', path('coordinator'))).publicKey
  const { files } = await parleyJson<{ files: { path: string }[] }>('data', 'synthetic-heart', path('data'))
  data = files[0]!.path
  const { publicKey } = await parleyJson<{ publicKey: string }>('identity', ...site())
  await parleyJson('clients', 'add', 'site', publicKey, '--home', path('coordinator'))
  coordinator = new LongCommand('coordinator', '--home', path('coordinator'), '--grpc-port', '0', '--http-port', '0')
  listening = (await coordinator.event({ event: 'listening' })) as typeof listening
}, 60_000)

afterAll(async () => {
  await client?.end()
  await coordinator.end()
  await rm(folder, { recursive: true, force: true })
})

async function planFile(name: string, changed: object = {}): Promise<string> {
  const example = parse(await readFile(join(root, 'examples/heart/plan.yaml'), 'utf8')) as object
  const small = { model: { logistic: {} }, rounds: 1, window: { count: { min: 1, max: 1 } }, gates: [] }
  await writeFile(path(`${name}.yaml`), stringify({ ...example, ...small, name, ...changed }))
  return path(`${name}.yaml`)
}

async function ran(plan: string): Promise<RunView> {
  const admin = ['--url', listening.http, '--home', path('coordinator')]
  const { run } = await parleyJson<RunView>('run', 'start', plan, ...admin)
  for (;;) {
    const view = await parleyJson<RunView>('run', 'status', run, ...admin)
    if (view.phase === 'over') return view
  }
}

const policyWith = (studies: object) => ({
  policy: 1,
  coordinators: { consortium: key },
  data: { heart: { csv: data, rows: { train: 10, heldOut: 5 } } },
  studies,
})

test('a policy to begin with is written once, and allows nothing', async () => {
  await parleyJson('client', 'policy', 'init', ...site())
  expect((await inProcess('client', 'policy', 'init', ...site())).code).toBe(2)
  const { publicKey } = await parleyJson<{ publicKey: string }>('client', 'policy', 'key', '--key', path('site.key'))
  const unsigned = await inProcess('client', 'policy', 'check', await planFile('one'), ...site())
  expect(unsigned.code).toBe(6)
  expect(unsigned.stderr).toContain('policy.unsigned')
  const text = await inProcess('client', 'policy', 'sign', '--key', path('site.key'), ...site())
  expect(text.stdout).toContain(`parley client policy trust ${publicKey}`)
  expect((await inProcess('client', 'policy', 'sign', '--key', path('none.key'), ...site())).code).toBe(2)
  expect((await inProcess('client', 'policy', 'trust', 'ab', ...site())).code).toBe(2)
  await parleyJson('client', 'policy', 'trust', publicKey, ...site())
  const another = ['client', 'policy', 'trust', 'ab'.repeat(32), ...site()]
  expect(await inProcess(...another)).toMatchObject({ code: 2, stderr: expect.stringContaining('--replace') })
  const asked = ['--coordinator-key', key]
  const checked = await inProcess('client', 'policy', 'check', await planFile('one'), ...asked, ...site())
  expect(checked).toMatchObject({ code: 3, stderr: expect.stringContaining('does not name this coordinator') })
})

test('a policy of two people holds once both have signed it', async () => {
  const two = ['--home', path('two')]
  const keyOf = (name: string) =>
    parleyJson<{ publicKey: string }>('client', 'policy', 'key', '--key', path(name)).then(({ publicKey }) => publicKey)
  const [one, other] = [await keyOf('one.key'), await keyOf('other.key')]
  await parleyJson('identity', ...two)
  await parleyJson('client', 'policy', 'init', ...two)
  expect((await inProcess('client', 'policy', 'trust', one, one, ...two)).code).toBe(2)
  await parleyJson('client', 'policy', 'trust', one, other, ...two)
  expect((await inProcess('client', 'policy', 'trust', one, ...two)).code).toBe(2)
  const first = await inProcess('client', 'policy', 'sign', '--key', path('one.key'), ...two)
  expect(first.stdout).toContain(`not yet signed by ${other}`)
  const check = ['client', 'policy', 'check', await planFile('one'), '--coordinator-key', key, ...two]
  expect(await inProcess(...check)).toMatchObject({ code: 6, stderr: expect.stringContaining('policy.untrusted') })
  const last = await parleyJson('client', 'policy', 'sign', '--key', path('other.key'), ...two)
  expect(last).toMatchObject({ missing: [] })
  expect((await inProcess(...check)).code).toBe(3)
})

test('a check says what the policy would do with a plan: allow, hold, refuse', async () => {
  const allow = {
    names: ['one'],
    models: ['logistic'],
    maxParameters: 100,
    modes: ['sealed'],
    counts: ['clear'],
    rules: ['mean'],
  }
  const study = { coordinators: ['consortium'], data: 'heart', allow: { ...allow, maxRounds: 1, minCohort: 1 } }
  await writeFile(path('site/policy.yaml'), stringify(policyWith({ one: study })))
  await signed()
  const check = async (plan: string) => await inProcess('client', 'policy', 'check', plan, ...site())
  expect(await check(await planFile('one'))).toMatchObject({ code: 0, stdout: expect.stringContaining('by study one') })
  expect(await check(await planFile('two'))).toMatchObject({ code: 4, stderr: expect.stringContaining('no study') })
  const longer = await check(await planFile('one', { rounds: 2 }))
  expect(longer).toMatchObject({ code: 3, stderr: expect.stringContaining('2 rounds, allowed are 1 (maxRounds)') })
})

test('a plan is held, shown, approved while the client runs, and refused with a reason', async () => {
  await writeFile(path('site/policy.yaml'), stringify(policyWith({})))
  await signed()
  const way = ['--coordinator', listening.grpc, '--coordinator-key', key, '--min-cohort', '1']
  client = new LongCommand('client', 'start', ...site(), ...way)
  await client.event({ type: 'connected' })
  const plan = await planFile('one')
  expect((await ran(plan)).history[0]?.refused[0]).toMatchObject({ client: 'site', code: 'node.plan-held' })
  const [held] = await reviews()
  expect(held).toMatchObject({ plan: 'one', state: 'waits' })
  const decide = (verb: string, ...args: string[]) =>
    inProcess('client', 'review', verb, held!.digest.slice(0, 12), '--key', path('site.key'), ...args, ...site())
  expect((await decide('approve', '--until', 'tomorrow')).code).toBe(2)
  expect((await decide('approve', '--data', 'scans')).code).toBe(2)
  expect(await decide('approve', '--until', '2999-01-01')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('until 2999'),
  })
  expect((await ran(plan)).history[0]?.accepted).toEqual(['site'])

  expect((await ran(await planFile('one', { rounds: 3 }))).history[0]?.refused[0]?.code).toBe('node.plan-held')
  const waits = (await reviews()).find(({ state }) => state === 'waits')
  const shown = await inProcess('client', 'review', 'show', waits!.digest, ...site())
  expect(shown.stdout).toMatch(
    /what would leave[\s\S]*bytes a round[\s\S]*no noise[\s\S]*the last approved plan:\n {4}rounds: 1 → 3\n/,
  )

  expect((await decide('refuse')).code).toBe(2)
  expect(await decide('refuse', '--reason', 'no ethics vote')).toMatchObject({ code: 0 })
  expect((await ran(await planFile('one'))).history[0]?.refused[0]).toMatchObject({
    code: 'node.plan-refused',
    message: 'the site refused the plan: no ethics vote',
  })
  await parleyJson('client', 'policy', 'key', '--key', path('stranger.key'))
  const stranger = ['client', 'review', 'approve', waits!.digest, '--key', path('stranger.key'), ...site()]
  expect((await inProcess(...stranger)).code).toBe(6)
}, 60_000)

test('data that the policy does not name are not used; without a policy data must be named', async () => {
  const way = ['--coordinator', 'grpc://127.0.0.1:1', '--coordinator-key', key, ...site(), '--unsafe-allow-any-plan']
  expect((await inProcess('client', ...way)).code).toBe(2)
  expect((await inProcess('client', ...way, '--data', data, '--policy', path('site/policy.yaml'))).code).toBe(2)
})

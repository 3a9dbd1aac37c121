/** Everything as an operator does it: processes, folders, ports that are free, commands. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import type { RunListing } from '../../core/run/listing.ts'
import type { Recomputation } from '../../core/run/recomputation.ts'
import type { RunView } from '../../core/run/view.ts'
import { inProcess, LongCommand, parley, parleyJson } from '../support/cli.ts'
import { root } from '../support/source-files.ts'

const names = ['cleveland', 'hungarian', 'switzerland'] as const
const started: LongCommand[] = []
let folder: string
let home: string
let key: string
let listening: Record<'grpc' | 'ws' | 'http', string>
let coordinator: LongCommand
let clients: LongCommand[]
let data: readonly string[]

const start = (...args: readonly string[]) => {
  const command = new LongCommand(...args)
  started.push(command)
  return command
}
const startCoordinator = () => start('coordinator', '--home', home, '--grpc-port', '0', '--http-port', '0')

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-session-'))
  home = join(folder, 'coordinator')
  key = (await parleyJson<{ publicKey: string }>('identity', '--home', home)).publicKey
  const { files } = await parleyJson<{ files: { path: string }[] }>('data', 'synthetic-heart', join(folder, 'data'))
  data = files.map(({ path }) => path)
  for (const name of names) {
    const { publicKey } = await parleyJson<{ publicKey: string }>('identity', '--home', join(folder, name))
    await parleyJson('clients', 'add', name, publicKey, '--home', home)
  }
  coordinator = startCoordinator()
  listening = (await coordinator.event({ event: 'listening' })) as typeof listening
  clients = names.map((name, index) => client(name, index, key))
  await Promise.all(clients.map((one) => one.event({ type: 'connected' })))
}, 60_000)

afterAll(async () => {
  for (const one of started) await one.end()
  await rm(folder, { recursive: true, force: true })
})

function client(name: string, index: number, coordinatorKey: string): LongCommand {
  const url = index === 0 ? listening.ws : listening.grpc
  const args = ['--coordinator', url, '--coordinator-key', coordinatorKey, '--data', data[index]!]
  return start('client', '--home', join(folder, name), '--unsafe-allow-any-plan', ...args)
}

/** The example's plan, small, with these changes. */
async function plan(name: string, changed: object = {}): Promise<string> {
  const example = parse(await readFile(join(root, 'examples/heart/plan.yaml'), 'utf8')) as Record<string, unknown>
  const small = {
    model: { logistic: {} },
    rounds: 2,
    window: { count: { min: 3, max: 3 } },
    // A minute: whether it is kept depends on no machine.
    gates: [{ metric: 'accuracy', min: 0 }, { latency: { maxMs: 60_000 } }],
  }
  const path = join(folder, `${name}.yaml`)
  await writeFile(path, stringify({ ...example, ...small, name, ...changed }))
  return path
}

const remote = () => ['--url', listening.http]
const admin = () => [...remote(), '--home', home]

describe('a whole session', () => {
  test('a run is started, followed to its end, and published', async () => {
    const watching = await parley('run', 'start', await plan('small'), '--watch', ...admin(), '--json')
    expect(watching).toMatchObject({ code: 0, stderr: '' })
    const views = watching.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as RunView & { terminal: boolean })
    expect(views.filter(({ terminal }) => terminal)).toHaveLength(1)
    expect(views.at(-1)).toMatchObject({ terminal: true, phase: 'over', outcome: { kind: 'published', version: 1 } })
    expect(views.at(-1)?.history.map(({ accepted }) => accepted)).toEqual([[...names], [...names]])
    for (const one of clients) await one.event({ type: 'receipt', kind: 'evaluate', round: 2, accepted: true })
  })

  test('is on record at both ends, beside those who write', async () => {
    const { publicKey } = (await (await fetch(`${listening.http}/v1/audit/key`)).json()) as { publicKey: string }
    expect(await coordinator.event({ event: 'listening' })).toMatchObject({ auditKey: publicKey })
    const verified = await parleyJson<{ federation: string }>('audit', 'verify', home, '--key', publicKey)
    expect(verified).toMatchObject({ federation: key, pinned: true })
    type Timeline = { records: { action: string; actor: { id: string }; details: { sha256: string; bytes: number } }[] }
    const timeline = async (folder: string, ...args: string[]) =>
      (await parleyJson<Timeline>('audit', 'timeline', '--home', folder, ...args)).records
    const taken = await timeline(home, '--action', 'update.accept')
    expect(taken).toHaveLength(6)
    const requests = await timeline(home, '--action', 'request')
    expect(requests).toMatchObject([{ action: 'request.take', details: { action: 'run.start' } }])
    for (const name of names) {
      const sent = await timeline(join(folder, name), '--action', 'update.send')
      const arrived = taken.filter(({ actor }) => actor.id === name)
      const facts = ({ details: { sha256, bytes } }: Timeline['records'][number]) => ({ sha256, bytes })
      expect(sent.map(facts)).toEqual(arrived.map(facts))
      const met = await timeline(join(folder, name), '--action', 'coordinator')
      expect(met).toMatchObject([{ action: 'coordinator.connect', object: { id: key } }])
    }
  })

  test('is taken away with its evidence, verifies by the key alone, and is what the clients have seen of it', async () => {
    const { publicKey } = (await (await fetch(`${listening.http}/v1/audit/key`)).json()) as { publicKey: string }
    const bundle = join(folder, 'evidence.tar')
    await parleyJson('audit', 'export', bundle, '--all-versions', ...admin())
    const { code, stdout } = await parley('audit', 'verify', bundle, '--key', publicKey)
    expect([code, stdout]).toEqual([0, expect.stringContaining('version       small/1')])
    for (const name of names) {
      const seen = join(folder, name, 'coordinator-checkpoints.jsonl')
      await parleyJson('audit', 'compare', seen, bundle, '--key', publicKey)
      expect((await inProcess('audit', 'verify', bundle, '--key', publicKey, '--checkpoint', seen)).code).toBe(0)
    }
  })

  test('status, list and show agree on what was published, with a token or without', async () => {
    const { runs } = await parleyJson<{ runs: RunListing[] }>('run', 'status', ...admin())
    const { models } = await parleyJson<{ models: object[] }>('model', 'list', ...remote())
    const manifest = await parleyJson<Record<string, unknown>>('model', 'show', 'small', ...remote())
    const anonymous = await inProcess('run', 'start', await plan('small'), ...remote(), '--json')
    expect(runs).toHaveLength(1)
    expect(models).toEqual([expect.objectContaining({ model: 'small', versions: 1 })])
    expect(manifest).toMatchObject({ model: 'small', number: 1, run: runs[0]?.run, round: 2 })
    expect(runs[0]?.outcome).toMatchObject({ kind: 'published', version: 1 })
    const whole = await parleyJson<RunView>('run', 'status', String(runs[0]?.run), ...admin())
    expect(whole.outcome).toMatchObject({ weights: manifest.weights })
    expect(anonymous.code).toBe(3)
    expect(JSON.parse(anonymous.stdout)).toMatchObject({ error: { code: 'auth.failed' } })
  })

  test('a round is shown, and computed again: the same, without a client, by another rule', async () => {
    const { runs } = await parleyJson<{ runs: RunListing[] }>('run', 'status', ...admin())
    const { run, history } = await parleyJson<RunView>('run', 'status', runs[0]!.run, ...admin())
    const shown = await inProcess('round', 'show', run, '2', ...admin())
    expect(shown.stdout).toMatch(/combined by mean.*\n.*weight.*cosine/)
    for (const name of names) expect(shown.stdout).toContain(name)
    const again = (...args: string[]) => parleyJson<Recomputation>('round', 'recompute', run, '2', ...args, ...admin())
    expect(await again()).toMatchObject({ identical: true, recomputed: history[1]!.weights })
    const without = await again('--without', 'hungarian')
    expect(without).toMatchObject({ identical: false, without: ['hungarian'] })
    expect(without.recomputedReport.clients.map(({ client }) => client)).toEqual(['cleveland', 'switzerland'])
    const median = await again('--rule', 'median', '--before', '[{ clip: { norm: 1 } }]')
    expect(median.recomputedReport.rule).toBe('clip, median')
    const impossible = await inProcess('round', 'recompute', run, '2', '--rule', 'krum: { f: 1 }', ...admin(), '--json')
    expect(impossible.code).toBe(2)
    expect(JSON.parse(impossible.stdout)).toMatchObject({ error: { code: 'plan.infeasible' } })
    expect((await inProcess('round', 'recompute', run, '2', '--rule', '{', ...admin(), '--json')).code).toBe(2)
  })

  test('a version is downloaded and verified; with another key, or one flipped byte, it is not genuine', async () => {
    const version = join(folder, 'version')
    const downloaded = await parleyJson<{ checks: { result: string }[] }>(
      ...(['model', 'download', 'small@production', version, '--key', key, ...remote()] as const),
    )
    expect(downloaded.checks.map(({ result }) => result)).not.toContain('failed')
    const verify = (of: string) => inProcess('model', 'verify', version, '--key', of, '--json')
    expect((await verify(key)).code).toBe(0)
    expect((await verify('ab'.repeat(32))).code).toBe(6)
    const path = join(version, 'model', 'model.safetensors')
    const weights = await readFile(path)
    weights[weights.length - 1]! ^= 1
    await writeFile(path, weights)
    const flipped = await parley('model', 'verify', version, '--key', key, '--json')
    expect(flipped.code).toBe(6)
    expect(JSON.parse(flipped.stdout)).toMatchObject({ exitCode: 6, error: { code: 'verify.failed' } })
  })

  test('a version is followed back to its updates, and its rounds are computed again', async () => {
    const audit = await inProcess('model', 'audit', 'small@production', '--key', key, ...admin())
    expect(audit.stdout).toMatch(
      /holds +files.*\n +holds +plan.*\n +holds +journal.*\n +holds +round 1.*\n +holds +round 2.*\n +holds +weights.*\n +recorded +gate latency-p95-batch-1: .* ms, recorded and not recomputed/,
    )
    expect(audit.stdout).toContain('the chain of small/1 is whole')
    expect((await inProcess('model', 'audit', 'small/1', '--key', 'ab'.repeat(32), ...admin(), '--json')).code).toBe(6)
  })

  test('a version’s card is read, and it is written in other formats once it has verified', async () => {
    const card = await inProcess('model', 'card', 'small/1', ...remote())
    expect(card.stdout).toContain('# small, version 1')
    const target = join(folder, 'exported')
    const exported = await parleyJson<{ files: string[] }>(
      'model',
      'export',
      'small/1',
      target,
      '--key',
      key,
      ...remote(),
    )
    expect(exported.files).toEqual(['model.json', 'weights.bin'])
    expect(JSON.parse(await readFile(join(target, 'model.json'), 'utf8'))).toMatchObject({ format: 'layers-model' })
    expect((await inProcess('model', 'export', 'small/1', target, '--key', 'ab'.repeat(32), ...remote())).code).toBe(6)
    const unknown = await inProcess('model', 'export', 'small/1', target, '--key', key, '--format', 'onnx', ...remote())
    expect(unknown.code).toBe(2)
  })

  test('an alias is moved, split and moved back, and its history tells who and why', async () => {
    const ask = (...args: string[]) => inProcess('model', ...args, ...admin(), '--json')
    expect((await ask('promote', 'small/1', '--alias', 'trial', '--reason', 'to try it')).code).toBe(0)
    expect((await ask('promote', 'small/2', '--alias', 'trial', '--reason', 'too early')).code).toBe(4)
    const late = await ask('promote', 'small/1', '--alias', 'trial', '--reason', 'again', '--expect', '0')
    expect(JSON.parse(late.stdout)).toMatchObject({ error: { code: 'alias.conflict' } })
    const split = await ask('canary', 'small/1', '--alias', 'trial', '--share', '5', '--reason', 'a few first')
    expect(JSON.parse(split.stdout)).toMatchObject({ data: { rollout: { share: 500, number: 1 } } })
    expect(JSON.parse((await ask('rollback', 'small@trial', '--reason', 'none before')).stdout)).toMatchObject({
      error: { code: 'run.conflict' },
    })
    const log = await inProcess('model', 'log', 'small@trial', ...remote())
    expect(log.stdout).toMatch(/^1 .*– → 1 {2}host: to try it\n2 .*1 → 1 {2}host: a few first/)
    const used = await ask('withdraw', 'small/1', '--reason', 'it is wrong')
    expect(JSON.parse(used.stdout)).toMatchObject({ error: { code: 'run.conflict' } })
    expect((await ask('deprecate', 'small/1', '--reason', 'a better one comes')).code).toBe(0)
    const same = await parleyJson<{ facts: unknown[]; states: unknown[] }>(
      'model',
      'diff',
      'small/1',
      'small@trial',
      ...remote(),
    )
    expect(same).toMatchObject({ facts: [], states: [{ number: 1, state: 'deprecated' }] })
  })

  test('a version gets tags, which are listed, shown, found, and taken away', async () => {
    const ask = (...args: string[]) => inProcess('model', ...args, ...admin())
    expect((await ask('tag', 'small/1', 'for=<b>trial</b> = 2')).code).toBe(0)
    expect((await ask('tag', 'small/1', 'for=x', '--as', 'ada')).code).toBe(3)
    expect((await ask('tag', 'small/1', 'for=\u001b[2J')).code).toBe(2)
    expect((await ask('list')).stdout).toContain('\n  /1  for = <b>trial</b> = 2')
    expect((await ask('list', '--tag', 'for=<b>trial</b> = 2')).stdout).toBe('small/1\n')
    expect((await ask('list', '--tag', 'for=trial')).stdout).toBe('no version has this tag\n')
    expect((await ask('show', 'small')).stdout).toContain('small/1\n  for = <b>trial</b> = 2\n{')
    expect((await ask('card', 'small')).stdout).toContain('\n- for = &lt;b&gt;trial&lt;/b&gt; = 2\n')
    expect((await ask('untag', 'small/1', 'for')).stdout).toBe('small/1 had\n  for = <b>trial</b> = 2\n')
    expect((await ask('untag', 'small/1', 'for')).code).toBe(4)
    expect((await ask('card', 'small')).stdout).not.toContain('## Tags')
  })

  test('a second coordinator does not get the folder', async () => {
    const second = await parley('coordinator', '--home', home, '--grpc-port', '0', '--http-port', '0', '--json')
    expect(second.code).toBe(4)
    expect(JSON.parse(second.stdout)).toMatchObject({ exitCode: 4, error: { code: 'store.locked' } })
  })

  test('a client with another coordinator’s key proves nothing and does nothing', async () => {
    const wary = client('wary', 2, 'ab'.repeat(32))
    const { error } = await wary.event({ type: 'disconnected' })
    expect(error).toMatchObject({ code: 'node.untrusted-coordinator' })
    wary.signal('SIGTERM')
    expect(await wary.exited).toBe(0)
    expect(wary.events.some(({ type }) => type !== 'disconnected')).toBe(false)
    const args = ['--home', join(folder, 'wary'), '--action', 'coordinator']
    const { records } = await parleyJson<{ records: object[] }>('audit', 'timeline', ...args)
    expect(records[0]).toMatchObject({ action: 'coordinator.refuse', code: 'node.untrusted-coordinator' })
  })

  test('a second client does not get the folder of the first', async () => {
    const second = client('switzerland', 2, key)
    expect(await second.exited).toBe(4)
  })
})

describe('an end', () => {
  test('a run is stopped with its reason, and the answer of nobody is waited for', async () => {
    // Connected clients that answer nothing.
    for (const one of clients) one.signal('SIGSTOP')
    const { run } = await parleyJson<RunView>('run', 'start', await plan('endless'), ...admin())
    const stopped = await parleyJson<RunView>('run', 'stop', run, '--reason', 'seen enough', ...admin())
    expect(stopped.outcome).toEqual({ kind: 'stopped', reason: 'seen enough' })
    expect((await parleyJson<RunView>('run', 'status', run, ...admin())).phase).toBe('over')
  })

  test('SIGTERM drains: an open round goes on, until a second one ends the coordinator at once', async () => {
    const { run } = await parleyJson<RunView>('run', 'start', await plan('endless'), ...admin())
    while ((await parleyJson<RunView>('run', 'status', run, ...admin())).phase !== 'collecting');
    coordinator.signal('SIGTERM')
    // Until it drains.
    while ((await fetch(`${listening.http}/readyz`)).status === 200);
    expect(await parleyJson<RunView>('run', 'status', run, ...admin())).toMatchObject({ phase: 'collecting', round: 1 })
    coordinator.signal('SIGTERM')
    expect(await coordinator.exited).toBe(130)
    const again = startCoordinator()
    listening = (await again.event({ event: 'listening' })) as typeof listening
    expect(await parleyJson<RunView>('run', 'status', run, ...admin())).toMatchObject({ phase: 'collecting', round: 1 })
    await parleyJson('run', 'stop', run, ...admin())
    again.signal('SIGTERM')
    expect(await again.exited).toBe(0)
  })

  test('SIGTERM ends the clients with 0, connected or not', async () => {
    for (const one of clients) {
      one.signal('SIGCONT')
      one.signal('SIGTERM')
    }
    expect(await Promise.all(clients.map((one) => one.exited))).toEqual([0, 0, 0])
  })
})

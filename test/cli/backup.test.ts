/** A backup of a coordinator that works, and what is made of it: processes, folders and files, as an operator has them. */
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import type { RunView } from '../../core/run/view.ts'
import { holdBlobs } from '../../server/store/durable/database.ts'
import { inProcess, LongCommand, parleyJson } from '../support/cli.ts'
import { root } from '../support/source-files.ts'

const names = ['cleveland', 'hungarian', 'switzerland'] as const
const started: LongCommand[] = []
let folder: string
let key: string
let auditKey: string
let data: readonly string[]
let listening: Record<'grpc' | 'http' | 'auditKey', string>
let coordinator: LongCommand
let clients: LongCommand[]

const at = (name: string) => join(folder, name)
const home = () => at('coordinator')

async function startAll(coordinatorHome: string): Promise<void> {
  const ports = ['--grpc-port', '0', '--http-port', '0']
  coordinator = new LongCommand('coordinator', '--home', coordinatorHome, ...ports)
  started.push(coordinator)
  listening = (await coordinator.event({ event: 'listening' })) as typeof listening
  clients = names.map((name, index) => {
    const where = ['--coordinator', listening.grpc, '--coordinator-key', key, '--data', data[index]!]
    const client = new LongCommand('client', '--home', at(name), '--unsafe-allow-any-plan', ...where)
    started.push(client)
    return client
  })
  await Promise.all(clients.map((one) => one.event({ type: 'connected' })))
}

const admin = (coordinatorHome = home()) => ['--url', listening.http, '--home', coordinatorHome]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-backup-'))
  key = (await parleyJson<{ publicKey: string }>('identity', '--home', home())).publicKey
  const { files } = await parleyJson<{ files: { path: string }[] }>('data', 'synthetic-heart', at('data'))
  data = files.map(({ path }) => path)
  for (const name of names) {
    const { publicKey } = await parleyJson<{ publicKey: string }>('identity', '--home', at(name))
    await parleyJson('clients', 'add', name, publicKey, '--home', home())
  }
  await writeFile(at('passphrase'), 'a long passphrase\nand nothing else\n')
  await writeFile(at('other'), 'another passphrase\n')
  const example = parse(await readFile(join(root, 'examples/heart/plan.yaml'), 'utf8')) as object
  const small = { model: { logistic: {} }, rounds: 2, gates: [{ metric: 'accuracy', min: 0 }] }
  const window = { count: { min: 3, max: 3 }, time: { min: '0s', max: '10m' } }
  await writeFile(at('plan.yaml'), stringify({ ...example, ...small, window, name: 'small' }))
  await startAll(home())
  auditKey = listening.auditKey
}, 60_000)

afterAll(async () => {
  for (const one of started) await one.end()
  await rm(folder, { recursive: true, force: true })
})

type Refusal = { readonly code: string; readonly message: string; readonly exitCode: number }

async function refusal(...args: string[]): Promise<Refusal> {
  const { stdout } = await inProcess(...args, '--json')
  const { error, exitCode } = JSON.parse(stdout) as { error: Omit<Refusal, 'exitCode'>; exitCode: number }
  return { ...error, exitCode }
}

type Timeline = { readonly records: { action: string; object: { id: string }; details: Record<string, unknown> }[] }
const timeline = async (of: string, what: string) =>
  (await parleyJson<Timeline>('audit', 'timeline', '--home', of, '--action', what)).records

type Made = {
  readonly sha256: string
  readonly files: number
  readonly runs: { status: string }[]
  readonly keys: string
}
const passphrase = () => ['--keys-passphrase-file', at('passphrase')]
const restored = (file: string, to: string, ...more: string[]) => [
  'backup',
  'restore',
  at(file),
  '--home',
  at(to),
  ...more,
]

describe('a backup', () => {
  let run: string

  test('is made while a round is open, and is on record', async () => {
    await ended((await parleyJson<{ run: string }>('run', 'start', at('plan.yaml'), ...admin())).run)
    // The third one neither answers nor leaves: the round stays open with the updates of two.
    clients[2]!.signal('SIGSTOP')
    for (const one of clients) one.events.splice(0)
    run = (await parleyJson<{ run: string }>('run', 'start', at('plan.yaml'), ...admin())).run
    for (const one of clients.slice(0, 2)) await one.event({ type: 'receipt', kind: 'train', round: 1, accepted: true })
    const made = await parleyJson<Made>('backup', 'create', at('whole.tar'), ...passphrase(), ...admin())
    expect(made).toMatchObject({
      keys: 'sealed',
      runs: expect.arrayContaining([expect.objectContaining({ id: run, status: 'active' })]),
    })
    expect((await stat(at('whole.tar'))).mode & 0o777).toBe(0o600)
    expect(await timeline(home(), 'backup.create')).toMatchObject([
      { object: { id: made.sha256 }, details: { files: made.files, keys: 'sealed' } },
    ])
    expect(await parleyJson('backup', 'verify', at('whole.tar'), '--key', key)).toMatchObject({ sha256: made.sha256 })
    // Nothing is left beside it.
    expect((await readdir(folder)).filter((name) => name.includes('whole.tar'))).toEqual(['whole.tar'])
  }, 60_000)

  test('has no key in the clear', async () => {
    const archive = await readFile(at('whole.tar'))
    for (const name of ['identity.key', 'sealing.key', 'audit.key', 'admin.token']) {
      const secret = (await readFile(join(home(), name), 'utf8')).trim()
      expect(archive.includes(secret), name).toBe(false)
      expect(archive.includes(Buffer.from(secret, 'hex')), name).toBe(false)
    }
  })

  test('keeps what nothing needs from being removed meanwhile', async () => {
    const release = await holdBlobs(join(home(), 'store'))
    try {
      await parleyJson('run', 'stop', run, '--reason', 'the coordinator is to be replaced', ...admin())
      expect(await refusal('model', 'gc', '--remove', ...admin())).toMatchObject({ code: 'store.locked' })
      expect(await refusal('backup', 'create', at('second.tar'), ...admin())).toMatchObject({ code: 'store.locked' })
      expect((await inProcess('model', 'gc', ...admin())).code).toBe(0)
    } finally {
      release()
    }
  })

  test('is restored into a coordinator that goes on with the round, with the same versions and the same audit log', async () => {
    coordinator.signal('SIGKILL')
    for (const one of clients) one.signal('SIGKILL')
    for (const one of [coordinator, ...clients]) await one.exited
    const made = await parleyJson<Made>(...restored('whole.tar', 'new', ...passphrase()))
    await startAll(at('new'))
    // Stopped after the backup was made: as if it had not been.
    const view = await ended(run, at('new'))
    expect(view).toMatchObject({ outcome: { kind: 'published', version: 2 } })
    expect(view.history.map(({ accepted }) => accepted)).toEqual([[...names], [...names]])
    // Two had sent their updates of the first round before the backup, and were not asked again.
    const trained = clients.map(
      (one) => one.events.filter(({ type, kind }) => type === 'task' && kind === 'train').length,
    )
    expect(trained).toEqual([1, 1, 2])
    for (const version of ['small/1', 'small/2'])
      await parleyJson('model', 'verify', version, '--key', key, '--url', listening.http)
    expect(await parleyJson('audit', 'verify', at('new'), '--key', auditKey)).toMatchObject({ federation: key })
    expect(await timeline(at('new'), 'backup.restore')).toMatchObject([{ object: { id: made.sha256 } }])
    expect(await timeline(at('new'), 'run.resume')).toMatchObject([{ object: { id: run } }])
  }, 90_000)

  test('of a coordinator that has stopped is made too, and restored with keys that were kept apart', async () => {
    coordinator.signal('SIGTERM')
    expect(await coordinator.exited).toBe(0)
    await parleyJson('backup', 'create', at('apart.tar'), '--home', at('new'))
    expect(await timeline(at('new'), 'backup.create')).toHaveLength(1)
    expect(await refusal(...restored('apart.tar', 'again'))).toMatchObject({ code: 'backup.keys-missing', exitCode: 4 })
    await parleyJson(...restored('apart.tar', 'again', '--keys', at('new')))
    const sameKey = await parleyJson<{ publicKey: string }>('identity', '--home', at('again'))
    expect(sameKey.publicKey).toBe(key)
  })
})

describe('a backup is refused', () => {
  const whole = () => readFile(at('whole.tar'))

  async function refused(name: string, change: (archive: Buffer) => Buffer, message: RegExp): Promise<void> {
    await writeFile(at(name), change(await whole()))
    for (const args of [['backup', 'verify', at(name)], restored(name, 'damaged', ...passphrase())]) {
      const found = await refusal(...args)
      expect(found).toMatchObject({ code: 'backup.damaged', exitCode: 6 })
      expect(found.message).toMatch(message)
    }
    // Nothing of it was taken into use.
    expect(await readdir(at('damaged'))).toEqual([])
  }

  const within = (archive: Buffer, name: string) => archive.indexOf(Buffer.from(`${name}\0`)) + 512

  test('where it was cut in a file, between two, or before its end', async () => {
    const size = (await stat(at('whole.tar'))).size
    await refused(
      'cut-1',
      (all) => all.subarray(0, within(all, 'store/parley.sqlite') + 1000),
      /ends within store\/parley\.sqlite, at byte 1512/,
    )
    await refused(
      'cut-2',
      (all) => all.subarray(0, within(all, 'backup.json') - 512),
      /ends at byte \d+, after keys\.sealed/,
    )
    await refused('cut-3', (all) => all.subarray(0, 100), /ends at byte 100, after its beginning/)
    await writeFile(at('cut-4'), await whole())
    await truncate(at('cut-4'), size - 1024)
    expect(await refusal('backup', 'verify', at('cut-4'))).toMatchObject({ code: 'backup.damaged' })
  })

  test.each([
    ['store/parley.sqlite', /store\/parley\.sqlite in .* is not what was written/],
    ['audit/audit-0.jsonl', /audit\/audit-0\.jsonl in .* is not what was written/],
    ['clients.json', /clients\.json in .* is not what was written/],
    ['backup.json', /backup\.json is not what the coordinator signed/],
  ])('where a byte of %s is another one', async (name, message) => {
    await refused(
      'edited',
      (all) => {
        const place = within(all, name) + 40
        all[place] = all[place]! ^ 1
        return all
      },
      message,
    )
  })

  test('where a file was taken out, put in twice, or has a name that leads elsewhere', async () => {
    const cut = (all: Buffer, name: string) => {
      const from = within(all, name) - 512
      const size = Number.parseInt(all.subarray(from + 124, from + 135).toString(), 8)
      return [from, from + 512 + Math.ceil(size / 512) * 512] as const
    }
    await refused(
      'without',
      (all) => Buffer.concat([all.subarray(0, cut(all, 'clients.json')[0]), all.subarray(cut(all, 'clients.json')[1])]),
      /clients\.json is missing/,
    )
    await refused(
      'twice',
      (all) => Buffer.concat([all.subarray(...cut(all, 'clients.json')), all]),
      /a file clients\.json that does not belong there/,
    )
    await refused(
      'elsewhere',
      (all) => {
        const header = Buffer.from(all.subarray(0, 512))
        header.fill(0, 0, 100)
        header.write('../../escaped')
        header.write('        ', 148)
        const sum = header.reduce((total, byte) => total + byte, 0)
        header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
        return Buffer.concat([header, all.subarray(512)])
      },
      /a file \.\.\/\.\.\/escaped that does not belong there/,
    )
  })

  test('where another coordinator has signed it than the one that is known', async () => {
    const found = await refusal('backup', 'verify', at('whole.tar'), '--key', 'ab'.repeat(32))
    expect(found).toMatchObject({ code: 'backup.damaged', message: expect.stringContaining('backup.json') })
  })

  test('with a wrong passphrase, or keys of somebody else', async () => {
    const wrong = await refusal(...restored('whole.tar', 'wrong', '--keys-passphrase-file', at('other')))
    expect(wrong).toMatchObject({ code: 'backup.keys-wrong', exitCode: 4 })
    await parleyJson('init', '--home', at('stranger'))
    await writeFile(join(at('stranger'), 'audit.key'), `${'cd'.repeat(32)}\n`)
    const strange = await refusal(...restored('whole.tar', 'wrong', '--keys', at('stranger')))
    expect(strange).toMatchObject({ code: 'backup.keys-wrong', message: expect.stringContaining('identity.key') })
    expect(await readdir(at('wrong'))).toEqual([])
  })

  test('where something would be overwritten', async () => {
    expect(await refusal(...restored('whole.tar', 'new', ...passphrase()))).toMatchObject({ code: 'config.invalid' })
    expect(await refusal('backup', 'create', at('whole.tar'), '--home', at('new'))).toMatchObject({
      code: 'config.invalid',
    })
  })

  test('of a folder that is none of a coordinator, in which nothing is made', async () => {
    const client = await refusal('backup', 'create', at('client.tar'), '--home', at('cleveland'))
    expect(client).toMatchObject({ code: 'config.invalid', message: expect.stringContaining('folder of a client') })
    expect(await refusal('backup', 'create', at('none.tar'), '--home', at('data'))).toMatchObject({
      code: 'object.not-found',
    })
    expect((await readdir(at('data'))).filter((name) => name.endsWith('.key'))).toEqual([])
  })
})

/** The run, once it is over. */
async function ended(run: string, coordinatorHome = home()): Promise<RunView> {
  const view = () => parleyJson<RunView>('run', 'status', run, ...admin(coordinatorHome))
  await expect.poll(async () => (await view()).phase, { timeout: 60_000 }).toBe('over')
  return view()
}

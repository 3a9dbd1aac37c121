import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { catalogue } from '../../core/errors/index.ts'
import { createProgram, inProcess, parley, parleyJson } from '../support/cli.ts'
import { root } from '../support/source-files.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-cli-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function* commandsOf(parent: Command, path: string): Generator<[string, Command]> {
  yield [path, parent]
  for (const child of parent.commands) yield* commandsOf(child, `${path} ${child.name()}`)
}

const commands = [...commandsOf(createProgram(), 'parley')]

function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp()
  return text
}

type Failure = {
  readonly schemaVersion: string
  readonly status: string
  readonly exitCode: number
  readonly error: {
    readonly code: string
    readonly message: string
    readonly hint: string
    readonly retryable: boolean
  }
}

/** Runs a command with `--json` that must fail: stdout is one JSON document, and says what to do next. */
async function failure(
  run: typeof parley,
  ...args: readonly string[]
): Promise<Failure['error'] & { exitCode: number }> {
  const { code, stdout } = await run(...args, '--json')
  const document = JSON.parse(stdout) as Failure
  expect(document).toMatchObject({ schemaVersion: '1', status: 'error', exitCode: code })
  expect(document.error.hint).toBe(catalogue[document.error.code as keyof typeof catalogue].hint)
  expect(stdout.trimEnd()).not.toContain('\n')
  return { ...document.error, exitCode: document.exitCode }
}

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

describe('help', () => {
  test.each(commands)('%s says what it does and how it ends', (_path, command) => {
    const help = helpOf(command)
    expect(command.description()).not.toBe('')
    for (const code of [0, 1, 2, 3, 4, 5, 6, 130]) expect(help).toMatch(new RegExp(`^ {2}${code} +\\S`, 'm'))
    for (const option of command.options) expect(option.description, option.flags).not.toBe('')
    for (const argument of command.registeredArguments) expect(argument.description, argument.name()).not.toBe('')
  })

  test.each(commands.filter(([, command]) => command.commands.length === 0))('%s has --json', (_path, command) => {
    expect(helpOf(command)).toContain('--json')
  })

  test('every command that a hint names exists', () => {
    const paths = new Set(commands.map(([path]) => path))
    const named = Object.entries(catalogue).flatMap(([code, { hint }]) =>
      [...hint.matchAll(/`(parley(?: [a-z-]+)+)/g)].map(([, path]) => `${code}: ${path}`),
    )
    expect(named.length).toBeGreaterThan(3)
    expect(named.filter((line) => !paths.has(line.slice(line.indexOf('parley'))))).toEqual([])
  })

  test('is printed by the program itself, with 0', async () => {
    const { code, stdout } = await parley('run', 'start', '--help')
    expect(code).toBe(0)
    expect(stdout).toContain('Exit codes:')
  })
})

describe('usage errors end with 2 and one line that says what to do', () => {
  test.each<[string, readonly string[], RegExp]>([
    ['an unknown command, with the one that was meant', ['rum'], /unknown command 'rum'/],
    ['a missing argument', ['run', 'start'], /missing required argument 'plan'/],
    ['a missing option', ['identity'], /required option '--home <folder>' not specified/],
    ['an unknown option', ['demo', '--round', '2'], /unknown option '--round'/],
    ['a port out of range', ['coordinator', '--http-port', '70000'], /a whole number from 0 to 65535/],
    ['a key of the wrong length', ['model', 'verify', 'x', '--key', 'abc'], /a public key is 64 hexadecimal digits/],
  ])('%s', async (_name, args, message) => {
    const { code, stdout, stderr } = await inProcess(...args)
    expect(code).toBe(2)
    expect(stdout).toBe('')
    const [first, ...others] = stderr.trimEnd().split('\n')
    expect(first).toMatch(/^error: /)
    expect(first).toMatch(message)
    expect(others.every((line) => /^\(Did you mean .*\?\)$/.test(line))).toBe(true)
  })
})

test('the program itself ends with the same codes', async () => {
  const [unknown, failed] = await Promise.all([parley('rum'), parley('plan', 'check', join(folder, 'nowhere.yaml'))])
  expect(unknown).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/^error: unknown command 'rum'/) })
  expect(failed).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/^parley: config\.invalid: /) })
})

describe('a failure', () => {
  test('for people is a code, a reason and what to do, on stderr', async () => {
    const { code, stdout, stderr } = await inProcess('plan', 'check', join(folder, 'nowhere.yaml'))
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^parley: config\.invalid: .*nowhere\.yaml cannot be read.*\n {2}what to do: .+\n$/)
  })

  test('to reach a coordinator that is not there ends with 5 and may be tried again', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    await new Promise((resolve) => server.close(resolve))
    const found = await failure(parley, 'run', 'status', '--url', `http://127.0.0.1:${port}`)
    expect(found).toMatchObject({ code: 'coordinator.unreachable', retryable: true, exitCode: 5 })
  })

  test('in a usage error is JSON as well, when JSON was asked for', async () => {
    expect(await failure(parley, 'run', 'start')).toMatchObject({ code: 'request.invalid', exitCode: 2 })
  })

  test('to read a token names the file', async () => {
    const found = await failure(inProcess, 'run', 'status', '--token-file', join(folder, 'no.token'))
    expect(found).toMatchObject({ code: 'config.invalid', message: expect.stringContaining('no.token'), exitCode: 2 })
  })
})

describe('plan check', () => {
  test('shows what a good plan comes to', async () => {
    const found = await parleyJson('plan', 'check', join(root, 'examples/heart/plan.yaml'))
    expect(found).toMatchObject({ model: 'heart-disease', inputs: [13], cohort: 4, gates: 3 })
    expect(found).toMatchObject({ digest: expect.stringMatching(/^[0-9a-f]{64}$/), parameters: expect.any(Number) })
  })

  test.each<[string, string, string, RegExp]>([
    ['that is no YAML', 'a: [', 'plan.unreadable', /line/],
    ['that is empty', 'parley: 1\n', 'plan.invalid', /name/],
    ['with a field misspelt', 'parley: 1\nname: x\nround: 3\n', 'plan.invalid', /round/],
    ['above the limit', `# ${'x'.repeat(2 ** 20)}\n`, 'plan.unreadable', /1048576|bytes|large/],
  ])('refuses a plan %s', async (name, text, code, message) => {
    const found = await failure(inProcess, 'plan', 'check', await file(`${name}.yaml`, text))
    expect(found).toMatchObject({ code, exitCode: 2 })
    expect(found.message).toMatch(message)
  })

  test('refuses an attack by aliases in bounded time and memory', async () => {
    const bomb = Array.from(
      { length: 9 },
      (_, level) => `a${level}: &a${level} [${Array(9).fill(level === 0 ? 'x' : `*a${level - 1}`)}]`,
    )
    const found = await failure(inProcess, 'plan', 'check', await file('bomb.yaml', bomb.join('\n')))
    expect(found).toMatchObject({ code: expect.stringMatching(/^plan\./), exitCode: 2 })
  })

  test('prints a JSON Schema for editors', async () => {
    const { code, stdout } = await inProcess('plan', 'schema')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      type: 'object',
      required: expect.arrayContaining(['model', 'data', 'rounds']),
    })
  })
})

describe('identities and the list of clients', () => {
  test('a key is made once, for its owner only, and the same one is shown again', async () => {
    const home = join(folder, 'home')
    const first = await parleyJson<{ publicKey: string }>('identity', '--home', home)
    expect(first.publicKey).toMatch(/^[0-9a-f]{64}$/)
    expect(await parleyJson('identity', '--home', home)).toEqual(first)
    expect((await stat(join(home, 'identity.key'))).mode & 0o777).toBe(0o600)
    expect(await readFile(join(home, 'identity.key'), 'utf8')).not.toContain(first.publicKey)
  })

  test('a client is added before the coordinator was ever started, and once', async () => {
    const home = join(folder, 'new coordinator')
    const [one, other] = ['ab'.repeat(32), 'cd'.repeat(32)]
    await parleyJson('clients', 'add', 'north', one, '--home', home)
    await parleyJson('clients', 'add', 'north', one.toUpperCase(), '--home', home)
    expect(await parleyJson('clients', 'list', '--home', home)).toEqual({ clients: [{ id: 'north', publicKey: one }] })
    expect(await failure(inProcess, 'clients', 'add', 'north', other, '--home', home)).toMatchObject({
      code: 'config.invalid',
    })
    expect(await failure(inProcess, 'clients', 'add', 'a b', other, '--home', home)).toMatchObject({
      code: 'config.invalid',
    })
  })

  test('a damaged key or list is named, and not replaced', async () => {
    const home = join(folder, 'damaged')
    await parleyJson('clients', 'add', 'north', 'ab'.repeat(32), '--home', home)
    await writeFile(join(home, 'identity.key'), 'no key')
    await writeFile(join(home, 'clients.json'), '{')
    expect((await failure(inProcess, 'identity', '--home', home)).message).toContain('identity.key')
    expect((await failure(inProcess, 'clients', 'list', '--home', home)).message).toContain('clients.json')
    expect(await readFile(join(home, 'identity.key'), 'utf8')).toBe('no key')
  })
})

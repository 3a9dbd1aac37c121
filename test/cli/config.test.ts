/** What daemons take from a file and from the environment, as an operator writes, checks and reads it. */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { inProcess, LongCommand, parleyJson } from '../support/cli.ts'
import { root } from '../support/source-files.ts'

let folder: string
const at = (name: string) => join(folder, name)
const file = async (text: string, name = 'parley.yaml') => {
  await writeFile(at(name), text)
  return at(name)
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-config-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))
afterEach(() => {
  vi.unstubAllEnvs()
})

type Values = Readonly<Record<string, { readonly value: unknown; readonly from: string }>>
const printed = (...args: string[]) => parleyJson<Record<string, Values>>('config', 'print', ...args)

/** What a command that fails says of it. */
async function refusal(...args: string[]): Promise<{ code: string; lines: string[]; exit: number }> {
  const { stdout, code } = await inProcess(...args, '--json')
  const { error } = JSON.parse(stdout) as { error: { code: string; message: string } }
  return { code: error.code, lines: error.message.split('\n').map((line) => line.trim()), exit: code ?? -1 }
}

describe('parley config print', () => {
  test('puts flags before the environment, the environment before the file, and says where each value comes from', async () => {
    const path = await file('coordinator:\n  grpcPort: 1\n  httpPort: 2\n  drain: 3s\n  approvals: 4\n')
    vi.stubEnv('PARLEY_HTTP_PORT', '20')
    vi.stubEnv('PARLEY_DRAIN', '30s')
    const { coordinator } = await printed(path, '--drain', '300s')
    expect(coordinator).toMatchObject({
      grpcPort: { value: 1, from: `${path}:2` },
      httpPort: { value: 20, from: 'PARLEY_HTTP_PORT' },
      drain: { value: '300s', from: 'flag' },
      approvals: { value: 4, from: `${path}:5` },
      host: { value: '127.0.0.1', from: 'default' },
    })
  })

  test('knows lists and switches in all three places', async () => {
    const path = await file('coordinator:\n  publicName: [one, two]\n  base: three\n  noAdminToken: true\n')
    vi.stubEnv('PARLEY_PUBLIC_NAME', 'four, five')
    vi.stubEnv('PARLEY_ALLOW_CLEAR_TEXT_BEYOND_LOOPBACK', 'true')
    const { coordinator } = await printed(path)
    expect(coordinator).toMatchObject({
      publicName: { value: ['four', 'five'], from: 'PARLEY_PUBLIC_NAME' },
      base: { value: [at('three')], from: `${path}:3` },
      noAdminToken: { value: true, from: `${path}:4` },
      allowClearTextBeyondLoopback: { value: true, from: 'PARLEY_ALLOW_CLEAR_TEXT_BEYOND_LOOPBACK' },
    })
  })

  test('takes the file that PARLEY_CONFIG names, and paths in it as relative to it', async () => {
    await mkdir(at('etc'), { recursive: true })
    vi.stubEnv('PARLEY_CONFIG', await file('client:\n  data: rows.csv\n', 'etc/parley.yaml'))
    const { client } = await printed()
    expect(client?.data?.value).toBe(at('etc/rows.csv'))
  })

  test('tells apart what shares a setting: a proxy, and none', async () => {
    const [one, none] = [
      await file("client:\n  proxy: 'http://127.0.0.1:3128'\n", 'proxy.yaml'),
      await file('client:\n  noProxy: true\n', 'none.yaml'),
    ]
    const client = async (path: string, ...args: string[]) => (await printed(path, ...args)).client
    expect(await client(none)).toMatchObject({ noProxy: { value: true, from: `${none}:2` } })
    expect(await client(one, '--no-proxy')).toMatchObject({ noProxy: { value: true, from: 'flag' } })
    vi.stubEnv('PARLEY_PROXY', 'http://127.0.0.1:8080')
    expect(await client(none)).toMatchObject({
      proxy: { value: 'http://127.0.0.1:8080', from: 'PARLEY_PROXY' },
      noProxy: { value: false },
    })
    vi.stubEnv('PARLEY_PROXY', '')
    vi.stubEnv('PARLEY_NO_PROXY', 'false')
    expect(await client(one)).toMatchObject({ proxy: { value: 'http://127.0.0.1:3128' }, noProxy: { value: false } })
    vi.stubEnv('PARLEY_NO_PROXY', 'true')
    expect(await client(one)).toMatchObject({ noProxy: { value: true, from: 'PARLEY_NO_PROXY' } })
    const flag = await client(one, '--proxy', 'http://127.0.0.1:9090')
    expect(flag).toMatchObject({ proxy: { value: 'http://127.0.0.1:9090', from: 'flag' }, noProxy: { value: false } })
  })

  test('shows a public key as it was written', async () => {
    const key = '12'.repeat(32)
    const { client } = await printed(await file(`client:\n  coordinatorKey: ${key}\n`))
    expect(client?.coordinatorKey?.value).toBe(key)
  })

  test('refuses flags that the daemon has not', async () => {
    const path = await file('coordinator: {}\n')
    expect(await refusal('config', 'print', path, '--data', 'x')).toMatchObject({ code: 'request.invalid', exit: 2 })
    expect(await refusal('config', 'print', path, '--http-port', 'x')).toMatchObject({ code: 'request.invalid' })
  })
})

describe('parley config check', () => {
  test('says all that is wrong at once, with lines and with what was meant', async () => {
    const path = await file(
      [
        'coordinator:',
        '  httpPort: 70800',
        '  grpc-port: 3',
        '  drain: 10',
        '  noAdminToken: perhaps',
        '  threads: [1, 2]',
        '  host: { a: b }',
        'cliant: {}',
      ].join('\n'),
    )
    vi.stubEnv('PARLEY_GRPCPORT', '3')
    const { code, lines, exit } = await refusal('config', 'check', path)
    expect([code, exit]).toEqual(['config.invalid', 2])
    expect(lines).toEqual([
      `${path}:7: host holds a value, or a list of values`,
      `${path}:8: unknown section cliant; did you mean client?`,
      `${path}:3: unknown key grpc-port; did you mean grpcPort?`,
      'environment: unknown variable PARLEY_GRPCPORT; did you mean PARLEY_GRPC_PORT?',
      `${path}:5: noAdminToken: true or false`,
      `${path}:2: httpPort: a whole number from 0 to 65535`,
      `${path}:6: threads: one value, not a list`,
      `${path}:4: drain: a duration with its unit, such as 30s or 10m`,
    ])
  })

  test.each([
    ['no YAML', 'coordinator: [', /:1/],
    ['a key twice', 'coordinator:\n  drain: 1s\n  drain: 2s\n', /:3: .*unique/],
    ['a list', '- coordinator\n', /sections are expected/],
    ['nothing', '', /no section/],
    ['too much', `# ${'x'.repeat(64 * 1024)}\n`, /65536 bytes/],
    ['an alias', 'coordinator:\n  host: &a x\n  tlsCert: *a\n', /:3: tlsCert holds a value/],
  ])('refuses a file that is %s', async (_what, text, message) => {
    const { code, lines } = await refusal('config', 'check', await file(text))
    expect(code).toBe('config.invalid')
    expect(lines.join('\n')).toMatch(message)
  })

  const hex = 'c0'.repeat(32)
  test.each([
    ['a key that has the name of a secret', 'coordinator:\n  adminToken: hunter2\n', 'hunter2'],
    ['a password', 'client:\n  password: hunter2\n', 'hunter2'],
    ['a private key', 'coordinator:\n  tlsKey: "-----BEGIN PRIVATE KEY----- hunter2"\n', 'hunter2'],
    ['32 bytes in hex', `coordinator:\n  clients: ${hex}\n`, hex],
    ['a password in an address', 'coordinator:\n  otlpEndpoint: https://me:hunter2@host/\n', 'hunter2'],
  ])('refuses %s in the clear, without repeating it', async (_what, text, secret) => {
    const path = await file(text)
    const { code, lines } = await refusal('config', 'check', path, '--skip-files')
    expect(code).toBe('config.secret-in-clear')
    expect(lines.join()).toContain(`${path}:2`)
    expect(lines.join()).not.toContain(secret)
  })

  test('refuses secrets of the environment and of flags as well', async () => {
    const path = await file('coordinator: {}\n')
    vi.stubEnv('PARLEY_ADMIN_TOKEN', 'hunter2')
    const inEnvironment = await refusal('config', 'check', path)
    expect(inEnvironment).toMatchObject({
      code: 'config.secret-in-clear',
      lines: [expect.stringMatching(/PARLEY_ADMIN_TOKEN/)],
    })
    vi.unstubAllEnvs()
    expect(await refusal('config', 'print', path, '--otlp-endpoint', 'https://me:hunter2@host/')).toMatchObject({
      code: 'config.secret-in-clear',
      lines: [expect.not.stringContaining('hunter2')],
    })
  })

  test('looks at what goes together, and into the files that are named', async () => {
    const path = await file('coordinator:\n  tlsCert: none.pem\n  alerts: alerts.yaml\n')
    await file('everry: 15s\n', 'alerts.yaml')
    const { lines } = await refusal('config', 'check', path)
    expect(lines).toEqual([
      'together: --tls-cert and --tls-key go together',
      `${path}:2: tlsCert: ${at('none.pem')} cannot be read`,
    ])
    const within = await refusal('config', 'check', await file('coordinator:\n  alerts: alerts.yaml\n'))
    expect(within.lines).toEqual([expect.stringContaining('everry')])
    const elsewhere = await inProcess(
      'config',
      'check',
      await file('coordinator:\n  alerts: none.yaml\n'),
      '--skip-files',
    )
    expect(elsewhere.code).toBe(0)
  })

  test('says of a good file whom it configures', async () => {
    const path = await file('coordinator:\n  httpPort: 0\nclient:\n  home: site\n')
    expect(await parleyJson('config', 'check', path)).toEqual({ file: path, daemons: ['coordinator', 'client'] })
  })
})

test('docs/configuration.md is made of the options of both programs', async () => {
  const { programPages } = (await import(join(root, 'dist/scripts/program-pages.js'))) as {
    programPages: () => Record<string, string>
  }
  for (const [path, text] of Object.entries(programPages())) {
    expect(await readFile(join(root, path), 'utf8'), 'run npm run generate').toBe(text)
    expect(text.match(/^\| `/gm)?.length).toBeGreaterThan(50)
  }
})

describe('a daemon', () => {
  test('starts with what file, environment and flags come to', async () => {
    await writeFile(at('secret'), 'x'.repeat(16))
    await chmod(at('secret'), 0o600)
    const path = await file('coordinator:\n  home: home\n  grpcPort: 0\n  httpPort: 1\n', 'run.yaml')
    const coordinator = new LongCommand('coordinator', '--config', path, '--http-port', '0')
    const { http } = await coordinator.event({ event: 'listening', clients: 0 })
    const health = await fetch(`${String(http)}/healthz`)
    expect(await health.json()).toEqual({ alive: true })
    coordinator.signal('SIGTERM')
    expect(await coordinator.exited).toBe(0)
  })

  test('does not start with a file that is wrong, or that says nothing of it', async () => {
    const wrong = await refusal('coordinator', '--config', await file('coordinator:\n  htpPort: 0\n'))
    expect(wrong).toMatchObject({ code: 'config.invalid', lines: [expect.stringContaining('did you mean httpPort?')] })
    const other = await refusal('client', 'start', '--config', await file('coordinator:\n  httpPort: 0\n'))
    expect(other.lines).toEqual([`${at('parley.yaml')}: it has no section client`])
    vi.stubEnv('PARLEY_HTPP_PORT', '0')
    const variable = await refusal('coordinator', '--home', at('never'))
    expect(variable.lines).toEqual([expect.stringContaining('did you mean PARLEY_HTTP_PORT?')])
  })
})

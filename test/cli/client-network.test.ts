/** A hospital behind a proxy that wants a password, and with no resolver for the coordinator: it joins, is looked at, and takes part. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { stringify } from 'yaml'
import { writeSyntheticHeart } from '../../client/datasets/synthetic-heart.ts'
import { inProcess, LongCommand, parleyJson } from '../support/cli.ts'
import { type Asked, closedPort, type Middlebox, startBalancer, startProxy } from '../support/middleboxes.ts'
import { hasOpenssl, makeCertificates } from '../wire/certificates.ts'

let folder: string
let coordinator: LongCommand
let operator: string[]
let table: string
let proxy: Middlebox & { readonly asked: Asked[] }
let behind: string[]
let ports: { grpc: number; ws: number }

const path = (name: string) => join(folder, name)
const home = () => ['--home', path('hospital-a')]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-network-'))
  await parleyJson('init', '--home', path('coordinator'))
  const publicUrls = [
    'https://coordinator.example:8443',
    'grpcs://coordinator.example:443',
    'wss://coordinator.example:8443/v1/session',
  ]
  coordinator = new LongCommand(
    ...['coordinator', '--home', path('coordinator'), '--grpc-port', '0', '--http-port', '0'],
    ...['--public-name', 'coordinator.example', ...publicUrls.flatMap((url) => ['--public-url', url])],
  )
  const { http, grpc } = (await coordinator.event({ event: 'listening' })) as { http: string; grpc: string }
  operator = ['--url', http, '--home', path('coordinator')]
  const portOf = (url: string) => Number(new URL(url).port)
  ports = { grpc: portOf(grpc), ws: portOf(http) }
  proxy = await startProxy({
    credentials: 'hospital:sesame',
    routes: { 'coordinator.example:443': ports.grpc, 'coordinator.example:8443': ports.ws },
  })
  await writeFile(path('proxy-credentials'), 'hospital:sesame\n', { mode: 0o600 })
  await writeFile(path('other-credentials'), 'hospital:wrong\n', { mode: 0o600 })
  behind = ['--proxy', `http://127.0.0.1:${proxy.port}`, '--proxy-credentials-file', path('proxy-credentials')]
  const [hospital] = await writeSyntheticHeart(path('data'), 1)
  table = hospital?.path ?? ''
}, 60_000)
afterEach(() => vi.unstubAllEnvs())
afterAll(async () => {
  await coordinator.end()
  await proxy.stop()
  await rm(folder, { recursive: true, force: true })
})

test('it joins, is looked at, and connects, all of it through the proxy', async () => {
  const { code } = await parleyJson<{ code: string }>('invite', 'hospital-a', ...operator)
  const asked = await parleyJson<{ fingerprint: string }>('client', 'join', code, '--no-wait', ...home(), ...behind)
  await parleyJson('client', 'approve', 'hospital-a', asked.fingerprint, ...operator)
  expect(await parleyJson('client', 'join', code, '--no-wait', ...home(), ...behind)).toMatchObject({ state: 'active' })

  const site = ['--data', table, '--unsafe-allow-any-plan']
  const looked = await inProcess('client', 'doctor', ...home(), ...site, ...behind)
  expect(looked).toMatchObject({ code: 0, stderr: '' })
  expect(looked.stdout).toMatch(/^ok {4}proxy .*goes through/m)
  expect(looked.stdout).toMatch(/^ok {4}tls .*issued by .* days left/m)
  expect(looked.stdout).toMatch(/^ok {4}carrier +gRPC in \d+ ms; WebSocket in \d+ ms$/m)
  expect(looked.stdout).toMatch(/^ok {4}dry-run +let in as hospital-a/m)

  // What the environment says is followed, too; the password comes from the file there as well.
  vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${proxy.port}`)
  const credentials = ['--proxy-credentials-file', path('proxy-credentials')]
  const client = new LongCommand('client', 'start', ...home(), ...site, ...credentials)
  try {
    expect(await client.event({ type: 'connected', client: 'hospital-a' })).toMatchObject({ carrier: 'grpc' })
    const beside = await inProcess('client', 'doctor', ...home(), ...site, ...behind, '--json')
    const lines = beside.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines).toContainEqual(expect.objectContaining({ type: 'check', check: 'dry-run', outcome: 'skipped' }))
    expect(lines.at(-1)).toMatchObject({ schemaVersion: '1', status: 'ok', exitCode: 0 })
  } finally {
    await client.end()
  }
  expect(new Set(proxy.asked.map(({ target }) => target))).toEqual(
    new Set(['coordinator.example:443', 'coordinator.example:8443']),
  )
}, 60_000)

test('the doctor takes what the client is configured with, also where that is nothing to it', async () => {
  const client = {
    home: path('hospital-a'),
    proxy: `http://127.0.0.1:${proxy.port}`,
    proxyCredentialsFile: path('proxy-credentials'),
    data: table,
    unsafeAllowAnyPlan: true,
    minCohort: 3,
  }
  await writeFile(path('client.yaml'), stringify({ client }))
  const looked = await inProcess('client', 'doctor', '--config', path('client.yaml'))
  expect(looked).toMatchObject({ code: 0, stderr: '' })
  expect(looked.stdout).toMatch(/^ok {4}proxy .*goes through/m)
  await writeFile(path('client.yaml'), stringify({ client: { ...client, minCohrt: 3 } }))
  const refused = await inProcess('client', 'doctor', '--config', path('client.yaml'))
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('minCohort') as string })
})

test('the operator reaches the coordinator through a proxy', async () => {
  const remote = ['--url', 'https://coordinator.example:8443', '--home', path('coordinator'), ...behind]
  const listed = await inProcess('client', 'list', ...remote)
  expect(listed).toMatchObject({ code: 0, stdout: expect.stringContaining('hospital-a') as string })
  const refused = await inProcess('client', 'list', ...remote.slice(0, -1), path('other-credentials'))
  expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining('proxy.authentication') as string })
})

test('a wrong password is named, with exit code 4, and shown by nobody', async () => {
  const wrong = [...behind.slice(0, -1), path('other-credentials')]
  const looked = await inProcess('client', 'doctor', ...home(), '--unsafe-allow-any-plan', ...wrong)
  expect(looked.code).toBe(4)
  expect(looked.stdout).toMatch(/^FAIL {2}proxy .*proxy\.authentication/m)
  expect(looked.stdout).toMatch(/^- {5}identity +not tried/m)
  expect(looked.stderr).toContain('node.not-ready: failed: proxy')
  const joining = await inProcess('client', 'join', 'parley1-x', ...home(), ...wrong)
  expect(looked.stdout + looked.stderr + joining.stderr).not.toContain('wrong')
})

test.each(['start', 'doctor'])('client %s takes no password in its arguments', async (verb) => {
  const url = 'http://hospital:sesame@127.0.0.1:3128'
  const refused = await inProcess('client', verb, ...home(), '--unsafe-allow-any-plan', '--data', table, '--proxy', url)
  expect(refused).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('config.secret-in-clear: --proxy') as string,
  })
  expect(refused.stderr).not.toContain('--no-proxy')
  expect(refused.stdout + refused.stderr).not.toContain('sesame')
})

test.skipIf(!hasOpenssl)(
  'behind a gateway that opens TLS it joins and takes part once the gateway’s authority was given',
  async () => {
    const certificates = makeCertificates()
    const gateway = await startBalancer(certificates.server, ports, 'honest', 'tls')
    const through = await startProxy({
      routes: { 'coordinator.example:443': gateway.port, 'coordinator.example:8443': gateway.port },
    })
    try {
      await writeFile(path('gateway.crt'), certificates.ca)
      const own = ['--home', path('hospital-b'), '--proxy', `http://127.0.0.1:${through.port}`]
      const trusting = [...own, '--ca', path('gateway.crt')]
      const { code } = await parleyJson<{ code: string }>('invite', 'hospital-b', ...operator)
      const distrusted = await inProcess('client', 'join', code, '--no-wait', ...own)
      expect(distrusted).toMatchObject({
        code: 6,
        stderr: expect.stringMatching(/tls\.untrusted.*issued by ca/) as string,
      })
      const { fingerprint } = await parleyJson<{ fingerprint: string }>(
        'client',
        'join',
        code,
        '--no-wait',
        ...trusting,
      )
      await parleyJson('client', 'approve', 'hospital-b', fingerprint, ...operator)
      expect(await parleyJson('client', 'join', code, '--no-wait', ...trusting)).toMatchObject({ state: 'active' })
      const site = ['--data', table, '--unsafe-allow-any-plan']
      const looked = await inProcess('client', 'doctor', ...trusting, ...site)
      expect(looked.code).toBe(0)
      expect(looked.stdout).toMatch(/^look {2}tls .*issued by ca, .*a gateway opens TLS on the way/m)
      expect((await inProcess('client', 'doctor', ...own, ...site)).stdout).toMatch(/^FAIL {2}tls .*issued by ca/m)
      const client = new LongCommand('client', 'start', ...trusting, ...site)
      await client.event({ type: 'connected', client: 'hospital-b' })
      await client.end()
      // The same on the one port that the gateway has for both carriers, with the proxy of the environment passed by.
      vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${await closedPort()}`)
      const direct = ['--home', path('hospital-b'), '--no-proxy', '--ca', path('gateway.crt')]
      const onePort = ['--coordinator', `https://localhost:${gateway.port}`]
      const other = new LongCommand('client', 'start', ...direct, ...onePort, ...site)
      expect(await other.event({ type: 'connected', client: 'hospital-b' })).toMatchObject({ carrier: 'grpc' })
      await other.end()
    } finally {
      await through.stop()
      await gateway.stop()
    }
  },
  60_000,
)

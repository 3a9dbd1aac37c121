/** How an institution joins, as its people and the operator's type it. */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeSyntheticHeart } from '../../client/datasets/synthetic-heart.ts'
import { inProcess, LongCommand, parleyJson } from '../support/cli.ts'

let folder: string
let coordinator: LongCommand
let operator: string[]
let table: string
let facts: { coordinator: string; authority: string }

const path = (name: string) => join(folder, name)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-join-'))
  facts = await parleyJson('init', '--home', path('coordinator'))
  coordinator = new LongCommand('coordinator', '--home', path('coordinator'), '--grpc-port', '0', '--http-port', '0')
  const { http } = (await coordinator.event({ event: 'listening' })) as { http: string }
  expect(http).toMatch(/^https:/)
  operator = ['--url', http, '--home', path('coordinator')]
  const [hospital] = await writeSyntheticHeart(path('data'), 1)
  table = hospital?.path ?? ''
}, 60_000)
afterAll(async () => {
  await coordinator.end()
  await rm(folder, { recursive: true, force: true })
})

test('a federation is made once, and its secrets are for its owner only', async () => {
  expect(facts).toMatchObject({ coordinator: expect.stringMatching(/^[0-9a-f]{64}$/) as string })
  expect((await stat(path('coordinator/authority.key'))).mode & 0o077).toBe(0)
  const again = await inProcess('init', '--home', path('coordinator'))
  expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('config.invalid') as string })
})

test('an institution is invited, joins, works, and is put out', async () => {
  const invited = await parleyJson<{ code: string; authority: string }>('invite', 'hospital-a', ...operator)
  expect(invited.authority).toBe(facts.authority)
  const home = ['--home', path('hospital-a')]
  const asked = await parleyJson<{ state: string; fingerprint: string }>(
    'client',
    'join',
    invited.code,
    '--no-wait',
    ...home,
  )
  expect(asked.state).toBe('pending')
  const wrong = await inProcess('client', 'approve', 'hospital-a', '0000-0000-0000-0000-0000', ...operator)
  expect(wrong).toMatchObject({ code: 4, stderr: expect.stringContaining('enrolment.fingerprint-mismatch') as string })
  await parleyJson('client', 'approve', 'hospital-a', asked.fingerprint, ...operator)
  expect(await parleyJson('client', 'join', invited.code, '--no-wait', ...home)).toMatchObject({ state: 'active' })
  const stolen = await inProcess('client', 'join', invited.code, '--no-wait', '--home', path('thief'))
  expect(stolen).toMatchObject({ code: 3, stderr: expect.stringContaining('enrolment.code-refused') as string })

  const client = new LongCommand('client', 'start', ...home, '--data', table)
  await client.event({ type: 'connected', client: 'hospital-a' })
  const listed = await inProcess('client', 'list', ...operator)
  expect(listed.stdout).toContain('hospital-a')
  await parleyJson('client', 'revoke', 'hospital-a', '--reason', 'key lost', ...operator)
  expect(await client.event({ type: 'disconnected' })).toMatchObject({ error: { code: 'auth.revoked' } })
  await client.end()
  const timeline = await inProcess('audit', 'timeline', '--home', path('coordinator'), '--action', 'client')
  for (const action of ['invite', 'request', 'approve', 'connect', 'revoke']) {
    expect(timeline.stdout).toContain(`client.${action}`)
  }
  expect(timeline.stdout).not.toContain(invited.code.slice(0, 60))
}, 60_000)

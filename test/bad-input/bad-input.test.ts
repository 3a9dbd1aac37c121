/**
 * What comes from outside and should not: each is refused by a name, and is on record, or counted where records would let strangers
 * fill the disk. One coordinator, as a program starts it. Other tests go into each: `test/enrolment`, `test/server/http-*`, `test/wire`,
 * `test/members`, `test/client/policy`, `test/consumer`, `test/evidence`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AuditLog, queryFolder } from '../../audit/index.ts'
import { recordLine } from '../../cli/audit-text.ts'
import { enrolmentRequest } from '../../client/enrolment/request.ts'
import type { ClientEvent } from '../../client/node/options.ts'
import type { AuditRecord } from '../../core/audit/record.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { toHex, utf8 } from '../../core/encoding/bytes.ts'
import { parseInvitation } from '../../core/enrolment/invitation.ts'
import { fingerprintOf } from '../../core/enrolment/messages.ts'
import { systemClock } from '../../core/system-clock.ts'
import { collectFacts } from '../../server/audit/recorded-facts.ts'
import { createLogger } from '../../server/observe/logger.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { auditKey } from '../audit/fixtures.ts'
import { digestOf } from '../client/policy/policies.ts'
import { Site } from '../client/policy/site.ts'
import { failure, upgraded } from '../server/http-fixtures.ts'
import { testAuthority } from '../support/enrolment.ts'
import { addingTrainer, coordinatorKey } from '../support/federation.ts'
import { addMember, cheap, PASSWORD, type TestMember } from '../support/people.ts'
import { planOf, planText } from '../support/plans.ts'
import { adminToken, Started } from '../support/started.ts'

const HOUR = 3_600_000
const DSSE = 'application/vnd.dsse.envelope.v1+json'

let folder: string
let started: Started
let ann: TestMember
let log = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-bad-input-'))
  const { facts, seen } = collectFacts()
  const federation = toHex(coordinatorKey.publicKey)
  const options = { federation, key: auditKey, crypto: nodeCrypto, clock: systemClock, seen }
  const store = memoryStore()
  ann = await addMember(store, systemClock, ['operator'])
  const stream = {
    write: (line: string) => {
      log += line
    },
  }
  started = await Started.create({
    store,
    clients: ['by-hand'],
    audit: { log: await AuditLog.open(folder, options), facts },
    enrolment: { authority: await testAuthority(), certificateMs: 1 },
    members: { passwordCost: cheap },
    logger: createLogger({ stream, now: systemClock.now, level: 'debug' }),
  })
})
afterAll(async () => {
  await started.stop()
  await rm(folder, { recursive: true, force: true })
})

async function records(): Promise<AuditRecord[]> {
  const found: AuditRecord[] = []
  for await (const record of queryFolder(folder, {})) found.push(record)
  return found
}

const url = (path: string) => started.running.urls.http + path
const bearer = { authorization: `Bearer ${adminToken}` }

function send(path: string, body: string | Uint8Array, type = 'application/json', headers: object = bearer) {
  return fetch(url(path), {
    method: 'POST',
    headers: { 'content-type': type, ...headers },
    body: typeof body === 'string' ? body : Buffer.from(body),
  })
}

const sendJson = (path: string, body: unknown, headers?: object) =>
  send(path, JSON.stringify(body), 'application/json', headers)

const keyOf = (name: string) => {
  const seed = nodeCrypto.sha256(utf8(`bad input ${name}`))
  return { seed, identity: nodeCrypto.signingKey(seed) }
}

async function invited(client: string): Promise<string> {
  const { code } = (await (await sendJson('/v1/clients', { client })).json()) as { code: string }
  return parseInvitation(code).secret
}

async function asks(key: string, client: string, secret: string, at = systemClock.now()) {
  return send('/v1/enrolments', await enrolmentRequest(keyOf(key), { client, secret }, at), DSSE, {})
}

async function cookie(): Promise<string> {
  const body = { name: ann.record.name, password: PASSWORD, code: ann.code(1) }
  const response = await sendJson('/v1/session', body, {})
  expect(response.status).toBe(200)
  return response.headers.get('set-cookie')?.split(';')[0] ?? ''
}

const codeOf = async (response: Response | Promise<Response>) => (await failure(await response)).code

type Item = readonly [what: string, code: string, action: string, bad: () => Promise<string>]

const items: readonly Item[] = [
  [
    'an invitation with another code',
    'enrolment.code-refused',
    'access.refuse',
    async () => {
      await invited('w')
      return codeOf(asks('w', 'w', 'A'.repeat(22)))
    },
  ],
  [
    'an invitation that was used',
    'enrolment.code-refused',
    'access.refuse',
    async () => {
      const secret = await invited('r')
      expect((await asks('r', 'r', secret)).status).toBe(200)
      return codeOf(asks('thief', 'r', secret))
    },
  ],
  ...[-HOUR, HOUR].map(
    (off): Item => [
      `a clock that is ${off / HOUR} hours off`,
      'enrolment.request-invalid',
      'access.refuse',
      async () => codeOf(asks('c', 'c', await invited('c'), systemClock.now() + off)),
    ],
  ),
  [
    'a code of a second factor from an hour ago',
    'auth.failed',
    'member.login',
    async () =>
      codeOf(sendJson('/v1/session', { name: ann.record.name, password: PASSWORD, code: ann.code(-120) }, {})),
  ],
  [
    'a code of a second factor that was used',
    'auth.failed',
    'member.login',
    async () => {
      await cookie()
      return codeOf(sendJson('/v1/session', { name: ann.record.name, password: PASSWORD, code: ann.code(1) }, {}))
    },
  ],
  [
    'a certificate that has ended',
    'auth.certificate-expired',
    'client.refuse',
    async () => {
      const secret = await invited('e')
      await asks('e', 'e', secret)
      const fingerprint = fingerprintOf(nodeCrypto, keyOf('e').identity.publicKey)
      expect((await sendJson('/v1/clients/e/approve', { fingerprint })).status).toBe(200)
      const event = await new Promise<ClientEvent>((resolve) => {
        const { identity } = keyOf('e')
        const onEvent = (one: ClientEvent) => void (one.type === 'disconnected' && resolve(one))
        started.addClient('e', 'ws', addingTrainer(1), { identity, onEvent })
      })
      return event.type === 'disconnected' ? (event.error?.code ?? '') : ''
    },
  ],
  [
    'a form of another site, with a session’s cookie',
    'auth.origin',
    'access.refuse',
    async () => {
      const session = await ann.session()
      const headers = { cookie: `parley-session=${session}`, origin: 'https://evil.example' }
      return codeOf(sendJson('/v1/garbage', { before: '2026-01-01T00:00:00Z', dryRun: false }, headers))
    },
  ],
  [
    'a WebSocket of another site, with a session’s cookie',
    'auth.origin',
    'client.refuse',
    async () => {
      const answer = await upgraded(
        started.running.urls.http,
        `cookie: parley-session=${await ann.session()}`,
        'origin: https://evil.example',
      )
      expect(answer).toMatch(/^HTTP\/1.1 403 /)
      return /parley-code: (\S+)/.exec(answer)?.[1] ?? ''
    },
  ],
  [
    'a body that is too large',
    'request.too-large',
    'request.malformed',
    () => codeOf(send('/v1/garbage', `"${'x'.repeat(2 ** 21)}"`)),
  ],
  ...['', '{', '[]', '{"before":1}', '{"__proto__":{"dryRun":true}}', '\u0000'].map(
    (body): Item => [
      `the body ${JSON.stringify(body)}`,
      'request.invalid',
      'request.malformed',
      () => codeOf(send('/v1/garbage', body)),
    ],
  ),
  [
    'a body of another type',
    'request.invalid',
    'request.malformed',
    () => codeOf(send('/v1/garbage', '<xml/>', 'application/xml')),
  ],
  ...['/v1/clients/..%2f..%2fetc/suspend', '/v1/clients/%2e%2e%2fx/revoke', '/v1/runs/a%00b/stop'].map(
    (path): Item => [
      `the path ${path}`,
      'request.invalid',
      'request.malformed',
      () => codeOf(sendJson(path, { reason: 'x' })),
    ],
  ),
  [
    'a bundle of a version whose name leads elsewhere',
    'request.invalid',
    'request.malformed',
    () => codeOf(fetch(url('/v1/evidence?version=../../etc/1'), { headers: bearer })),
  ],
]

describe('is refused by its name, and on record', () => {
  test.each(items)('%s', async (_what, code, action, bad) => {
    const before = (await records()).length
    expect(await bad()).toBe(code)
    await expect
      .poll(async () => (await records()).slice(before).filter((one) => one.action === action && one.code === code))
      .not.toEqual([])
  })
})

test('a plan that is another than the one that was approved is held, and on record', async () => {
  const site = await Site.create('by-hand', {})
  const approved = { rounds: 1, count: { min: 1, max: 1 } }
  await site.decide(digestOf(planOf(approved)), { data: 'heart' })
  const trainer = { ...addingTrainer(1), rows: { train: 10, heldOut: 5 } }
  const node = started.addClient('by-hand', 'ws', trainer, { policy: await site.policy() })
  const { api } = started.running
  try {
    const { run } = await api.startRun(planText(approved))
    expect((await started.view(run)).history[0]?.accepted).toEqual(['by-hand'])
    const changed = await api.startRun(planText({ ...approved, rounds: 2 }))
    const declined = (one: AuditRecord) => one.action === 'task.decline' && one.object.id === `${changed.run}/1`
    await expect.poll(async () => (await records()).find(declined)?.code).toBe('node.plan-held')
    await api.stopRun(changed.run, 'held')
  } finally {
    await node.stop()
    await site.remove()
  }
})

describe('is refused by its name, and counted', () => {
  const refused = async () =>
    [...(await metrics()).matchAll(/parley_http_requests_total\{method="\w+",status="4xx"\} (\d+)/g)]
      .map(([, count]) => Number(count))
      .reduce((sum, count) => sum + count, 0)
  const metrics = async () => (await fetch(url('/metrics'))).text()

  test.each([
    ['/v1/models/..%2f..%2fetc%2fpasswd', 'request.invalid'],
    ['/v1/models/tiny/versions/1/files/..%2f..%2fidentity.key', 'object.not-found'],
    ['/assets/..%2f..%2fpackage.json', 'object.not-found'],
    ['/%2e%2e/%2e%2e/etc/passwd', 'object.not-found'],
  ])('the path %s, which anybody may ask for', async (path, code) => {
    const before = await refused()
    expect(await codeOf(fetch(url(path)))).toBe(code)
    expect(await refused()).toBeGreaterThan(before)
  })
})

describe('does nothing to who reads the logs', () => {
  const evil = 'x\n{"level":"info","msg":"forged"}\r\n\u001b]0;evil\u0007\u202e\u2028parley_up 1'

  test('a reason, an agent, a name, a plan with lines and controls in them', async () => {
    const { run } = await started.running.api.startRun(planText({ rounds: 1 }))
    expect((await sendJson(`/v1/runs/${run}/stop`, { reason: evil })).status).toBe(200)
    await sendJson('/v1/session', { name: evil, password: evil }, {})
    await send('/v1/runs', `parley: ${evil}`, 'application/yaml')
    await sendJson('/v1/clients', { client: 'named', label: evil })
    await fetch(url('/v1/runs'), { headers: { 'user-agent': 'x\ty', 'x-forwarded-for': '<script>' } })
    const found = await records()
    const stopped = found.find(({ action, object }) => action === 'run.end' && object.id === run)
    expect(stopped?.details.reason).toBe(evil)
    for (const record of found) expect(recordLine(record)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    const lines = log.trimEnd().split('\n')
    for (const line of lines) expect(() => JSON.parse(line) as unknown, line).not.toThrow()
    expect(lines.filter((line) => line.startsWith('{"level":"info","msg":"forged"'))).toEqual([])
  })

  test('labels of metrics are of what the table has, whatever is sent', async () => {
    await fetch(url(`/v1/models/${encodeURIComponent(evil)}`))
    await fetch(url('/v1/runs'), { method: 'PROPFIND' }).catch(() => undefined)
    const page = await (await fetch(url('/metrics'))).text()
    expect(page).not.toContain('evil')
    expect(page).not.toContain('forged')
    for (const line of page.split('\n')) expect(line).toMatch(/^($|#|[a-z0-9_]+(\{[^{}]*\})? [-+\w.]+$)/)
  })
})

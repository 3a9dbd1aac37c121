/** What `parley client doctor` finds: each branch against real sockets and files. */
import { writeFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type CheckName, checkNames, type DoctorOptions, examine, type Reported } from '../../client/doctor/index.ts'
import { loadEngine } from '../../client/training/tfjs/load.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { systemClock } from '../../core/system-clock.ts'
import { defaultLimits } from '../../core/wire/limits.ts'
import { coordinatorKey, keyOf } from '../support/federation.ts'
import { closedPort, type Manner, startBalancer, startProxy, startSilent } from '../support/middleboxes.ts'
import { planOf } from '../support/plans.ts'
import { Started } from '../support/started.ts'
import { type Certificates, hasOpenssl, makeCertificates } from '../wire/certificates.ts'
import { Site, studyOf } from './policy/site.ts'

const DAY_MS = 86_400_000
const secret = 4_711.25
const rows = (count: number, ends: string) =>
  Array.from({ length: count }, (_, row) => `${row},${secret},${-row},${row % 2}${ends}`).join('\n')

/** Where it is installed and works, that engine cannot be missing. */
const native = await loadEngine('tfjs-node').then(
  () => true,
  () => false,
)

let started: Started
let site: Site
const open: { stop(): Promise<void> }[] = []
beforeAll(async () => {
  started = await Started.create()
  site = await Site.create('a', { study: studyOf() })
  await writeFile(site.path('heart.csv'), `x0,x1,x2,y\n${rows(40, '')}\n`)
})
afterAll(async () => {
  await started.stop()
  await site.remove()
})
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop()
})

async function examined(options: Partial<DoctorOptions> = {}): Promise<Record<CheckName, Reported>> {
  const told: Reported[] = []
  const reports = await examine(
    {
      crypto: nodeCrypto,
      clock: systemClock,
      limits: defaultLimits,
      urls: [started.url('grpc'), started.url('ws')],
      dial: {},
      identity: keyOf('a'),
      coordinatorKey: coordinatorKey.publicKey,
      policy: { path: site.path('policy.yaml'), keyPath: site.path('key.pub') },
      spent: async () => ({ rounds: 0, epsilon: 0 }),
      running: async () => false,
      home: site.folder,
      free: { disk: async () => 2 ** 40, memory: () => 2 ** 40 },
      ...options,
    },
    (reported) => told.push(reported),
  )
  expect(told).toEqual(reports)
  expect(reports.map(({ check }) => check)).toEqual(checkNames)
  return Object.fromEntries(reports.map((report) => [report.check, report])) as Record<CheckName, Reported>
}

/** The outcomes by check: what matters of most cases. */
const outcomes = (found: Record<CheckName, Reported>) =>
  Object.fromEntries(Object.values(found).map(({ check, outcome }) => [check, outcome]))

const allFine = Object.fromEntries(checkNames.map((name) => [name, 'ok']))

describe('a client that is ready', () => {
  it('has every check pass, and the coordinator sees it come and go', async () => {
    const found = await examined({ plan: planOf() })
    expect(outcomes(found)).toEqual(allFine)
    expect(found.data.value).toContain('40 of 40 rows usable, 32 to train and 8 held out')
    expect(found['dry-run'].value).toContain('let in as a')
    expect(found.identity.measured).toEqual({ key: toHex(coordinatorKey.publicKey) })
    expect(JSON.stringify(found)).not.toContain(String(secret))
  })
})

const networkChecks = ['port', 'proxy', 'tls', 'carrier', 'identity', 'clock', 'dry-run'] as const
const skippedFrom = (first: (typeof networkChecks)[number]) =>
  Object.fromEntries(networkChecks.slice(networkChecks.indexOf(first)).map((name) => [name, 'skipped']))

describe('the way to the coordinator', () => {
  it.each([
    ['nonsense', 'config.invalid'],
    ['grpc://coordinator.example:1', 'config.insecure'],
  ] as const)('is not %s, as for a client', async (url, code) => {
    await expect(examined({ urls: [url] })).rejects.toMatchObject({ code })
  })

  it('names a host that is not known, and tries nothing behind it', async () => {
    const found = await examined({ urls: [`grpcs://${'x'.repeat(64)}.test:1`] })
    expect(outcomes(found)).toEqual({ ...allFine, name: 'fail', ...skippedFrom('port') })
    expect(found.port.value).toBe('not tried, because of name')
    expect(found.name.advice).toContain('DNS')
  })

  it('names a port that is closed, and what has to be opened', async () => {
    const port = await closedPort()
    const found = await examined({ urls: [`ws://127.0.0.1:${port}`] })
    expect(outcomes(found)).toEqual({ ...allFine, port: 'fail', ...skippedFrom('proxy') })
    expect(found.port).toMatchObject({
      code: 'session.unreachable',
      advice: expect.stringContaining(`${port}`) as string,
    })
  })

  it('is content with one address of two, and says so', async () => {
    const found = await examined({ urls: [`grpc://127.0.0.1:${await closedPort()}`, started.url('ws')] })
    expect(outcomes(found)).toEqual({ ...allFine, port: 'warn', carrier: 'warn' })
    expect(found.carrier.value).toContain('WebSocket does')
  })

  it('goes through a proxy, and names its refusals', async () => {
    const honest = await startProxy({ credentials: 'clinic:sesame' })
    open.push(honest)
    const url = `http://127.0.0.1:${honest.port}`
    const through = await examined({ dial: { proxy: { url, credentials: 'clinic:sesame' } } })
    expect(outcomes(through)).toEqual(allFine)
    expect(through.proxy.value).toContain('goes through')
    const refused = await examined({ dial: { proxy: { url, credentials: 'clinic:wrong' } } })
    expect(outcomes(refused)).toEqual({ ...allFine, proxy: 'fail', ...skippedFrom('tls') })
    expect(refused.proxy).toMatchObject({ code: 'proxy.authentication' })
    expect(JSON.stringify([through, refused])).not.toMatch(/clinic:|sesame|wrong/)
    const absent = await examined({ dial: { proxy: { url: `http://127.0.0.1:${await closedPort()}` } } })
    expect(absent.port).toMatchObject({ outcome: 'fail', code: 'proxy.unreachable' })
  })

  it('names a coordinator that says nothing', async () => {
    const silent = await startSilent()
    open.push(silent)
    const limits = { ...defaultLimits, handshakeMs: 2_000 }
    const found = await examined({ urls: [`grpc://127.0.0.1:${silent.port}`], limits })
    expect(found.carrier).toMatchObject({ outcome: 'fail', code: 'session.unreachable' })
    expect(found['dry-run'].outcome).toBe('skipped')
  })
})

describe.skipIf(!hasOpenssl)('TLS on the way (needs the program openssl)', () => {
  let certificates: Certificates
  beforeAll(() => {
    certificates = makeCertificates()
  })

  async function behind(manner: Manner) {
    const portOf = (carrier: 'grpc' | 'ws') => Number(new URL(started.url(carrier)).port)
    const balancer = await startBalancer(certificates.server, { grpc: portOf('grpc'), ws: portOf('ws') }, manner)
    open.push(balancer)
    return [`https://127.0.0.1:${balancer.port}`]
  }

  it('says who certified the other end and for how long; two days are few', async () => {
    const { ca } = certificates
    const found = await examined({ urls: await behind('honest'), dial: { tls: { ca } }, authority: ca })
    expect(outcomes(found)).toEqual({ ...allFine, tls: 'warn' })
    expect(found.tls).toMatchObject({ measured: { issuer: 'ca', opened: false } })
    expect(found.tls.value).toMatch(/issued by ca, [12] days left/)
  })

  it('names a gateway that opens TLS, whether it is trusted or not', async () => {
    const urls = await behind('honest')
    const authority = certificates.strangerCa
    const distrusted = await examined({ urls, dial: { tls: { ca: authority } }, authority })
    expect(outcomes(distrusted)).toEqual({ ...allFine, tls: 'fail', ...skippedFrom('carrier') })
    expect(distrusted.tls).toMatchObject({
      code: 'tls.untrusted',
      value: expect.stringContaining('issued by ca') as string,
    })
    const trusted = await examined({ urls, dial: { tls: { ca: authority, gatewayCa: certificates.ca } }, authority })
    expect(outcomes(trusted)).toEqual({ ...allFine, tls: 'warn' })
    expect(trusted.tls).toMatchObject({ measured: { issuer: 'ca', opened: true } })
  })

  it.each(['http1', 'no-alpn', 'cuts'] as const)(
    'says that HTTP/2 does not get through where something %s',
    async (manner) => {
      const found = await examined({ urls: await behind(manner), dial: { tls: { ca: certificates.ca } } })
      expect(outcomes(found)).toEqual({ ...allFine, tls: 'warn', carrier: 'warn' })
      expect(found.carrier.advice).toContain('goes over WebSocket')
    },
  )
})

describe('the coordinator', () => {
  it('is one that does not prove the pinned key', async () => {
    const found = await examined({ coordinatorKey: keyOf('another').publicKey })
    expect(outcomes(found)).toMatchObject({ identity: 'fail', 'dry-run': 'skipped', policy: 'warn' })
    expect(found.identity.code).toBe('node.untrusted-coordinator')
  })

  it('does not let this client in', async () => {
    const found = await examined({ identity: keyOf('nobody') })
    expect(outcomes(found)).toEqual({ ...allFine, 'dry-run': 'fail' })
    expect(found['dry-run'].code).toBe('auth.failed')
  })

  it('is left alone where a client of this folder is running', async () => {
    const found = await examined({ running: async () => true })
    expect(found['dry-run']).toMatchObject({ outcome: 'skipped', value: expect.stringContaining('running') as string })
  })
})

describe('clocks and certificates', () => {
  const ahead = (ms: number) => ({ ...systemClock, now: () => systemClock.now() + ms })
  const joined = { from: systemClock.now() - DAY_MS, until: systemClock.now() + 6 * DAY_MS }

  it.each([
    [10_000, undefined, 'ok'],
    [-120_000, undefined, 'warn'],
    [10 * 60_000, undefined, 'warn'],
    [10 * 60_000, joined, 'fail'],
    [-2 * 3_600_000, undefined, 'fail'],
  ] as const)('%i ms off is %3$s', async (ms, certificate, outcome) => {
    const found = await examined({ clock: ahead(ms), ...(certificate === undefined ? {} : { certificate }) })
    expect(found.clock.outcome).toBe(outcome)
    expect(Math.abs(Number(found.clock.measured?.seconds) - ms / 1000)).toBeLessThan(5)
  })

  it('cannot look at the clock where no address speaks HTTP', async () => {
    expect((await examined({ urls: [started.url('grpc')] })).clock.outcome).toBe('skipped')
  })

  it.each([
    [6, 'ok'],
    [1, 'warn'],
    [-1, 'fail'],
  ] as const)('a certificate with %i days left is %s', async (days, outcome) => {
    const until = systemClock.now() + days * DAY_MS
    const found = await examined({ certificate: { from: until - 7 * DAY_MS, until } })
    expect(found.certificate.outcome).toBe(outcome)
    if (outcome === 'fail') expect(found.certificate.code).toBe('auth.certificate-expired')
  })
})

describe('the site', () => {
  const policyOfSite = (one: Site) => ({ path: one.path('policy.yaml'), keyPath: one.path('key.pub') })
  async function withSite(name: string, rest: object, work: (one: Site) => Promise<void>) {
    const one = await Site.create(name, { study: studyOf() }, rest)
    await writeFile(one.path('heart.csv'), `x0,x1,x2,y\n${rows(40, '')}\n`)
    try {
      await work(one)
    } finally {
      await one.remove()
    }
  }

  it('has a policy that is missing, over, changed since it was signed, or for others', async () => {
    expect(
      (await examined({ policy: { path: site.path('none.yaml'), keyPath: site.path('key.pub') } })).policy,
    ).toMatchObject({
      outcome: 'fail',
      code: 'policy.absent',
    })
    await withSite('over', { valid: { until: '2020-01-01' } }, async (one) => {
      const { policy } = await examined({ policy: policyOfSite(one) })
      expect(policy).toMatchObject({
        outcome: 'fail',
        value: expect.stringContaining('not valid after 2020-01-01') as string,
      })
      await writeFile(one.path('policy.yaml'), 'policy: 1\n')
      expect((await examined({ policy: policyOfSite(one) })).policy).toMatchObject({
        outcome: 'fail',
        code: 'policy.unsigned',
      })
    })
    await withSite('others', { coordinators: { consortium: 'cd'.repeat(32) } }, async (one) => {
      const { policy } = await examined({ policy: policyOfSite(one) })
      expect(policy).toMatchObject({ outcome: 'warn', value: expect.stringContaining('does not name') as string })
    })
  })

  it('has a ledger that cannot be read', async () => {
    const spent = async () => Promise.reject(new ParleyError('config.invalid', 'the ledger is damaged'))
    expect((await examined({ spent })).ledger).toMatchObject({ outcome: 'fail', code: 'config.invalid' })
  })

  it('has little room on its disk, or in its memory', async () => {
    const free = { disk: async () => 2 ** 20, memory: () => 2 ** 20 }
    expect(outcomes(await examined({ free }))).toEqual({ ...allFine, disk: 'fail', memory: 'warn' })
    expect(outcomes(await examined({ free: { ...free, disk: async () => 300 * 2 ** 20 } }))).toMatchObject({
      disk: 'warn',
    })
  })

  it('has data that is missing, of another schema, or with bad rows, of which no value is shown', async () => {
    const named = (name: string) => ({ data: { csv: site.path(name) }, plan: planOf() })
    expect((await examined(named('none.csv'))).data).toMatchObject({ outcome: 'fail', code: 'data.not-found' })
    await writeFile(site.path('other.csv'), `a,b\n1,${secret}\n`)
    expect((await examined(named('other.csv'))).data).toMatchObject({ outcome: 'fail', code: 'data.schema' })
    await writeFile(site.path('bad.csv'), `x0,x1,x2,y\n${rows(40, '')}\n1,${secret}x,2,1\n1,?,2,0\n1,2\n`)
    const bad = await examined(named('bad.csv'))
    expect(bad.data).toMatchObject({ outcome: 'warn', measured: { rows: 43, used: 40, bad: 3 } })
    expect(bad.data.value).toContain('in x1')
    expect(JSON.stringify(bad)).not.toContain(String(secret))
    const outline = await examined({ data: { csv: site.path('bad.csv') } })
    expect(outline.data).toMatchObject({ outcome: 'warn', measured: { rows: 43, columns: 4, odd: 1 } })
  })

  it('names no data at all', async () => {
    await withSite('empty', { data: {}, studies: {} }, async (one) => {
      expect((await examined({ policy: policyOfSite(one) })).data.outcome).toBe('warn')
    })
  })

  it.skipIf(native)('has no engine of the name that was asked for', async () => {
    const found = await examined({ engine: 'tfjs-node' })
    expect(found.engine).toMatchObject({ outcome: 'fail', code: 'engine.unavailable' })
  })
})

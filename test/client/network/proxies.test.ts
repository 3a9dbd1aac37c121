/** Through a proxy by CONNECT, on every carrier and for enrolment; and what its refusals are called. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { dialUrl } from '../../../client/carriers/dial.ts'
import type { DialOptions } from '../../../client/carriers/options.ts'
import { type ProxyChoice, proxyFor } from '../../../client/network/proxy.ts'
import { ParleyError } from '../../../core/errors/index.ts'
import { defaultLimits } from '../../../core/wire/limits.ts'
import { addingTrainer } from '../../support/federation.ts'
import { closedPort, type ProxyOptions, startProxy, startSilent, startTalker } from '../../support/middleboxes.ts'
import { planText } from '../../support/plans.ts'
import { Started } from '../../support/started.ts'
import { type Certificates, hasOpenssl, makeCertificates } from '../../wire/certificates.ts'

const carriers = ['grpc', 'ws'] as const
const open: { stop(): Promise<void> }[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const box of open.splice(0).reverse()) await box.stop()
})

async function proxy(options: ProxyOptions = {}) {
  const box = await startProxy(options)
  open.push(box)
  return { ...box, url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${box.port}` }
}

async function refusalOf(url: string, options: DialOptions): Promise<ParleyError> {
  try {
    const connection = await dialUrl(url, options)()
    connection.destroy()
    return expect.fail('the dial went through')
  } catch (failure) {
    if (failure instanceof ParleyError) return failure
    throw failure
  }
}

describe.each(carriers)('%s through a proxy', (carrier) => {
  it('does a whole run, with credentials, and needs no resolver for the coordinator', async () => {
    const started = await Started.create({ clients: ['a', 'b'] })
    open.push(started)
    const port = Number(new URL(started.url(carrier)).port)
    const target = `coordinator.test:${port}`
    const between = await proxy({ credentials: 'clinic:open: sésame', routes: { [target]: port } })
    const dial = dialUrl(`${carrier}://${target}`, {
      allowClearTextBeyondLoopback: true,
      proxy: { url: between.url, credentials: 'clinic:open: sésame' },
    })
    for (const name of ['a', 'b']) started.addClient(name, carrier, addingTrainer(1), { dials: [dial] })
    const { run } = await started.running.api.startRun(planText({ rounds: 2 }))
    expect(await started.view(run)).toMatchObject({ phase: 'over', outcome: { kind: 'published' } })
    expect(between.asked.map((one) => one.target)).toEqual([target, target])
  })

  it.each([
    [407, 'proxy.authentication', 'clinic'],
    [403, 'proxy.refused', '403'],
    [302, 'proxy.refused', '302'],
    [502, 'proxy.no-route', '502'],
  ] as const)('calls an answer of %i by its name: %s', async (status, code, word) => {
    const between = await proxy(status === 407 ? { credentials: 'clinic:right' } : { status })
    const error = await refusalOf(`${carrier}://127.0.0.1:7`, {
      proxy: { url: between.url, credentials: 'clinic:wrong' },
    })
    expect(error).toMatchObject({ code, message: expect.stringContaining('CONNECT 127.0.0.1:7') as string })
    expect(error.message).toContain(status === 407 ? 'others than those' : word)
    expect(JSON.stringify([error.describe(), error.message])).not.toContain('wrong')
  })

  it('says that a proxy wants credentials where none were given', async () => {
    const between = await proxy({ credentials: 'clinic:right' })
    const error = await refusalOf(`${carrier}://127.0.0.1:7`, { proxy: { url: between.url } })
    expect(error).toMatchObject({
      code: 'proxy.authentication',
      message: expect.stringMatching(/Basic; none were given/) as string,
    })
  })

  it('names a proxy that is not there, and one that says nothing', async () => {
    const absent = await refusalOf(`${carrier}://127.0.0.1:7`, {
      proxy: { url: `http://127.0.0.1:${await closedPort()}` },
    })
    expect(absent.code).toBe('proxy.unreachable')
    const silent = await startSilent()
    open.push(silent)
    const limits = { ...defaultLimits, handshakeMs: 50 }
    const mute = await refusalOf(`${carrier}://127.0.0.1:7`, {
      limits,
      proxy: { url: `http://127.0.0.1:${silent.port}` },
    })
    expect(mute.code).toBe('proxy.unreachable')
  })

  it.each([
    ['hangs up', '', 'once'],
    ['speaks something else', 'SSH-2.0-something\r\n', 'once'],
    ['never comes to the end of its headers', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(1_000)}`, 'for ever'],
  ] as const)('names a proxy that %s', async (_what, word, manner) => {
    const box = await startTalker(word, manner)
    open.push(box)
    const error = await refusalOf(`${carrier}://127.0.0.1:7`, { proxy: { url: `http://127.0.0.1:${box.port}` } })
    expect(error.code).toBe('proxy.unreachable')
  })

  it('goes directly where that is said', async () => {
    // In small letters, as grpc-js would read them by itself.
    for (const name of ['https_proxy', 'http_proxy', 'grpc_proxy'])
      vi.stubEnv(name, `http://127.0.0.1:${await closedPort()}`)
    const started = await Started.create()
    open.push(started)
    const connection = await dialUrl(started.url(carrier), { proxy: { url: null } })()
    connection.destroy()
    // On this machine the environment's proxy is not asked, by neither library.
    const same = await dialUrl(started.url(carrier))()
    same.destroy()
  })
})

describe.skipIf(!hasOpenssl)('with TLS (needs the program openssl)', () => {
  let certificates: Certificates
  let started: Started
  beforeAll(async () => {
    certificates = makeCertificates()
    started = await Started.create({ tls: certificates.server })
  })
  afterAll(() => started.stop())

  it.each(carriers)(
    '%s: TLS is spoken with the coordinator, inside the tunnel of a proxy that speaks TLS itself',
    async (carrier) => {
      const between = await proxy({ tls: certificates.server })
      const tls = { ca: certificates.ca }
      const connection = await dialUrl(started.url(carrier), { tls, proxy: { url: between.url } })()
      connection.destroy()
      expect(between.asked).toHaveLength(1)
      const distrusted = await refusalOf(started.url(carrier), { proxy: { url: between.url } })
      expect(distrusted).toMatchObject({ code: 'tls.untrusted', details: { issuer: 'ca' } })
    },
  )
})

describe('which proxy', () => {
  const url = (target: string, choice?: ProxyChoice) => proxyFor(new URL(target), choice)?.url.href
  it('is the one that was chosen, else that of the environment for TLS or for clear text', () => {
    vi.stubEnv('HTTPS_PROXY', 'http://secure.test:1')
    vi.stubEnv('http_proxy', 'http://clear.test:2')
    for (const scheme of ['grpcs', 'wss', 'https']) expect(url(`${scheme}://c.test`)).toBe('http://secure.test:1/')
    for (const scheme of ['grpc', 'ws', 'http']) expect(url(`${scheme}://c.test`)).toBe('http://clear.test:2/')
    expect(url('grpcs://c.test', { url: 'http://own.test:3' })).toBe('http://own.test:3/')
    expect(url('grpcs://c.test', { url: null })).toBeUndefined()
  })

  it('is none for this machine, and for what NO_PROXY names', () => {
    vi.stubEnv('HTTPS_PROXY', 'http://secure.test:1')
    vi.stubEnv('NO_PROXY', '.inside.test, c.test:7443')
    for (const host of ['127.0.0.1', 'localhost', '[::1]', 'a.inside.test', 'c.test:7443']) {
      expect(url(`grpcs://${host}`)).toBeUndefined()
    }
    expect(url('grpcs://c.test')).toBe('http://secure.test:1/')
    // The one that was chosen by hand is meant.
    expect(url('grpcs://127.0.0.1', { url: 'http://own.test:3' })).toBe('http://own.test:3/')
  })

  it.each(['socks5://p.test:1', 'p.test:1', 'http://', 'http://clinic:secret@p.test:1', 'http://clinic@p.test:1'])(
    'is not %s, and the message does not repeat it',
    (chosen) => {
      const refused = () => dialUrl('grpcs://c.test', { proxy: { url: chosen } })
      expect(refused).toThrow(expect.objectContaining({ code: 'config.invalid' }))
      expect(refused).not.toThrow(/secret/)
    },
  )

  it('has no password in the environment either', () => {
    vi.stubEnv('HTTPS_PROXY', 'http://clinic:secret@p.test:1')
    const refused = () => proxyFor(new URL('wss://c.test'))
    expect(refused).toThrow(expect.objectContaining({ code: 'config.invalid' }))
    expect(refused).not.toThrow(/secret/)
  })

  it.each(['clinic', 'clinic:a\nb', ':a', ''])('has no credentials such as %j', (credentials) => {
    expect(() => dialUrl('wss://c.test', { proxy: { url: 'http://p.test:1', credentials } })).toThrow(
      expect.objectContaining({ code: 'config.invalid' }),
    )
  })
})

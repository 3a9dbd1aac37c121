/** One address, one port: over gRPC where HTTP/2 gets through, over WebSocket where something on the way breaks it. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { carrierUrls } from '../../../client/carriers/carrier-urls.ts'
import { dialUrl } from '../../../client/carriers/dial.ts'
import type { DialOptions } from '../../../client/carriers/options.ts'
import { Ways } from '../../../client/carriers/ways.ts'
import type { ClientEvent } from '../../../client/node/options.ts'
import { defaultLimits } from '../../../core/wire/limits.ts'
import { addingTrainer, keyOf } from '../../support/federation.ts'
import { type Manner, startBalancer, startProxy } from '../../support/middleboxes.ts'
import { planText } from '../../support/plans.ts'
import { Started } from '../../support/started.ts'
import { type Certificates, hasOpenssl, makeCertificates } from '../../wire/certificates.ts'

const impatient = { limits: { ...defaultLimits, handshakeMs: 1_000 } }
const open: { stop(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop()
})

describe.skipIf(!hasOpenssl)('behind a load balancer that ends TLS (needs the program openssl)', () => {
  let certificates: Certificates
  beforeAll(() => {
    certificates = makeCertificates()
  })

  async function behind(manner: Manner) {
    const started = await Started.create({ clients: ['a', 'b'] })
    open.push(started)
    const portOf = (carrier: 'grpc' | 'ws') => Number(new URL(started.url(carrier)).port)
    const balancer = await startBalancer(certificates.server, { grpc: portOf('grpc'), ws: portOf('ws') }, manner)
    open.push(balancer)
    return { started, balancer }
  }

  /** Starts client `name` on one address, and gives what it tells. */
  function join(
    { started }: { started: Started },
    name: string,
    port: number,
    options: DialOptions = {},
  ): ClientEvent[] {
    const events: ClientEvent[] = []
    const all = { tls: { ca: certificates.ca }, ...options }
    started.addClient(name, 'grpc', addingTrainer(1), {
      dials: carrierUrls(`https://127.0.0.1:${port}`).map((url) => dialUrl(url, all)),
      onEvent: (event) => events.push(event),
    })
    return events
  }

  it.each(['honest', 'http1', 'no-alpn', 'cuts', 'hangs'] as const)(
    'a whole run is done where it is: %s',
    async (manner) => {
      const { started, balancer } = await behind(manner)
      const heard = ['a', 'b'].map((name) =>
        join({ started }, name, balancer.port, manner === 'hangs' ? impatient : {}),
      )
      const { run } = await started.running.api.startRun(planText({ rounds: 2 }))
      expect(await started.view(run)).toMatchObject({ phase: 'over', outcome: { kind: 'published' } })
      for (const events of heard) {
        const used = events.flatMap((event) => (event.type === 'connected' ? [event.carrier] : []))
        expect(used).toEqual([manner === 'honest' ? 'grpc' : 'ws'])
        const failures = events.flatMap((event) =>
          event.type === 'disconnected' && event.error ? [event.error.code] : [],
        )
        const blocked = ['http1', 'no-alpn'].includes(manner) ? ['session.http2-blocked'] : ['session.unreachable']
        expect([...new Set(failures)]).toEqual(manner === 'honest' ? [] : blocked)
      }
    },
  )

  it('the same through a proxy in front of it', async () => {
    const { started, balancer } = await behind('cuts')
    const between = await startProxy({ credentials: 'clinic:right' })
    open.push(between)
    const proxy = { url: `http://127.0.0.1:${between.port}`, credentials: 'clinic:right' }
    for (const name of ['a', 'b']) join({ started }, name, balancer.port, { proxy })
    const { run } = await started.running.api.startRun(planText({ rounds: 2 }))
    expect(await started.view(run)).toMatchObject({ phase: 'over', outcome: { kind: 'published' } })
    expect(balancer.seen).toMatchObject({ http1: 2 })
    expect(between.asked).toHaveLength(balancer.seen.http1 + balancer.seen.http2)
  })

  it('never falls back to a coordinator that is not the pinned one, nor to one that nobody has certified', async () => {
    const { started, balancer } = await behind('http1')
    const codes = async (options: Partial<Parameters<Started['addClient']>[3]>, dial: DialOptions) => {
      const seen: string[] = []
      let twice = () => {}
      const done = new Promise<void>((resolve) => {
        twice = resolve
      })
      const node = started.addClient('a', 'grpc', addingTrainer(1), {
        dials: carrierUrls(`https://127.0.0.1:${balancer.port}`).map((url) => dialUrl(url, dial)),
        onEvent: (event) => {
          expect(event.type).not.toBe('connected')
          if (event.type === 'disconnected' && seen.push(event.error?.code ?? 'none') === 2) twice()
        },
        ...options,
      })
      await done
      await node.stop()
      return seen.slice(0, 2)
    }
    const trusted = { tls: { ca: certificates.ca } }
    const other = { coordinatorKey: keyOf('somebody else').publicKey }
    expect(await codes(other, trusted)).toEqual(['session.http2-blocked', 'node.untrusted-coordinator'])
    expect(await codes({}, {})).toEqual(['session.http2-blocked', 'tls.untrusted'])
  })

  it('trusts a gateway that opens TLS only where its authority was given, next to the coordinator’s', async () => {
    const { started, balancer } = await behind('honest')
    const own = { ca: certificates.strangerCa }
    const url = `wss://127.0.0.1:${balancer.port}`
    await expect(dialUrl(url, { tls: own })()).rejects.toMatchObject({
      code: 'tls.untrusted',
      details: { issuer: 'ca' },
    })
    const connection = await dialUrl(url, { tls: { ...own, gatewayCa: certificates.ca } })()
    connection.destroy()
    expect(started.url('ws')).toMatch(/^ws:/)
  })
})

describe('ways to a coordinator', () => {
  const clock = { at: 0, monotonic: () => clock.at }
  const minutes = (count: number) => count * 60_000
  afterAll(() => {
    clock.at = 0
  })

  it('are tried in turn, and the one that got through is remembered for half an hour', () => {
    const ways = new Ways(['grpc', 'ws'], clock)
    expect(ways.next()).toBe('grpc')
    ways.failed()
    expect(ways.next()).toBe('ws')
    ways.gotThrough()
    clock.at += minutes(29)
    expect(ways.next()).toBe('ws')
    ways.gotThrough()
    clock.at += minutes(1)
    expect(ways.next()).toBe('grpc')
    ways.failed()
    expect(ways.next()).toBe('ws')
    ways.gotThrough()
    clock.at += minutes(29)
    expect(ways.next()).toBe('ws')
  })

  it('are tried again from the first, where the remembered one fails, too', () => {
    const ways = new Ways(['grpc', 'ws'], clock)
    ways.failed()
    ways.next()
    ways.gotThrough()
    ways.failed()
    expect(ways.next()).toBe('grpc')
    ways.gotThrough()
    clock.at += minutes(31)
    expect(ways.next()).toBe('grpc')
  })
})

describe('addresses', () => {
  it('of https:// stand for both carriers on one port; others for themselves', () => {
    expect(carrierUrls('https://fl.example')).toEqual(['grpcs://fl.example:443', 'wss://fl.example:443'])
    expect(carrierUrls('https://[::1]:8443/')).toEqual(['grpcs://[::1]:8443', 'wss://[::1]:8443'])
    expect(carrierUrls('http://127.0.0.1:7')).toEqual(['grpc://127.0.0.1:7', 'ws://127.0.0.1:7'])
    for (const one of ['grpcs://a:1', 'wss://a/v1/session', 'https://a/path', 'https://me:secret@a', 'nonsense']) {
      expect(carrierUrls(one)).toEqual([one])
    }
  })
})

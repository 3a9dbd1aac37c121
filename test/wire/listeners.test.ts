/** What the listeners do besides carrying frames: health, counting, attaching to a running HTTP server. */
import { createServer } from 'node:http'
import { Client, credentials, type StatusObject } from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import { afterEach, describe, expect, it } from 'vitest'
import { dialUrl } from '../../client/carriers/dial.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { Connection } from '../../core/wire/connection.ts'
import { FrameQueue, SendWindow } from '../../core/wire/frame-queue.ts'
import { descriptor } from '../../core/wire/generated/health-descriptor.ts'
import { defaultLimits } from '../../core/wire/limits.ts'
import { addressKey, createAdmission } from '../../server/transport/admission.ts'
import { listenGrpc } from '../../server/transport/grpc.ts'
import { attachWebSocket } from '../../server/transport/websocket.ts'
import { Arrivals, codeOf, read } from '../contract/carrier.ts'

const cleanUp: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of cleanUp.splice(0).reverse()) await stop()
})

describe('the gRPC health service', () => {
  const service = fromJSON(descriptor, { enums: String, defaults: true })['grpc.health.v1.Health']
  if (service === undefined || 'format' in service) throw new Error('no health service')
  const { Check, Watch } = service
  type Response = { readonly status: string }

  async function start() {
    let serving = true
    const listeners = new Set<() => void>()
    const health = {
      serving: () => serving,
      watch: (listener: () => void) => {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    }
    const admission = createAdmission()
    const listener = await listenGrpc(() => {}, { port: 0, admission, limits: defaultLimits, health })
    const client = new Client(new URL(listener.url).host, credentials.createInsecure())
    cleanUp.push(
      () => listener.stop(),
      () => client.close(),
    )
    const set = (value: boolean) => {
      serving = value
      for (const tell of listeners) tell()
    }
    return { client, set, listeners }
  }

  function check(client: Client, name: string): Promise<string> {
    return new Promise((resolve) => {
      const { path, requestSerialize, responseDeserialize } = Check!
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service: name }, (error, response) =>
        resolve(error === null ? (response as Response).status : `status ${error.code}`),
      )
    })
  }

  it('answers Check with what the coordinator says of itself', async () => {
    const { client, set } = await start()
    expect(await check(client, '')).toBe('SERVING')
    expect(await check(client, 'parley.v1.Coordinator')).toBe('SERVING')
    expect(await check(client, 'somebody.else')).toBe('status 5')
    set(false)
    expect(await check(client, '')).toBe('NOT_SERVING')
  })

  it('tells watchers of changes, and of changes only', async () => {
    const { client, set, listeners } = await start()
    const watch = () => {
      const { path, requestSerialize, responseDeserialize } = Watch!
      const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service: '' })
      const seen = new Arrivals<string>()
      call.on('data', (response: unknown) => seen.put((response as Response).status)).on('error', () => {})
      call.on('status', (status: StatusObject) => seen.put(`status ${status.code}`))
      return { seen, cancel: () => call.cancel() }
    }
    const first = watch()
    expect(await first.seen.take()).toBe('SERVING')
    set(true)
    set(false)
    expect(await first.seen.take()).toBe('NOT_SERVING')
    expect(listeners.size).toBe(1)
    first.cancel()
    expect(await first.seen.take()).toBe('status 1')
  })
})

describe('attachWebSocket', () => {
  it('takes sessions beside the requests of the server, and leaves the server to its owner', async () => {
    const http = createServer((_request, response) => response.end('dashboard'))
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    cleanUp.push(() => new Promise((resolve) => http.close(resolve)))
    const accepted = new Arrivals<Connection>()
    const admission = createAdmission({ connections: 1, unauthenticatedConnections: 1, connectionsPerAddress: 1 })
    const listener = attachWebSocket(http, (one) => accepted.put(one), { admission, limits: defaultLimits })
    const client = await dialUrl(listener.url)()
    const server = await accepted.take()
    await client.send(Uint8Array.of(1))
    expect(await read(server, 1)).toEqual([Uint8Array.of(1)])
    expect(await codeOf(dialUrl(listener.url)())).toBe('session.too-many')
    expect(await codeOf(dialUrl(listener.url.replace('/v1/session', '/other'))())).toBe('session.unreachable')
    await listener.stop()
    await listener.stop()
    await client.closed
    expect(await codeOf(dialUrl(listener.url)())).toBe('session.unreachable')
    const answer = await fetch(listener.url.replace('ws:', 'http:').replace('/v1/session', '/'))
    expect(await answer.text()).toBe('dashboard')
  })
})

describe('admission', () => {
  it('counts in total, strangers, and per address, and counts out once', () => {
    const admission = createAdmission({ connections: 3, unauthenticatedConnections: 2, connectionsPerAddress: 2 })
    const admit = (remote: string) => {
      const ticket = admission.admit(remote)
      return ticket instanceof ParleyError ? ticket.details?.limit : ticket
    }
    const [a, b] = [admit('10.0.0.1'), admit('10.0.0.1')]
    if (typeof a !== 'object' || typeof b !== 'object') throw new Error('not admitted')
    expect(admit('10.0.0.2')).toBe('unauthenticatedConnections')
    a.authenticated()
    a.authenticated()
    b.authenticated()
    expect(admit('10.0.0.1')).toBe('connectionsPerAddress')
    expect(admit('10.0.0.2')).toBeTypeOf('object')
    expect(admit('10.0.0.3')).toBe('connections')
    a.release()
    a.release()
    expect([admission.open, admission.unauthenticated]).toEqual([2, 1])
    expect(admit('10.0.0.1')).toBeTypeOf('object')
  })

  it.each([
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['10.0.0.1', '10.0.0.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:0db8::7', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('takes %s for %s', (remote, key) => {
    expect(addressKey(remote)).toBe(key)
  })
})

describe('the queues of a connection', () => {
  it('pauses the source at the high mark and lets it go on at half of it', async () => {
    const calls: string[] = []
    const queue = new FrameQueue({ highBytes: 300, pause: () => calls.push('pause'), resume: () => calls.push('go') })
    for (let i = 0; i < 3; i++) queue.push(new Uint8Array(50))
    expect(calls).toEqual(['pause'])
    const reader = queue[Symbol.asyncIterator]()
    await reader.next()
    expect(calls).toEqual(['pause'])
    await reader.next()
    expect(calls).toEqual(['pause', 'go'])
  })

  it('does not take empty frames for nothing', () => {
    let paused = false
    const queue = new FrameQueue({
      highBytes: 64_000,
      pause: () => {
        paused = true
      },
    })
    for (let i = 0; i < 1000; i++) queue.push(new Uint8Array(0))
    expect(paused).toBe(true)
  })

  it('hands on what is held before the end, and the first reason counts', async () => {
    const queue = new FrameQueue({ highBytes: 1000 })
    queue.push(Uint8Array.of(1))
    queue.finish(new ParleyError('frame.too-large'))
    queue.finish(new ParleyError('session.closed'))
    queue.push(Uint8Array.of(2))
    const reader = queue[Symbol.asyncIterator]()
    expect(await reader.next()).toEqual({ done: false, value: Uint8Array.of(1) })
    expect(await codeOf(reader.next())).toBe('frame.too-large')
  })

  it('holds senders at a quarter of the limit and refuses them at all of it', async () => {
    const window = new SendWindow(1000)
    window.take(2000)
    let free = false
    const waiting = window.room().then(() => {
      free = true
    })
    expect(() => window.take(1)).toThrow(expect.objectContaining({ code: 'session.slow-consumer' }))
    window.passed(1500)
    await Promise.resolve()
    expect(free).toBe(false)
    window.passed(250)
    await waiting
    window.close()
    expect(await codeOf(window.room())).toBe('session.closed')
    expect(() => window.take(1)).toThrow(expect.objectContaining({ code: 'session.closed' }))
  })
})

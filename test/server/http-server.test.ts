import { createServer } from 'node:http'
import { get as getOverTls } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../core/system-clock.ts'
import { defaultLimits } from '../../core/wire/limits.ts'
import { createHttpServer } from '../../server/http/server.ts'
import { silentLogger } from '../../server/observe/logger.ts'
import { createMetrics } from '../../server/observe/metrics.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { registryOf } from '../support/release.ts'
import { hasOpenssl, makeCertificates } from '../wire/certificates.ts'
import { FakeApi, opened, releaseKey, running, TOKEN } from './http-fixtures.ts'

describe('the HTTP server', () => {
  it('says that it is alive, whether it is ready, and what it has counted', async () => {
    const { get, api } = await running()
    expect(await (await get('/healthz')).json()).toEqual({ alive: true })
    expect([(await get('/readyz')).status, await (await get('/readyz')).json()]).toEqual([200, { ready: true }])
    api.isReady = false
    expect([(await get('/readyz')).status, (await get('/healthz')).status]).toEqual([503, 200])
    await get('/nowhere')
    const metrics = await get('/metrics')
    expect(metrics.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    const text = await metrics.text()
    expect(text).toContain('parley_http_requests_total{method="GET",status="2xx"}')
    expect(text).toContain('parley_http_requests_total{method="GET",status="4xx"} 1')
  })

  it('sends headers that keep browsers from doing anything with it, and opens nothing to other origins', async () => {
    const { get, url } = await running()
    for (const response of [await get('/healthz', { origin: 'https://elsewhere.example' }), await get('/nowhere')]) {
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'x-content-type-options': 'nosniff',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
      })
      expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
      expect(response.headers.has('x-powered-by')).toBe(false)
    }
    const preflight = await fetch(`${url}/v1/runs`, {
      method: 'OPTIONS',
      headers: { origin: 'https://elsewhere.example' },
    })
    expect(preflight.status).toBe(404)
  })

  const options = (changes: object) => ({
    api: new FakeApi(),
    registry: registryOf(memoryStore(), releaseKey),
    publicKey: releaseKey.publicKey,
    parleyVersion: '0.1.0',
    store: memoryStore(),
    metrics: createMetrics(),
    logger: silentLogger,
    clock: systemClock,
    limits: defaultLimits,
    adminToken: TOKEN,
    port: 0,
    ...changes,
  })

  it('does not speak clear text beyond this machine unless it was told so', () => {
    for (const host of ['0.0.0.0', '::', '192.0.2.1', 'coordinator.example', '127.0.0.1.example']) {
      expect(() => createHttpServer(options({ host }))).toThrow(expect.objectContaining({ code: 'config.insecure' }))
    }
    for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) createHttpServer(options({ host }))
    createHttpServer(options({ host: '192.0.2.1', allowClearTextBeyondLoopback: true }))
    for (const adminToken of ['short', 'a token that no header could carry']) {
      expect(() => createHttpServer(options({ adminToken }))).toThrow(
        expect.objectContaining({ code: 'config.invalid' }),
      )
    }
  })

  it('listens on the loopback interface by default, and says when it cannot', async () => {
    const { url } = await running()
    expect(new URL(url).hostname).toBe('127.0.0.1')
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as AddressInfo
    await expect(createHttpServer(options({ port })).start()).rejects.toMatchObject({ code: 'config.invalid' })
    taken.close()
  })

  it('leaves upgrades to whoever takes them, on the same port, and still stops', async () => {
    const { http, url } = await running()
    http.server.on('upgrade', (_request, socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\nhello'))
    const socket = await opened(url)
    socket.write('GET /connect HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: parley\r\n\r\n')
    const [text] = await new Promise<Buffer[]>((resolve) => socket.once('data', (data) => resolve([data])))
    expect(String(text)).toContain('hello')
    const closed = new Promise((resolve) => socket.once('close', resolve))
    await http.stop()
    await http.stop()
    await closed
  })

  it.skipIf(!hasOpenssl)('speaks TLS when it has a certificate', async () => {
    const { server, ca } = makeCertificates()
    const { http } = await running({ tls: server })
    const { port } = http.server.address() as AddressInfo
    const status = await new Promise<[number | undefined, unknown]>((resolve, reject) => {
      getOverTls({ host: '127.0.0.1', port, path: '/healthz', ca, agent: false }, (response) => {
        response.resume()
        resolve([response.statusCode, response.headers['strict-transport-security']])
      }).on('error', reject)
    })
    expect(status).toEqual([200, 'max-age=31536000'])
    expect(http.url).toMatch(/^https:/)
  })
})

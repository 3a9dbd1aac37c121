import { describe, expect, it } from 'vitest'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { recordIn } from '../../server/registry/alias-records.ts'
import { manifestIn } from '../../server/registry/published.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { registryOf } from '../support/release.ts'
import { failure, publish, releaseKey, running } from './http-fixtures.ts'

const json = (server: { admin: (method: string, path: string, body?: string, type?: string) => Promise<Response> }) => {
  return (path: string, body: object) => server.admin('POST', path, JSON.stringify(body), 'application/json')
}

async function serving() {
  const store = memoryStore()
  const registry = registryOf(store, releaseKey, { now: () => Date.now() })
  const server = await running({ store, registry })
  await publish(store, 1)
  await publish(store, 2)
  return { ...server, store, registry, post: json(server) }
}

/** The next events of a stream, by name and data. */
async function* eventsOf(response: Response): AsyncGenerator<{ event: string; id: string | undefined; data: string }> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const bytes of response.body!) {
    text += decoder.decode(bytes as Uint8Array, { stream: true })
    const parts = text.split('\n\n')
    text = parts.pop()!
    for (const part of parts) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(part)?.[1]
      if (field('event') !== undefined) yield { event: field('event')!, id: field('id'), data: field('data')! }
    }
  }
}

describe('where an alias points', () => {
  it('is a signed record, which does not come again to who has it', async () => {
    const { get, store, post } = await serving()
    const path = '/v1/models/heart/aliases/production/record'
    const first = await get(path)
    expect(await first.text()).toBe((await store.records.alias('heart', 'production'))!.envelope)
    const tag = first.headers.get('etag')!
    expect((await get(path, { 'if-none-match': tag })).status).toBe(304)
    await post('/v1/models/heart/aliases/production/rollback', { reason: 'worse' })
    expect((await get(path, { 'if-none-match': tag })).status).toBe(200)
    expect(await failure(await get('/v1/models/heart/aliases/none/record'))).toMatchObject({ code: 'object.not-found' })
  })

  it('is told at once and on every move, and so are withdrawals', async () => {
    const { get, post } = await serving()
    const events = eventsOf(await get('/v1/models/heart/events'))
    const next = async () => (await events.next()).value!
    const present = await next()
    expect([present.event, present.id]).toEqual(['alias', '2'])
    await post('/v1/models/heart/aliases/production/rollback', { reason: 'worse' })
    const moved = await next()
    expect(recordIn(nodeCrypto, moved.data).record).toMatchObject({ number: 1, sequence: 3, reason: 'worse' })
    await post('/v1/models/heart/versions/2/state', { state: 'withdrawn', reason: 'wrong' })
    expect(await next()).toMatchObject({ event: 'withdrawn', data: '{"number":2}' })
    expect(await (await get('/v1/models/heart/withdrawn')).json()).toEqual({ numbers: [2] })
    await events.return(undefined)
  })

  it('is resolved for a consumer, who stays on its side of a split', async () => {
    const { get, store, post } = await serving()
    const { root } = manifestIn((await store.records.version('heart', 1))!.envelope)
    const rollout = { id: 'roll_1', number: 1, root, share: 5_000, include: ['first'], exclude: [] }
    const split = await post('/v1/models/heart/aliases/production', { version: 2, reason: 'half', rollout })
    expect(split.status).toBe(200)
    const of = async (consumer: string) => (await get(`/v1/models/heart/resolve?consumer=${consumer}`)).json()
    expect(await of('first')).toMatchObject({ number: 1, root, why: 'canary', sequence: 3 })
    const answers = (await Promise.all(Array.from({ length: 40 }, (_, i) => of(`c${i}`)))) as { number: number }[]
    expect(new Set(answers.map(({ number }) => number))).toEqual(new Set([1, 2]))
    expect(await of('c1')).toEqual(await of('c1'))
    expect((await get('/v1/models/heart/resolve?consumer=..%2F')).status).toBe(400)
  })
})

describe('what operators ask of the registry', () => {
  it('is refused without the token, and with a body that is none', async () => {
    const { get, url, post } = await serving()
    const alias = '/v1/models/heart/aliases/production'
    const paths = [
      alias,
      `${alias}/rollback`,
      '/v1/models/heart/versions/1/state',
      '/v1/models/heart/versions/1/approvals',
    ]
    for (const path of paths) {
      const headers = { 'content-type': 'application/json' }
      const anonymous = await fetch(url + path, { method: 'POST', body: '{}', headers })
      expect(await failure(anonymous)).toMatchObject({ code: 'auth.failed' })
      for (const body of [{}, [], { reason: '' }, { reason: 'x', more: 1 }, { reason: 'x', version: 0 }]) {
        expect(await failure(await post(path, body))).toMatchObject({ status: 400, code: 'request.invalid' })
      }
    }
    expect(await failure(await get('/v1/models/heart/candidates'))).toMatchObject({ code: 'auth.failed' })
  })

  it('is refused for names that are reserved, and for versions that are not there', async () => {
    const { post } = await serving()
    for (const name of ['latest', 'v1', 'a b', 'x'.repeat(101)]) {
      expect(
        (await post(`/v1/models/heart/aliases/${encodeURIComponent(name)}`, { version: 1, reason: 'x' })).status,
      ).toBe(400)
    }
    expect(await failure(await post('/v1/models/heart/aliases/a', { version: 9, reason: 'x' }))).toMatchObject({
      code: 'object.not-found',
    })
  })
})

describe('pages of another origin', () => {
  const origin = 'https://clinic.example'

  it('read published models where the coordinator was told so, and nothing else', async () => {
    const { url, store } = await running({ consumerOrigins: [origin] })
    await publish(store, 1)
    const asked = (path: string, from: string, method = 'GET') =>
      fetch(url + path, { method, headers: { origin: from } })
    const allowed = async (path: string, from: string, method?: string) =>
      (await asked(path, from, method)).headers.get('access-control-allow-origin')
    const record = '/v1/models/heart/aliases/production/record'
    expect(await allowed(record, origin)).toBe(origin)
    expect(await allowed(record, origin, 'OPTIONS')).toBe(origin)
    expect(await allowed(record, 'https://other.example')).toBeNull()
    expect(await allowed(record, origin, 'POST')).toBeNull()
    expect(await allowed('/v1/runs', origin)).toBeNull()
    const reports = '/v1/models/heart/outcomes'
    expect(await allowed(reports, origin, 'POST')).toBe(origin)
    const preflight = await asked(reports, origin, 'OPTIONS')
    expect(preflight.headers.get('access-control-allow-methods')).toBe('POST')
    expect(preflight.headers.get('access-control-allow-headers')).toBe('Content-Type')
    expect(await allowed('/v1/models/heart/rollout', origin, 'POST')).toBeNull()
    expect((await asked(record, origin)).headers.get('access-control-allow-credentials')).toBeNull()
  })

  it('read nothing by default', async () => {
    const { url, store } = await running()
    await publish(store, 1)
    const answer = await fetch(`${url}/v1/models/heart/aliases/production/record`, { headers: { origin } })
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
  })
})

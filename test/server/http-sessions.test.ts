/** How members log in, and what a browser may do with a session. */
import { describe, expect, it } from 'vitest'
import { defaultLimits } from '../../core/wire/limits.ts'
import { People } from '../../server/members/people.ts'
import { createAdmission } from '../../server/transport/admission.ts'
import { attachWebSocket } from '../../server/transport/websocket.ts'
import { addMember, cheap, PASSWORD } from '../support/people.ts'
import { failure, running, upgraded } from './http-fixtures.ts'
import { MINUTE, setUp } from './people-fixtures.ts'

describe('a login', () => {
  it('that is wrong in any way is answered alike, and slowed down', async () => {
    const { add, browser, acts, clock, store } = await setUp()
    const ann = await add(['operator'])
    const gone = await addMember(store, clock, ['operator'], { disabled: true })
    const { name } = ann.record
    const answers: string[] = []
    for (const body of [
      { name, password: 'wrong', code: ann.code() },
      { name, password: PASSWORD, code: '000000' },
      { name, password: PASSWORD },
      { name: 'nobody', password: PASSWORD, code: ann.code() },
      { name: gone.record.name, password: PASSWORD, code: gone.code() },
    ]) {
      const response = await browser().send('POST', '/v1/session', body)
      expect([response.status, response.headers.get('set-cookie')]).toEqual([401, null])
      answers.push(await response.text())
    }
    expect(new Set(answers).size).toBe(1)
    expect(acts.map(({ object }) => object.id)).toEqual([
      ann.record.id,
      ann.record.id,
      ann.record.id,
      'unknown',
      gone.record.id,
    ])
    expect(acts.map(({ details }) => details.failures)).toEqual([1, 2, 3, 1, 1])
    expect(acts[0]?.details.address).toBe('127.0.0.1')
    const again = () => browser().send('POST', '/v1/session', { name, password: PASSWORD, code: ann.code() })
    for (let i = 0; i < 2; i++) {
      await browser().send('POST', '/v1/session', { name, password: 'wrong' })
    }
    const slowed = await again()
    expect(slowed.headers.get('retry-after')).toBe('1')
    expect(await failure(slowed)).toMatchObject({ status: 429, code: 'auth.too-often' })
    clock.advance(1_000)
    expect((await again()).status).toBe(200)
  })

  it('takes a code once, also when it comes twice at the same time', async () => {
    const { add, browser } = await setUp()
    const ann = await add(['operator'])
    const body = { name: ann.record.name, password: PASSWORD, code: ann.code() }
    const both = await Promise.all([1, 2].map(() => browser().send('POST', '/v1/session', body)))
    expect(both.map(({ status }) => status).sort()).toEqual([200, 401])
  })

  it('is refused from a page of another origin, and with a body that is none', async () => {
    const { add, browser, server } = await setUp()
    const ann = await add(['viewer'])
    const body = { name: ann.record.name, password: PASSWORD, code: ann.code() }
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      const refused = await browser().send('POST', '/v1/session', body, headers as Record<string, string>)
      expect(await failure(refused)).toMatchObject({ status: 403, code: 'auth.origin' })
    }
    for (const wrong of [{}, { ...body, more: 1 }, { ...body, name: 1 }, { ...body, password: '' }, []]) {
      expect(await failure(await browser().send('POST', '/v1/session', wrong))).toMatchObject({ status: 400 })
    }
    const form = await fetch(`${server.url}/v1/session`, { method: 'POST', body: new URLSearchParams({ name: 'a' }) })
    expect(form.status).toBe(400)
  })
})

describe('a session', () => {
  it('is a cookie that scripts and other sites do not get', async () => {
    const { add, browser } = await setUp()
    const ann = await add(['viewer'])
    const body = { name: ann.record.name, password: PASSWORD, code: ann.code() }
    const response = await browser().send('POST', '/v1/session', body)
    expect(response.headers.get('set-cookie')).toMatch(
      /^parley-session=[A-Za-z0-9_-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/,
    )
  })

  it('is for TLS alone where there is more than this machine', async () => {
    const { add, browser } = await setUp({}, { host: '0.0.0.0', allowClearTextBeyondLoopback: true })
    const ann = await add(['viewer'])
    const body = { name: ann.record.name, password: PASSWORD, code: ann.code() }
    const response = await browser().send('POST', '/v1/session', body)
    expect(response.headers.get('set-cookie')).toMatch(/^__Host-parley=.*; Path=\/; HttpOnly; SameSite=Strict; Secure$/)
  })

  it('changes something only with the header and from a page of the coordinator', async () => {
    const { add, logIn, server, store } = await setUp()
    const one = await logIn(await add(['admin']))
    const { host } = new URL(server.url)
    const ask = (headers: Record<string, string>) =>
      fetch(`${server.url}/v1/members`, {
        method: 'POST',
        headers: { cookie: one.cookie()!, 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ name: `n${Math.random()}`.replace('.', ''), roles: [] }),
      })
    const own = { origin: server.url, 'x-parley-request': '1' }
    const before = (await store.members.members()).length
    for (const headers of [
      {},
      { origin: server.url },
      { 'x-parley-request': '1' },
      { ...own, origin: 'https://evil.example' },
      { ...own, origin: 'null' },
      { ...own, origin: `http://${host}.evil.example` },
      { ...own, origin: `http://x@${host}.evil.example` },
      { ...own, origin: 'http://127.0.0.1:1' },
      { ...own, 'sec-fetch-site': 'cross-site' },
      { ...own, 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none', 'x-parley-request': '1' },
    ]) {
      expect(await failure(await ask(headers as Record<string, string>))).toMatchObject({
        status: 403,
        code: 'auth.origin',
      })
    }
    expect(await store.members.members()).toHaveLength(before)
    expect((await ask(own)).status).toBe(201)
    expect((await ask({ 'sec-fetch-site': 'same-origin', 'x-parley-request': '1' })).status).toBe(201)
    // A TLS proxy in front of it.
    expect((await ask({ ...own, origin: `https://${host}` })).status).toBe(201)
  })

  it('is not read from a page of another origin, by event streams neither', async () => {
    const { add, logIn, server } = await setUp()
    const one = await logIn(await add(['operator']))
    for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
      for (const path of ['/v1/runs', '/v1/runs/run_1/events', '/v1/session']) {
        const response = await fetch(server.url + path, {
          headers: { cookie: one.cookie()!, ...headers } as Record<string, string>,
        })
        expect(await failure(response)).toMatchObject({ status: 403, code: 'auth.origin' })
      }
    }
    expect((await fetch(`${server.url}/v1/runs`, { headers: { cookie: one.cookie()! } })).status).toBe(200)
  })

  it('ends when it is idle, and after half a day whatever happens', async () => {
    const { add, logIn, clock } = await setUp()
    const ann = await add(['viewer'])
    const busy = await logIn(ann)
    const idle = await logIn(ann, 1)
    const status = async (one: typeof busy) => (await one.send('GET', '/v1/session')).status
    clock.advance(29 * MINUTE)
    expect(await status(busy)).toBe(200)
    clock.advance(MINUTE)
    expect([await status(busy), await status(idle)]).toEqual([200, 401])
    for (let minutes = 30; minutes < 12 * 60 - 20; minutes += 20) {
      clock.advance(20 * MINUTE)
      expect(await status(busy)).toBe(200)
    }
    clock.advance(20 * MINUTE)
    expect(await status(busy)).toBe(401)
  })

  it('is another one after a login, and ends here or everywhere', async () => {
    const { add, logIn, browser, clock } = await setUp()
    const ann = await add(['viewer'])
    const status = async (cookie: string) => (await browser(cookie).send('GET', '/v1/session')).status
    const one = await logIn(ann)
    const first = one.cookie()!
    const again = { name: ann.record.name, password: PASSWORD, code: ann.code(1) }
    await one.send('POST', '/v1/session', again)
    expect([await status(first), await status(one.cookie()!)]).toEqual([401, 200])
    clock.advance(MINUTE)
    const two = await logIn(ann)
    const three = await logIn(ann, 1)
    const [a, b, c] = [one.cookie()!, two.cookie()!, three.cookie()!]
    const out = await two.send('DELETE', '/v1/session')
    expect([out.status, out.headers.get('set-cookie')]).toEqual([
      204,
      'parley-session=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict',
    ])
    expect([await status(a), await status(b), await status(c)]).toEqual([200, 401, 200])
    await one.send('DELETE', '/v1/sessions')
    expect([await status(a), await status(c)]).toEqual([401, 401])
  })
})

describe('the record of acts', () => {
  it('is part of the act: what cannot be recorded is not answered as done', async () => {
    const { store, clock } = await setUp()
    const failing = new People({
      store: store.members,
      clock,
      sealingSecret: new Uint8Array(32).fill(7),
      passwordCost: cheap,
      onAct: () => Promise.reject(new Error('the disk is full')),
    })
    const { url } = await running({ store, clock, people: failing })
    const ann = await addMember(store, clock, ['viewer'])
    const response = await fetch(`${url}/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: ann.record.name, password: PASSWORD, code: ann.code() }),
    })
    expect([response.status, response.headers.get('set-cookie')]).toEqual([500, null])
  })
})

describe('a WebSocket', () => {
  it('is refused with a cookie from a page of another origin', async () => {
    const { server } = await setUp()
    const options = { admission: createAdmission(defaultLimits), limits: defaultLimits }
    const ws = attachWebSocket(server.http.server, (connection) => void connection.closed, options)
    const { host } = new URL(server.url)
    const upgrade = async (...headers: string[]) => (await upgraded(server.url, ...headers)).slice(9, 12)
    expect(await upgrade('cookie: parley-session=x', 'origin: https://evil.example')).toBe('403')
    expect(await upgrade('cookie: parley-session=x', 'sec-fetch-site: cross-site')).toBe('403')
    expect(await upgrade('cookie: parley-session=x', `origin: http://${host}`)).toBe('101')
    expect(await upgrade()).toBe('101')
    await ws.stop()
  })
})

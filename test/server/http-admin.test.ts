import { describe, expect, it } from 'vitest'
import type { Clock } from '../../core/clock.ts'
import type { RunView } from '../../core/run/view.ts'
import { defaultLimits } from '../../core/wire/limits.ts'
import { EVENT_STREAMS } from '../../server/http/runs.ts'
import { failure, opened, raw, running, TOKEN, view } from './http-fixtures.ts'

describe('the routes of operators', () => {
  const routes = [
    ['POST', '/v1/runs'],
    ['GET', '/v1/runs'],
    ['GET', '/v1/runs/run_1'],
    ['GET', '/v1/runs/run_1/events'],
    ['POST', '/v1/runs/run_1/pause'],
    ['POST', '/v1/runs/run_1/resume'],
    ['POST', '/v1/runs/run_1/stop'],
    ['POST', '/v1/runs/run_1/rounds/1/recompute'],
  ] as const

  it.each(routes)('%s %s wants the admin token', async (method, path) => {
    const { url, api } = await running()
    for (const authorization of [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      TOKEN,
      `Basic ${TOKEN}`,
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(1)}`,
      `Bearer ${TOKEN} ${TOKEN}`,
    ]) {
      const response = await fetch(url + path, {
        method,
        headers: { ...(authorization === undefined ? {} : { authorization }), 'content-type': 'application/yaml' },
        ...(method === 'POST' ? { body: 'parley: 1' } : {}),
      })
      expect(response.headers.get('www-authenticate')).toBe('Bearer')
      expect(await failure(response)).toMatchObject({ status: 401, code: 'auth.failed' })
    }
    expect([api.started, api.paused, api.resumed, api.stopped]).toEqual([[], [], [], []])
  })

  it('start a run from a plan', async () => {
    const { admin, api } = await running()
    const response = await admin('POST', '/v1/runs', 'parley: 1\nname: ä\n')
    expect([response.status, response.headers.get('location')]).toEqual([201, '/v1/runs/run_new'])
    expect(await response.json()).toEqual(view('run_new'))
    expect(api.started).toEqual(['parley: 1\nname: ä\n'])
  })

  it('refuse what is no plan', async () => {
    const { admin, url, api } = await running()
    expect(await failure(await admin('POST', '/v1/runs', 'x'))).toMatchObject({ status: 400, code: 'plan.invalid' })
    for (const type of ['application/json', 'text/plain', 'multipart/form-data']) {
      expect(await failure(await admin('POST', '/v1/runs', '"parley:"', type))).toMatchObject({
        code: 'request.invalid',
      })
    }
    expect(await failure(await admin('POST', '/v1/runs'))).toMatchObject({ code: 'request.invalid' })
    const large = `parley:${' '.repeat(defaultLimits.planBytes)}`
    expect(await failure(await admin('POST', '/v1/runs', large))).toMatchObject({
      status: 413,
      code: 'request.too-large',
    })
    const binary = await fetch(`${url}/v1/runs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/yaml' },
      body: Uint8Array.of(0x70, 0xff),
    })
    expect(await failure(binary)).toMatchObject({ status: 400, code: 'plan.unreadable' })
    expect(api.started).toEqual([])
  })

  it('list runs, show one, and say that one is unknown', async () => {
    const { admin } = await running()
    expect(await (await admin('GET', '/v1/runs')).json()).toEqual({ runs: [view('run_1')] })
    expect(await (await admin('GET', '/v1/runs/run_1')).json()).toEqual(view('run_1'))
    expect(await failure(await admin('GET', '/v1/runs/run_2'))).toMatchObject({ status: 404, code: 'run.not-found' })
    expect(await failure(await admin('GET', '/v1/runs/a%0Ab'))).toMatchObject({ status: 400, code: 'request.invalid' })
  })

  it('compute a round again, as they say or as it was', async () => {
    const { admin, api } = await running()
    const path = '/v1/runs/run_1/rounds/2/recompute'
    const answer = await admin('POST', path, '{"without":["a"]}', 'application/json')
    expect(await answer.json()).toMatchObject({ round: 2, without: ['a'], identical: false })
    await admin('POST', path)
    expect(api.recomputed).toEqual([
      ['run_1', 2, { without: ['a'] }],
      ['run_1', 2, {}],
    ])
    const wrong = await admin('POST', '/v1/runs/run_1/rounds/0/recompute', '{}', 'application/json')
    expect(await failure(wrong)).toMatchObject({ status: 400, code: 'request.invalid' })
  })

  it.each([
    ['stop', 'stopped'],
    ['pause', 'paused'],
    ['resume', 'resumed'],
  ] as const)('%s a run with a reason', async (act, remembered) => {
    const { admin, api } = await running()
    const stop = (body?: string, type = 'application/json') => admin('POST', `/v1/runs/run_1/${act}`, body, type)
    expect(await (await stop('{"reason":"enough"}')).json()).toMatchObject({ run: 'run_1' })
    for (const body of [
      '{}',
      '{"reason":""}',
      '{"reason":1}',
      '{"reason":"a","more":1}',
      'null',
      '{"reason":',
      `{"reason":"${'x'.repeat(1_001)}"}`,
      '{"reason":"a","__proto__":{"x":1}}',
    ]) {
      expect(await failure(await stop(body))).toMatchObject({ status: 400, code: 'request.invalid' })
    }
    expect(await failure(await stop())).toMatchObject({ code: 'request.invalid' })
    const large = `{"reason":"${'x'.repeat(defaultLimits.requestBytes)}"}`
    expect(await failure(await stop(large))).toMatchObject({ status: 413, code: 'request.too-large' })
    expect(api[remembered]).toEqual([['run_1', 'enough']])
  })

  it('show nothing of a defect but that it is one, and log it without the token', async () => {
    const { admin, log } = await running()
    const response = await admin('POST', '/v1/runs', 'defect')
    expect(await failure(response)).toEqual({ status: 500, code: 'internal', message: 'a defect in Parley' })
    expect(log()).toContain('secret detail of the inside')
    expect(log()).not.toContain(TOKEN)
  })

  it('keep each line of the log one line, whatever is sent', async () => {
    const { admin, log } = await running()
    await admin(
      'POST',
      '/v1/runs/run_1/stop',
      JSON.stringify({ reason: 'a\n{"level":"fatal"}\r\u2028b' }),
      'application/json',
    )
    const lines = log().trimEnd().split('\n')
    for (const line of lines) expect(JSON.parse(line)).not.toMatchObject({ level: 'fatal' })
    expect(lines.some((line) => JSON.parse(line).reason?.includes('fatal'))).toBe(true)
  })
})

describe('the events of a run', () => {
  const events = async (response: Response) =>
    (await response.text())
      .split('\n\n')
      .filter((part) => part.startsWith('data: '))
      .map((part) => JSON.parse(part.slice(6)) as RunView)

  it('are its views, and end with it', async () => {
    const { admin, api } = await running()
    const views = [view('run_1'), view('run_1', { round: 2 }), view('run_1', { phase: 'over' })]
    api.views = (async function* () {
      yield* views
    })()
    const response = await admin('GET', '/v1/runs/run_1/events')
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(await events(response)).toEqual(views)
  })

  it('are refused for a run that is unknown', async () => {
    const { admin } = await running()
    expect(await failure(await admin('GET', '/v1/runs/run_9/events'))).toMatchObject({
      status: 404,
      code: 'run.not-found',
    })
  })

  it('end when nobody listens any more, and when the server stops', async () => {
    const { http, url, api } = await running()
    api.views = (async function* () {
      yield view('run_1')
      await new Promise<void>((resolve) => api.signal?.addEventListener('abort', () => resolve()))
    })()
    const listen = async (signal?: AbortSignal) => {
      const response = await fetch(`${url}/v1/runs/run_1/events`, {
        headers: { authorization: `Bearer ${TOKEN}` },
        ...(signal === undefined ? {} : { signal }),
      })
      await response.body?.getReader().read()
    }
    const gone = new AbortController()
    await listen(gone.signal)
    const aborted = new Promise((resolve) => api.signal?.addEventListener('abort', resolve))
    gone.abort()
    await aborted
    api.views = (async function* () {
      yield view('run_1')
      await new Promise<void>((resolve) => api.signal?.addEventListener('abort', () => resolve()))
    })()
    await listen()
    await http.stop()
    expect(api.signal?.aborted).toBe(true)
  })

  it('are cut off for a reader that takes nothing, without holding more for it', async () => {
    // The first time that a write has to wait for the reader, time is up.
    const clock: Clock = {
      now: () => 0,
      monotonic: () => 0,
      after: (ms, action) => {
        if (ms === defaultLimits.stallMs) queueMicrotask(action)
        return () => {}
      },
    }
    const { url, api } = await running({ clock })
    let yielded = 0
    let ended = () => {}
    const over = new Promise<void>((resolve) => {
      ended = resolve
    })
    api.views = (async function* () {
      try {
        for (;;) {
          yielded++
          yield view('run_1', { model: 'x'.repeat(1_000_000) })
        }
      } finally {
        ended()
      }
    })()
    const socket = await opened(url)
    socket.pause()
    socket.write(`GET /v1/runs/run_1/events HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${TOKEN}\r\n\r\n`)
    await over
    expect(yielded).toBe(1)
    const { signal } = api
    if (signal?.aborted === false) await new Promise((resolve) => signal.addEventListener('abort', resolve))
  })

  it('carry a sign of life', async () => {
    let beat = () => {}
    const clock: Clock = {
      now: () => 0,
      monotonic: () => 0,
      after: (ms, action) => {
        if (ms === defaultLimits.idleMs / 3) beat = action
        return () => {}
      },
    }
    const { admin, api } = await running({ clock, stopMs: 0 })
    api.views = (async function* () {
      yield view('run_1')
      beat()
    })()
    expect(await (await admin('GET', '/v1/runs/run_1/events')).text()).toContain(': alive\n\n')
  })

  it('are not for any number of readers', async () => {
    const { admin, api } = await running()
    api.watch = async function* (_id, signal) {
      yield view('run_1')
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    }
    const readers = await Promise.all(
      Array.from({ length: EVENT_STREAMS }, () => admin('GET', '/v1/runs/run_1/events')),
    )
    expect(readers.every(({ status }) => status === 200)).toBe(true)
    expect(await failure(await admin('GET', '/v1/runs/run_1/events'))).toMatchObject({
      status: 429,
      code: 'session.too-many',
    })
    await Promise.all(readers.map((reader) => reader.body?.cancel()))
  })
})

describe('requests that are not in order', () => {
  it('are answered in the same form even when they are no HTTP', async () => {
    const { url } = await running()
    const broken = await raw(url, 'NONSENSE\r\n\r\n')
    expect(broken).toMatch(/^HTTP\/1.1 400 /)
    expect(JSON.parse(broken.slice(broken.indexOf('{')))).toMatchObject({ error: { code: 'request.invalid' } })
    const heavy = await raw(url, `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)
    expect(heavy).toMatch(/^HTTP\/1.1 431 /)
    expect(JSON.parse(heavy.slice(heavy.indexOf('{')))).toMatchObject({ error: { code: 'request.too-large' } })
  })

  it('do not stay half sent for ever', async () => {
    const { url } = await running({ limits: { ...defaultLimits, handshakeMs: 200, stallMs: 400 } })
    expect(await raw(url, 'GET / HTTP/1.1\r\nhost: a\r\n')).toMatch(/^HTTP\/1.1 408 /)
  })
})

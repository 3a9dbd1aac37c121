/** Answers that are meant to fill memory, to lead elsewhere, or never to end. The version in use stays in use. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { ENVELOPE_BYTES } from '../../core/release/envelope-json.ts'
import { expectUnmixed, finally_, scene } from './support.ts'

/** Writes without end, as fast as it is read. */
function endless(response: ServerResponse, piece: string | Uint8Array): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const more = () => {
    while (!response.destroyed && response.write(piece));
  }
  response.on('drain', more)
  more()
}

/** Paths of the registry, by the word in them. */
const places = ['record', 'withdrawn', 'envelope', 'model.safetensors'] as const

/** A consumer of version 1, whose registry answers so at one place when it is to give version 2. */
async function facing(place: string, answer: (response: ServerResponse) => void) {
  const made = await scene()
  const followed = await made.opening('heart', { follow: 'none' })
  await made.registry.move('production', 2)
  made.registry.intercept = (request, response) => {
    if (!request.url?.endsWith(place)) return false
    answer(response)
    return true
  }
  const recovers = async () => {
    expect(followed.current.number).toBe(1)
    expectUnmixed(followed.current)
    made.registry.intercept = () => false
    expect((await followed.refresh()).number).toBe(2)
  }
  return { ...made, followed, recovers }
}

describe.each(places)('instead of what was asked for (%s)', (place) => {
  it.each([301, 302, 303, 307, 308])('a redirection with status %i is not followed, to whomever', async (status) => {
    let visited = 0
    const elsewhere = createServer((_, response) => {
      visited++
      response.writeHead(200).end('{}')
    })
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
    finally_(() => new Promise((resolve) => elsewhere.close(resolve)))
    const location = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`
    const { followed, recovers, registry } = await facing(place, (response) =>
      response.writeHead(status, { location: status === 308 ? `${registry.url}/v1/models/heart/x` : location }).end(),
    )
    await expect(followed.refresh()).rejects.toMatchObject({ code: 'verify.failed' })
    expect(visited).toBe(0)
    expect(registry.asked).not.toContain('/x')
    await recovers()
  })

  it('an answer without end is broken off', async () => {
    const { followed, recovers } = await facing(place, (response) => endless(response, 'x'.repeat(65_536)))
    await expect(followed.refresh()).rejects.toMatchObject({ code: 'verify.failed' })
    await recovers()
  })

  it('an answer that promises too much is not read', async () => {
    const { followed, recovers } = await facing(place, (response) => {
      response.writeHead(200, { 'content-length': 2 ** 40 })
      response.write('x')
    })
    await expect(followed.refresh()).rejects.toMatchObject({ code: 'verify.failed' })
    await recovers()
  })

  it('an answer that blows up when it is unpacked is broken off', async () => {
    const { gzipSync } = await import('node:zlib')
    const packed = gzipSync(Buffer.alloc(8 * 1024 * 1024))
    const { followed, recovers } = await facing(place, (response) =>
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': packed.length }).end(packed),
    )
    await expect(followed.refresh()).rejects.toMatchObject({ code: 'verify.failed' })
    await recovers()
  })

  it('a page is refused', async () => {
    const { followed, recovers } = await facing(place, (response) =>
      response.writeHead(200, { 'content-type': 'text/html', 'content-length': 26 }).end('<html>Please log in</html>'),
    )
    await expect(followed.refresh()).rejects.toMatchObject({ code: 'verify.failed' })
    await recovers()
  })
})

describe.each(['record', 'withdrawn', 'envelope'])('at %s', (place) => {
  it('an answer that drips is given up after the time for all of it', async () => {
    const { followed, recovers, clock, registry } = await facing(place, (response) => {
      response.writeHead(200)
      response.write('{')
    })
    const refreshed = expect(followed.refresh()).rejects.toMatchObject({ code: 'session.idle' })
    await registry.until(() => registry.asked.some((path) => path.endsWith(place)))
    // Until the answer itself is waited for: timers of the others are over by then.
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
    clock.advance(10_000)
    await refreshed
    await recovers()
  })

  it('no answer at all is given up as well', async () => {
    const { followed, recovers, clock, registry } = await facing(place, () => {})
    const before = registry.asked.length
    const refreshed = expect(followed.refresh()).rejects.toMatchObject({ code: 'session.idle' })
    await registry.until(() => registry.asked.slice(before).some((path) => path.endsWith(place)))
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
    clock.advance(10_000)
    await refreshed
    await recovers()
  })

  it('5xx leaves everything as it is', async () => {
    const { followed, recovers } = await facing(place, (response) => response.writeHead(500).end('a stack trace'))
    await expect(followed.refresh()).rejects.toMatchObject({ code: 'session.unreachable' })
    await recovers()
  })
})

it('a record of more than its limit is refused though all of it comes', async () => {
  const { followed, recovers } = await facing('record', (response) =>
    response.writeHead(200).end(' '.repeat(ENVELOPE_BYTES + 1)),
  )
  await expect(followed.refresh()).rejects.toMatchObject({ code: 'verify.failed' })
  await recovers()
})

it('“nothing changed” is no answer to who has nothing', async () => {
  const { opening, registry } = await scene()
  registry.intercept = (request, response) => {
    if (!request.url?.endsWith('record')) return false
    response.writeHead(304).end()
    return true
  }
  await expect(opening()).rejects.toMatchObject({ code: 'verify.failed' })
})

it.each(['{"numbers":[0]}', '{"numbers":["1"]}', '{"numbers":[1e30]}', '{"numbers":{}}', '[]', 'null', '\u00ff'])(
  'withdrawals like %s are none, and then nothing new is used',
  async (text) => {
    const { followed, recovers } = await facing('withdrawn', (response) =>
      response.writeHead(200).end(Buffer.from(text, 'latin1')),
    )
    await expect(followed.refresh()).rejects.toMatchObject({ code: 'verify.failed' })
    await recovers()
  },
)

it('a `fetch` that follows redirections is found out', async () => {
  const { opening, registry } = await scene()
  registry.intercept = (request, response) => {
    if (!request.url?.endsWith('record')) return false
    response.writeHead(302, { location: '/elsewhere' }).end()
    return true
  }
  registry.versions.clear()
  const opened = opening('heart', { fetch: (input, init) => fetch(input, { ...init, redirect: 'follow' }) })
  await expect(opened).rejects.toMatchObject({ code: 'verify.failed', message: expect.stringContaining('elsewhere') })
})

describe('a stream of events', () => {
  const streaming = async (answer: (response: ServerResponse) => void) => {
    const made = await scene()
    const followed = await made.opening()
    await made.registry.until(() => made.registry.streams.size > 0)
    made.registry.intercept = (request, response) => {
      if (!request.url?.endsWith('/events')) return false
      answer(response)
      return true
    }
    made.registry.cut()
    await made.clock.pass(500)
    return { ...made, followed }
  }

  it.each<[string, (response: ServerResponse) => void]>([
    ['a line without end', (response) => endless(response, 'x'.repeat(65_536))],
    ['an event without end', (response) => endless(response, 'data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n')],
    ['what is not UTF-8', (response) => endless(response, Buffer.of(0xff, 0x0a))],
    ['fields that nobody knows', (response) => endless(response, 'x: y\n'.repeat(10_000))],
    ['a page', (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')],
    ['a redirection', (response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end()],
    ['404', (response) => response.writeHead(404).end()],
    ['500', (response) => response.writeHead(500).end()],
    ['a broken connection', (response) => response.destroy()],
    ['an end at once', (response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end()],
  ])('%s: it is asked for again later, and moves are heard of by polling', async (_what, answer) => {
    const { registry, clock, happened, followed } = await streaming(answer)
    // The poll after the first break has been; the next attempt at a stream fails as well.
    await clock.timer(1_000)
    await registry.move('production', 2)
    clock.advance(1_000)
    await happened.has('switched', { from: 1, to: 2 })
    expect(followed.current.number).toBe(2)
    await clock.timer(2_000)
    registry.intercept = () => false
    clock.advance(2_000)
    await registry.until(() => registry.streams.size > 0)
    await registry.move('production', 1)
    await happened.has('switched', { from: 2, to: 1 })
  })

  it('that falls silent is given up after three heartbeats', async () => {
    const { registry, clock } = await streaming((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(': alive\n\n')
    })
    await clock.timer(45_000)
    const streams = () => registry.asked.filter((path) => path === '/events').length
    const before = streams()
    clock.advance(45_000)
    await clock.pass(500)
    await registry.until(() => streams() > before)
  })

  it('is gone on with behind the last record that was believed', async () => {
    const { registry, happened, clock } = await streaming(() => {})
    await registry.until(() => registry.asked.filter((path) => path === '/events').length === 2)
    registry.intercept = () => false
    await registry.move('production', 2)
    registry.cut()
    await clock.pass(1_000)
    await registry.until(() => registry.streams.size > 0)
    await registry.move('production', 3)
    await happened.has('switched', { to: 3 })
    registry.cut()
    await clock.pass(2_000)
    await registry.until(() => registry.requests.some(({ headers }) => headers['last-event-id'] === '3'))
  })

  it('of events that are not known is read on', async () => {
    const { registry, happened, opening } = await scene()
    await opening()
    await registry.until(() => registry.streams.size > 0)
    for (const stream of registry.streams) {
      stream.write('event: news\ndata: {}\n\ndata: {}\n\n: a comment\n\nretry: 1\n\nid: 5\n\nevent: alias\n\n')
    }
    await registry.move('production', 2)
    await happened.has('switched', { to: 2 })
    expect(happened.of('refused')).toEqual([])
  })
})

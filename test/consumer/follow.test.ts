import { describe, expect, it } from 'vitest'
import { memoryCache } from '../../consumer/index.ts'
import { DAY_MS } from './fake-registry.ts'
import { expectUnmixed, scene, versions } from './support.ts'
import { pin } from './versions.ts'

describe('opening a model', () => {
  it('gives the version of the alias, whole and verified', async () => {
    const { opening, registry, happened } = await scene()
    const { current } = await opening()
    expect(current).toMatchObject({ model: 'heart', number: 1, root: versions[0].manifest.root, why: 'stable' })
    expect(current.manifest).toEqual(versions[0].manifest)
    expectUnmixed(current)
    expect([...current.weights()].map(([name, { shape, values }]) => [name, shape, [...values]])).toEqual([
      ['bias', [], [1]],
      ['kernel', [6], [1, 1, 1, 1, 1, 1]],
    ])
    const total = versions[0].manifest.files.reduce((sum, { bytes }) => sum + bytes, 0)
    expect(happened.all).toEqual([
      { type: 'following', sequence: 1, number: 1, root: current.root, why: 'stable', missed: 0 },
      { type: 'downloading', number: 1, bytes: total },
      { type: 'switched', from: undefined, to: 1, why: 'stable' },
    ])
    expect(registry.asked.filter((path) => path.includes('/files/')).length).toBe(versions[0].files.size)
  })

  it('takes `production` where no alias is named', async () => {
    const { opening } = await scene()
    expect((await opening('heart')).current.number).toBe(1)
  })

  it('gives a pinned version for ever, whatever becomes of the alias', async () => {
    const { opening, registry } = await scene()
    const followed = await opening('heart/2')
    expect(followed.current).toMatchObject({ number: 2, why: 'pinned' })
    await registry.move('production', 3)
    expect((await followed.refresh()).number).toBe(2)
    expect(registry.streams.size).toBe(0)
    expect(registry.asked.some((path) => path.includes('/aliases/'))).toBe(false)
  })

  it('gives what cannot be changed by whoever has it', async () => {
    const { opening } = await scene()
    const { current } = await opening()
    current.bytes('model/config.json').fill(0)
    current.weights().get('kernel')!.values.fill(9)
    expectUnmixed(current)
    expect(() => Reflect.set(current.manifest.gates[0]!, 'verdict', 'fail')).not.toThrow()
    expect(current.manifest.gates[0]!.verdict).toBe('pass')
    expect(Reflect.set(current, 'number', 9)).toBe(false)
    expect(() => current.bytes('model/other')).toThrow(expect.objectContaining({ code: 'object.not-found' }))
    expect(() => current.bytes('__proto__')).toThrow(expect.objectContaining({ code: 'object.not-found' }))
  })

  it.each([
    ['@production', {}],
    ['heart@', {}],
    ['heart@latest', {}],
    ['heart@v7', {}],
    ['heart/0', {}],
    ['heart/07', {}],
    ['heart/7/8', {}],
    ['heart@a@b', {}],
    ['../heart', {}],
    ['he art', {}],
    ['heart', { key: 'ab' }],
    ['heart', { key: `${pin}00` }],
    ['heart', { consumer: 'not an id' }],
    ['heart', { pollMs: 1 }],
    ['heart', { pollMs: Number.NaN }],
    ['heart', { maxBytes: 0 }],
    ['heart', { url: 'ftp://127.0.0.1' }],
    ['heart', { url: 'nonsense' }],
    ['heart', { url: 'https://user:secret@127.0.0.1' }],
    ['heart', { url: 'https://127.0.0.1/?a=b' }],
  ])('refuses %s with %j before anybody is asked', async (reference, options) => {
    const { opening, registry } = await scene()
    await expect(opening(reference, options)).rejects.toMatchObject({ code: 'request.invalid' })
    expect(registry.asked).toEqual([])
  })

  it('refuses clear text beyond the loopback interface', async () => {
    const { opening } = await scene()
    await expect(opening('heart', { url: 'http://registry.example' })).rejects.toMatchObject({
      code: 'config.insecure',
    })
  })

  it('rejects when there is no such alias, version or model', async () => {
    const { opening } = await scene()
    for (const absent of ['heart@staging', 'heart/9', 'lung']) {
      await expect(opening(absent)).rejects.toMatchObject({ code: 'object.not-found' })
    }
  })

  it('rejects when there is no registry and nothing in the cache', async () => {
    const { opening, registry, happened } = await scene()
    await registry.stop()
    await expect(opening()).rejects.toMatchObject({ code: 'session.unreachable' })
    expect(happened.of('offline').length).toBe(1)
  })

  it('is ended by its signal', async () => {
    const { opening, registry } = await scene()
    const controller = new AbortController()
    registry.intercept = ({ url }) => url?.includes('/files/')
    const opened = opening('heart', { signal: controller.signal })
    await Promise.all([
      registry.until(() => registry.asked.some((path) => path.includes('/files/'))).then(() => controller.abort()),
      expect(opened).rejects.toMatchObject({ code: 'interrupted' }),
    ])
    await expect(opening('heart', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'interrupted' })
  })
})

describe.each(['stream', 'poll'] as const)('following by %s', (follow) => {
  const started = async () => {
    const made = await scene()
    const followed = await made.opening('heart', { follow })
    /** The move is heard of: pushed, or at the next poll. */
    const heard = async () => {
      if (follow === 'poll') await made.clock.pass(54_000)
      else await made.registry.until(() => made.registry.streams.size > 0)
    }
    if (follow === 'stream') await heard()
    return { ...made, followed, heard }
  }

  it('switches to the version that the alias moved to', async () => {
    const { registry, followed, heard, happened } = await started()
    const before = followed.current
    await registry.move('production', 2)
    await heard()
    await happened.has('switched', { from: 1, to: 2 })
    expect(followed.current.number).toBe(2)
    expectUnmixed(followed.current)
    // Who took the old one goes on with it.
    expect(before.number).toBe(1)
    expectUnmixed(before)
  })

  it('goes back with a new record that points at an old version, without a download', async () => {
    const { registry, followed, heard, happened } = await started()
    await registry.move('production', 2)
    await heard()
    await happened.has('switched', { to: 2 })
    const asked = registry.asked.length
    await registry.move('production', 1)
    await heard()
    await happened.has('switched', { from: 2, to: 1 })
    expect(followed.current.number).toBe(1)
    expect(registry.asked.slice(asked).filter((path) => path.includes('/versions/'))).toEqual([])
    expect(happened.of('downloading').length).toBe(2)
  })

  it('says how many records it missed', async () => {
    const { registry, clock, happened } = await started()
    if (follow === 'stream') registry.cut()
    await clock.timer(follow === 'stream' ? 500 : 54_000)
    for (const number of [2, 3, 2]) await registry.move('production', number)
    clock.advance(54_000)
    await happened.has('switched', { from: 1, to: 2 })
    expect(happened.of('following').at(-1)).toMatchObject({ sequence: 4, missed: 2 })
    expect(happened.of('downloading').map(({ number }) => number)).toEqual([1, 2])
  })

  it('leaves a version that is withdrawn for the one before', async () => {
    const { registry, followed, heard, happened } = await started()
    await registry.move('production', 2)
    await heard()
    await happened.has('switched', { to: 2 })
    registry.withdraw(2)
    await heard()
    await happened.has('switched', { from: 2, to: 1 })
    expect(followed.current.number).toBe(1)
    expect(happened.of('refused')[0]).toMatchObject({ code: 'version.withdrawn', reason: 'version 2 was withdrawn' })
  })

  it('has no version any more when the only one is withdrawn, and one again when the alias moves', async () => {
    const { registry, followed, heard, happened } = await started()
    registry.withdraw(1)
    await heard()
    await happened.has('refused', { reason: 'version 1 was withdrawn' })
    await expect(followed.refresh()).rejects.toMatchObject({ code: 'version.withdrawn' })
    expect(() => followed.current).toThrow(expect.objectContaining({ code: 'version.withdrawn' }))
    await registry.move('production', 3)
    await heard()
    await happened.has('switched', { to: 3 })
    expect(followed.current.number).toBe(3)
  })
})

describe('changes', () => {
  it('bring each version to every reader, the newest to the slow ones, and end with close', async () => {
    const { opening, registry, happened } = await scene()
    const followed = await opening()
    await registry.until(() => registry.streams.size > 0)
    const quick: number[] = []
    const reading = (async () => {
      for await (const { number } of followed.changes) quick.push(number)
    })()
    const slow = followed.changes[Symbol.asyncIterator]()
    for (const number of [2, 3, 1]) {
      await registry.move('production', number)
      await happened.has('switched', { to: number }, number === 1 ? 2 : 1)
    }
    expect((await slow.next()).value.number).toBe(1)
    await followed.close()
    await reading
    expect(quick).toEqual([2, 3, 1])
    expect((await slow.next()).done).toBe(true)
  })
})

describe('canaries', () => {
  const rollout = (share: number) => ({
    id: 'roll_1',
    number: 2,
    root: versions[1].manifest.root,
    share,
    include: ['volunteer'],
    exclude: ['careful'],
  })

  it('get the challenger by their id, and the others the champion', async () => {
    const { opening, registry } = await scene()
    await registry.move('production', 1, { rollout: rollout(0) })
    const number = async (consumer?: string) => {
      const { current } = await opening('heart', consumer === undefined ? {} : { consumer })
      return `${current.number} ${current.why}`
    }
    expect(await number()).toBe('1 stable')
    expect(await number('hospital-a')).toBe('1 stable')
    expect(await number('volunteer')).toBe('2 canary')
    await registry.move('production', 1, { rollout: rollout(10_000) })
    expect(await number('hospital-a')).toBe('2 canary')
    expect(await number('careful')).toBe('1 stable')
    expect(await number()).toBe('1 stable')
  })

  it('become stable when the challenger becomes the champion, without a switch', async () => {
    const { opening, registry, happened } = await scene()
    await registry.move('production', 1, { rollout: rollout(10_000) })
    const followed = await opening('heart', { consumer: 'hospital-a' })
    await registry.until(() => registry.streams.size > 0)
    await registry.move('production', 2)
    await happened.has('following', { sequence: 3 })
    expect(await followed.refresh()).toMatchObject({ number: 2, why: 'stable' })
    expect(happened.of('switched').length).toBe(1)
  })

  it('go back to the champion of the same record when the challenger is withdrawn', async () => {
    const { opening, registry, happened } = await scene()
    await registry.move('production', 1, { rollout: rollout(10_000) })
    const followed = await opening('heart', { consumer: 'hospital-a' })
    await registry.until(() => registry.streams.size > 0)
    registry.withdraw(2)
    await happened.has('switched', { from: 2, to: 1 })
    expect(followed.current).toMatchObject({ number: 1, why: 'stable' })
  })
})

describe('refreshing', () => {
  it('asks now, with the tag of what is known', async () => {
    const { opening, registry } = await scene()
    const followed = await opening('heart', { follow: 'none' })
    expect((await followed.refresh()).number).toBe(1)
    expect(
      registry.requests.at(-1)!.headers['if-none-match'] ?? registry.requests.at(-2)!.headers['if-none-match'],
    ).toMatch(/^"[0-9a-f]{64}"$/)
    await registry.move('production', 3)
    expect((await followed.refresh()).number).toBe(3)
    await registry.stop()
    await expect(followed.refresh()).rejects.toMatchObject({ code: 'session.unreachable' })
    expect(followed.current.number).toBe(3)
  })
})

describe('a record that expires', () => {
  it('is asked for again, and then reported as stale; its version is served until there is a newer one', async () => {
    const { opening, registry, clock, happened } = await scene()
    const followed = await opening('heart', { follow: 'poll', pollMs: 3_600_000 })
    clock.advance(30 * DAY_MS)
    await happened.has('stale')
    expect(happened.of('stale')).toEqual([{ type: 'stale', since: Date.UTC(2026, 0, 31) }])
    expect(followed.current.number).toBe(1)
    await registry.move('production', 2)
    await followed.refresh()
    expect(happened.of('back').length).toBe(1)
    expect(followed.current.number).toBe(2)
  })

  it('is not served with whenStale: refuse, from the very millisecond on', async () => {
    const { opening, registry, clock } = await scene()
    const followed = await opening('heart', { follow: 'none', whenStale: 'refuse' })
    clock.advance(30 * DAY_MS - 1)
    expect(followed.current.number).toBe(1)
    clock.advance(1)
    expect(() => followed.current).toThrow(expect.objectContaining({ code: 'verify.failed' }))
    await registry.move('production', 1)
    expect((await followed.refresh()).number).toBe(1)
  })
})

it('closing ends every timer, request and stream', async () => {
  const { opening, registry, clock } = await scene()
  const followed = await opening('heart', { cache: memoryCache() })
  await registry.until(() => registry.streams.size > 0)
  await followed.close()
  await registry.until(() => registry.streams.size === 0)
  expect(clock.timers).toBe(0)
  expect(followed.current.number).toBe(1)
})

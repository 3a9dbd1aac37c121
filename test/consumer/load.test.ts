import { expect, it } from 'vitest'
import { type Followed, open } from '../../consumer/index.ts'
import type { OpenVersion } from '../../consumer/version/open-version.ts'
import { FakeRegistry } from './fake-registry.ts'
import { ManualClock } from './manual-clock.ts'
import { expectUnmixed, finally_, Happened, versions } from './support.ts'
import { makeVersion, pin } from './versions.ts'

const CONSUMERS = 50
const two = await makeVersion(2, { size: 5_000 })

it('fifty consumers follow a move and a rollback, and none of them ever has a mixture', async () => {
  const clock = new ManualClock()
  const registry = new FakeRegistry(() => clock.now(), [versions[0], two])
  const url = await registry.start()
  finally_(() => registry.stop())
  await registry.move('production', 1)
  const exposed = new Set<OpenVersion>()
  const consumers = await Promise.all(
    Array.from({ length: CONSUMERS }, async (_, i) => {
      const follow = i % 2 === 0 ? ('stream' as const) : ('poll' as const)
      const happened = new Happened()
      const followed: Followed = await open('heart', {
        url,
        key: pin,
        clock,
        random: () => 0,
        // Polls come before the streams are thought to have fallen silent.
        pollMs: 20_000,
        follow,
        consumer: `hospital-${i}`,
        onEvent: (event) => {
          if (event.type === 'switched' && event.from !== undefined) exposed.add(followed.current)
          happened.add(event)
        },
      })
      finally_(() => followed.close())
      exposed.add(followed.current)
      const all = (async () => {
        for await (const version of followed.changes) exposed.add(version)
      })()
      return { follow, followed, happened, all }
    }),
  )
  const polling = consumers.filter(({ follow }) => follow === 'poll')
  const streaming = consumers.filter(({ follow }) => follow === 'stream')
  await registry.until(() => registry.streams.size === streaming.length)

  // The move: half of the pollers hear of it, the other half hears of it and of the rollback at once.
  await registry.move('production', 2)
  for (const { followed } of consumers) expect([1, 2]).toContain(followed.current.number)
  await Promise.all(streaming.map(({ happened }) => happened.has('switched', { to: 2 })))
  await Promise.all(polling.slice(0, polling.length / 2).map(({ followed }) => followed.refresh()))

  // The rollback. Pollers hear of it when they poll.
  await registry.move('production', 1)
  clock.advance(18_000)
  await Promise.all(consumers.map(({ happened }) => happened.has('following', { sequence: 3 })))
  const current = await Promise.all(consumers.map(async ({ followed }) => (await followed.refresh()).number))
  expect(new Set(current)).toEqual(new Set([1]))

  for (const { followed, all } of consumers) {
    await followed.close()
    await all
  }
  expect(exposed.size).toBeGreaterThan(CONSUMERS)
  for (const version of exposed) {
    expectUnmixed(version)
    expect(version.root).toBe((version.number === 1 ? versions[0] : two).manifest.root)
  }
  for (const { happened } of consumers) expect(happened.of('refused')).toEqual([])
})

import { expect, test } from 'vitest'
import { VirtualClock } from '../../sim/engine/clock.ts'

const never = new Promise<never>(() => {})

test('timers go off in the order of their times, and of one time in the order in which they were set', async () => {
  const clock = new VirtualClock()
  const seen: [string, number][] = []
  const note = (name: string) => () => seen.push([name, clock.monotonic()])
  let end = () => {}
  const done = new Promise<void>((resolve) => {
    end = resolve
  })
  clock.after(20, note('c'))
  clock.after(10, note('a'))
  const cancel = clock.after(15, note('never'))
  clock.after(10, () => {
    note('b')()
    cancel()
    cancel()
    clock.after(0, note('at once'))
  })
  clock.after(30, end)
  await clock.run(done)
  expect(seen).toEqual([
    ['a', 10],
    ['b', 10],
    ['at once', 10],
    ['c', 20],
  ])
})

test('time stands still while it is held, however long that takes in truth', async () => {
  const clock = new VirtualClock()
  const seen: string[] = []
  clock.after(1, () => {
    void clock.holding(async () => {
      for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
      seen.push('work')
    })
  })
  const done = new Promise<void>((resolve) =>
    clock.after(2, () => {
      seen.push('later')
      resolve()
    }),
  )
  await clock.run(done)
  expect(seen).toEqual(['work', 'later'])
})

test('thousands of cancelled timers are swept out, and those that remain still go off', async () => {
  const clock = new VirtualClock()
  let rest = 0
  for (let i = 0; i < 250_000; i++) {
    const cancel = clock.after(i % 1000, () => rest++)
    if (i % 1000 !== 7) cancel()
  }
  await clock.run(new Promise<void>((resolve) => clock.after(2000, resolve)))
  expect(rest).toBe(250)
})

test('what cannot happen any more is said, and an interrupt ends the waiting, also while time is held', async () => {
  await expect(new VirtualClock().run(never)).rejects.toMatchObject({ code: 'internal' })
  for (const held of [false, true]) {
    const clock = new VirtualClock()
    if (held) clock.hold()
    const again = () => void clock.after(1, again)
    again()
    const running = clock.run(never)
    setImmediate(() => setImmediate(() => clock.interrupt()))
    await expect(running).rejects.toMatchObject({ code: 'interrupted' })
  }
})

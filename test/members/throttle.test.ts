import { describe, expect, it } from 'vitest'
import { Throttle } from '../../server/members/throttle.ts'

function throttled() {
  let now = 0
  const throttle = new Throttle(() => now)
  const attempt = (name: string, address: string) => {
    try {
      return throttle.begin(name, address)
    } catch (failure) {
      return failure as { code: string; details: { retryAfterMs: number } }
    }
  }
  const wait = (name: string, address: string) => {
    const begun = attempt(name, address)
    return 'code' in begun ? begun.details.retryAfterMs : 0
  }
  return {
    attempt,
    wait,
    pass: (ms: number) => {
      now += ms
    },
  }
}

describe('failed logins', () => {
  it('of one name cost nothing at first, then twice as much each time, up to five minutes', () => {
    const { wait, pass } = throttled()
    let address = 0
    const next = () => wait('ann', `10.0.0.${address++ % 250}`)
    for (let i = 0; i < 5; i++) expect(next()).toBe(0)
    const waits: number[] = []
    for (let i = 0; i < 12; i++) {
      const ms = next()
      waits.push(ms / 1_000)
      // A moment too early is too early.
      pass(ms - 1)
      expect(next()).toBe(1)
      pass(1)
      expect(next()).toBe(0)
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300])
    expect(wait('bo', '10.0.1.1')).toBe(0)
  })

  it('from one address cost up to a quarter of an hour, whatever names are tried', () => {
    const { wait, pass } = throttled()
    for (let i = 0; i < 20; i++) expect(wait(`n${i}`, '10.0.0.1')).toBe(0)
    let last = 0
    for (let i = 0; i < 14; i++) {
      last = wait(`m${i}`, '10.0.0.1')
      pass(last)
      expect(wait(`o${i}`, '10.0.0.1')).toBe(0)
    }
    expect(last).toBe(900_000)
    expect(wait('ann', '10.0.0.2')).toBe(0)
  })

  it('elsewhere do not lock a member out where it has logged in before', () => {
    const { attempt, wait } = throttled()
    const own = attempt('ann', '10.0.0.1')
    if ('succeeded' in own) own.succeeded()
    for (let i = 0; i < 20; i++) wait('ann', `10.9.9.${i}`)
    expect(wait('ann', '10.9.9.99')).toBeGreaterThan(0)
    expect(wait('ann', '10.0.0.1')).toBe(0)
  })

  it('count from their beginning: many at once gain nothing', () => {
    const { attempt } = throttled()
    const begun = Array.from({ length: 50 }, (_, i) => attempt('ann', `10.0.0.${i}`))
    expect(begun.filter((one) => 'succeeded' in one)).toHaveLength(5)
  })

  it('are not forgotten by logging in to an account of one’s own from the same address', () => {
    const { attempt, wait } = throttled()
    for (let i = 0; i < 19; i++) wait(`n${i}`, '10.0.0.1')
    const own = attempt('mallory', '10.0.0.1')
    if ('succeeded' in own) own.succeeded()
    expect(wait('x', '10.0.0.1')).toBe(0)
    expect(wait('y', '10.0.0.1')).toBeGreaterThan(0)
  })

  it('are forgotten by a login, and after an hour of quiet', () => {
    const { attempt, wait, pass } = throttled()
    for (let i = 0; i < 4; i++) wait('ann', '10.0.0.1')
    const own = attempt('ann', '10.0.0.1')
    if ('succeeded' in own) own.succeeded()
    for (let i = 0; i < 5; i++) expect(wait('ann', '10.0.0.1')).toBe(0)
    expect(wait('ann', '10.0.0.1')).toBeGreaterThan(0)
    pass(3_600_001)
    expect(wait('ann', '10.0.0.1')).toBe(0)
  })

  it('of one network of IPv6 are of one address, and mapped IPv4 is IPv4', () => {
    const { wait } = throttled()
    const forms = (i: number) =>
      [`2001:db8:0:1::${i}`, `2001:0db8:0000:0001:1:2:3:${i}`, `2001:db8::1:0:0:0:${i}%eth0`][i % 3]!
    for (let i = 0; i < 20; i++) expect(wait(`n${i}`, forms(i))).toBe(0)
    expect(wait('x', '2001:db8:0:1:ffff::1')).toBeGreaterThan(0)
    expect(wait('y', '2001:db8:0:2::1')).toBe(0)
    for (let i = 0; i < 20; i++) wait(`m${i}`, '10.0.0.1')
    expect(wait('z', '::ffff:10.0.0.1')).toBeGreaterThan(0)
  })
})

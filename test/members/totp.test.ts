import { describe, expect, it, test } from 'vitest'
import { acceptedStep, base32, otpauthUri, STEP_MS, stepAt, totpCode } from '../../server/members/totp.ts'

const secret = new TextEncoder().encode('12345678901234567890')

describe('codes that a telephone makes', () => {
  // RFC 6238, appendix B, SHA-1: eight digits.
  test.each([
    [59, '94287082'],
    [1111111109, '07081804'],
    [1111111111, '14050471'],
    [1234567890, '89005924'],
    [2000000000, '69279037'],
    [20000000000, '65353130'],
  ])('at %d s are those of RFC 6238', (seconds, code) => {
    expect(totpCode(secret, stepAt(seconds * 1_000), 8)).toBe(code)
    expect(totpCode(secret, stepAt(seconds * 1_000))).toBe(code.slice(2))
  })

  // RFC 4226, appendix D: six digits by counter.
  test.each(
    ['755224', '287082', '359152', '969429', '338314', '254676', '287922', '162583', '399871', '520489'].map(
      (code, counter) => [counter, code] as const,
    ),
  )('of counter %d are those of RFC 4226', (counter, code) => {
    expect(totpCode(secret, counter)).toBe(code)
  })

  const now = 1_700_000_000_000
  const step = stepAt(now)

  it('count one step before and after, and no further', () => {
    for (const [later, taken] of [
      [-2, false],
      [-1, true],
      [0, true],
      [1, true],
      [2, false],
    ] as const) {
      expect(acceptedStep(secret, totpCode(secret, step + later), now, 0)).toBe(taken ? step + later : undefined)
    }
  })

  it('count once, and none that is older than one that was taken', () => {
    expect(acceptedStep(secret, totpCode(secret, step), now, step)).toBeUndefined()
    expect(acceptedStep(secret, totpCode(secret, step - 1), now, step)).toBeUndefined()
    expect(acceptedStep(secret, totpCode(secret, step + 1), now, step)).toBe(step + 1)
    expect(acceptedStep(secret, totpCode(secret, step + 1), now + STEP_MS, step + 1)).toBeUndefined()
  })

  test.each(['', '12345', '1234567', 'abcdef', ' 123456', '１２３４５６', '-12345'])(
    'of the form "%s" are none',
    (code) => {
      expect(acceptedStep(secret, code, now, 0)).toBeUndefined()
    },
  )

  // RFC 4648, section 10.
  test.each([
    ['', ''],
    ['f', 'MY'],
    ['fo', 'MZXQ'],
    ['foo', 'MZXW6'],
    ['foob', 'MZXW6YQ'],
    ['fooba', 'MZXW6YTB'],
    ['foobar', 'MZXW6YTBOI'],
  ])('have secrets in base32: %s', (text, code) => {
    expect(base32(new TextEncoder().encode(text))).toBe(code)
  })

  it('are set up by a URI', () => {
    const uri = new URL(otpauthUri(secret, 'Parley', 'ann.lee'))
    expect([uri.protocol, uri.host, uri.pathname]).toEqual(['otpauth:', 'totp', '/Parley:ann.lee'])
    expect(Object.fromEntries(uri.searchParams)).toEqual({
      secret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
      issuer: 'Parley',
      algorithm: 'SHA1',
      digits: '6',
      period: '30',
    })
  })
})

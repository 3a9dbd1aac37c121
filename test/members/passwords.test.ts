import { describe, expect, it, test } from 'vitest'
import { checkPassword, initialPassword, PASSWORD_COST, Passwords } from '../../server/members/passwords.ts'
import { newRecoveryCodes, SecondFactors } from '../../server/members/second-factor.ts'
import { cheap } from '../support/people.ts'

describe('passwords', () => {
  it('match what they were hashed from, and nothing else; each hash has a salt of its own', async () => {
    const passwords = new Passwords(cheap)
    const [one, two] = await Promise.all([passwords.hash('correct horse'), passwords.hash('correct horse')])
    expect(one).not.toBe(two)
    expect(await passwords.matches('correct horse', one)).toBe(true)
    expect(await passwords.matches('correct horse', two)).toBe(true)
    for (const wrong of ['', 'Correct horse', 'correct horse ', 'correct horsf']) {
      expect(await passwords.matches(wrong, one)).toBe(false)
    }
    expect(await passwords.matches('correct horse', undefined)).toBe(false)
  })

  // RFC 7914, section 12: scrypt("password", "NaCl", N=1024, r=8, p=16), of which the first 32 bytes.
  it('are hashed by scrypt', async () => {
    const known = 'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162'
    const passwords = new Passwords({ N: 1024, r: 8, p: 16 })
    const hash = await passwords.hash('x')
    expect(hash).toMatch(/^scrypt\$1024\$8\$16\$[0-9a-f]{32}\$[0-9a-f]{64}$/)
    const { scryptSync } = await import('node:crypto')
    expect(scryptSync('password', 'NaCl', 32, { N: 1024, r: 8, p: 16 }).toString('hex')).toBe(known)
    const [, , , , salt = '', own] = hash.split('$')
    expect(own).toBe(scryptSync('x', Buffer.from(salt, 'hex'), 32, { N: 1024, r: 8, p: 16 }).toString('hex'))
  })

  it('are the same however their letters are composed', async () => {
    const passwords = new Passwords(cheap)
    expect(await passwords.matches('pa\u0308ssword', await passwords.hash('p\u00e4ssword'))).toBe(true)
  })

  it('are hashed with parameters that are stored, so that old hashes go on', async () => {
    const old = await new Passwords(cheap).hash('correct horse')
    const now = new Passwords({ N: 32, r: 2, p: 1 })
    expect(await now.matches('correct horse', old)).toBe(true)
    expect(now.outdated(old)).toBe(true)
    expect(now.outdated(await now.hash('correct horse'))).toBe(false)
    await expect(now.matches('x', 'scrypt$16$1$1$00$00')).rejects.toMatchObject({ code: 'store.corrupt' })
  })

  it('wait for each other, and are refused where too many wait', async () => {
    const passwords = new Passwords(cheap)
    const all = await Promise.allSettled(Array.from({ length: 60 }, () => passwords.matches('x', undefined)))
    const refused = all.filter(({ status }) => status === 'rejected')
    expect(refused).toHaveLength(60 - 2 - 32)
    for (const one of refused) expect(one).toMatchObject({ reason: { code: 'auth.too-often' } })
    expect(await passwords.matches('x', undefined)).toBe(false)
  })

  test.each([
    ['twelve chars', true],
    ['eleven char', false],
    ['ääääääääääää', true],
    ['ßßßßßßßßßßß', false],
    ['Member.Name.1', false],
    ['aaaaaaaaaaaaaaaa', true],
    ['x'.repeat(1_001), false],
  ])('%s: is taken %s', (password, fine) => {
    const check = () => checkPassword(password, 'member.name.1')
    if (fine) check()
    else expect(check).toThrow(expect.objectContaining({ code: 'auth.password-weak' }))
  })

  it('for a first login are long and different', () => {
    const some = new Set(Array.from({ length: 100 }, initialPassword))
    expect(some.size).toBe(100)
    for (const one of some) expect(one).toMatch(/^[a-z2-9]{4}(-[a-z2-9]{4}){4}$/)
  })

  it('cost what the documentation says', () => {
    expect(PASSWORD_COST).toEqual({ N: 65_536, r: 8, p: 2 })
  })
})

describe('second factors', () => {
  const factors = new SecondFactors(new Uint8Array(32).fill(1))

  it('open under the coordinator’s own secret, for their own member', () => {
    const { secret, sealed } = factors.create('mem_1')
    expect(Buffer.from(factors.open('mem_1', sealed))).toEqual(secret)
    expect(sealed).not.toContain(Buffer.from(secret).toString('hex'))
    const others = new SecondFactors(new Uint8Array(32).fill(2))
    for (const open of [
      () => factors.open('mem_2', sealed),
      () => others.open('mem_1', sealed),
      () => factors.open('mem_1', sealed.slice(2)),
      () => factors.open('mem_1', `${sealed.slice(0, -1)}${sealed.endsWith('0') ? '1' : '0'}`),
      () => factors.open('mem_1', 'no hex'),
    ]) {
      expect(open).toThrow(expect.objectContaining({ code: 'store.corrupt' }))
    }
  })

  it('have ten different recovery codes, of which only hashes are kept', () => {
    const { codes, hashes } = newRecoveryCodes()
    expect([new Set(codes).size, new Set(hashes).size]).toEqual([10, 10])
    for (const hash of hashes) expect(hash).toMatch(/^[0-9a-f]{64}$/)
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { portableCrypto } from '../../core/crypto/portable.ts'
import type { Crypto } from '../../core/crypto/primitives.ts'
import { fromHex, toHex, utf8 } from '../../core/encoding/bytes.ts'

const hex = (text: string) => fromHex(text)!

function seal(
  crypto: Crypto,
  key: Uint8Array,
  nonce: Uint8Array,
  associated: Uint8Array,
  plain: Uint8Array,
): Uint8Array {
  const sealed = new Uint8Array(plain.length + 16)
  crypto.sealAead(key, nonce, associated, plain, sealed)
  return sealed
}

describe.each([
  ['node', nodeCrypto],
  ['portable', portableCrypto],
])('%s crypto', (_name, crypto) => {
  test('SHA-256 of "abc" (FIPS 180-4), in one piece and in parts', () => {
    const expected = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    expect(toHex(crypto.sha256(utf8('abc')))).toBe(expected)
    const hasher = crypto.hasher()
    hasher.update(utf8('a'))
    hasher.update(utf8('bc'))
    expect(toHex(hasher.digest())).toBe(expected)
  })

  test('HKDF-SHA-256 (RFC 5869, test case 1)', () => {
    const secret = new Uint8Array(22).fill(0x0b)
    const okm = crypto.hkdf(secret, hex('000102030405060708090a0b0c'), hex('f0f1f2f3f4f5f6f7f8f9'), 42)
    expect(toHex(okm)).toBe('3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865')
  })

  test('Ed25519 (RFC 8032, section 7.1, test 3)', () => {
    const key = crypto.signingKey(hex('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7'))
    const message = hex('af82')
    const signature =
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a'
    expect(toHex(key.publicKey)).toBe('fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025')
    expect(toHex(key.sign(message))).toBe(signature)
    expect(crypto.verify(key.publicKey, message, hex(signature))).toBe(true)
    expect(crypto.verify(key.publicKey, hex('af83'), hex(signature))).toBe(false)
  })

  test('keys and signatures of other lengths verify nothing', () => {
    const key = crypto.signingKey(new Uint8Array(32))
    expect(crypto.verify(key.publicKey.subarray(1), utf8('x'), key.sign(utf8('x')))).toBe(false)
    expect(crypto.verify(key.publicKey, utf8('x'), key.sign(utf8('x')).subarray(1))).toBe(false)
    expect(crypto.verify(new Uint8Array(0), utf8('x'), new Uint8Array(0))).toBe(false)
  })

  test('X25519 (RFC 7748, section 6.1)', () => {
    const bob = crypto.agreementKey(hex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb'))
    expect(toHex(bob.publicKey)).toBe('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f')
    const alice = hex('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a')
    expect(toHex(bob.agree(alice)!)).toBe('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742')
  })

  test('an X25519 public key of small order is refused', () => {
    const key = crypto.agreementKey(new Uint8Array(32).fill(9))
    expect(key.agree(new Uint8Array(32))).toBeUndefined()
    expect(key.agree(new Uint8Array(31))).toBeUndefined()
  })

  test('AES-256-GCM (McGrew and Viega, test case 14)', () => {
    const sealed = seal(crypto, new Uint8Array(32), new Uint8Array(12), new Uint8Array(0), new Uint8Array(16))
    expect(toHex(sealed)).toBe('cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919')
  })

  test('what is sealed opens only unchanged, under the same key, nonce and associated data', () => {
    const key = new Uint8Array(32).fill(1)
    const nonce = new Uint8Array(12).fill(2)
    const sealed = seal(crypto, key, nonce, utf8('context'), utf8('plain'))
    expect(crypto.openAead(key, nonce, utf8('context'), sealed)).toEqual(expect.objectContaining({ length: 5 }))
    for (let at = 0; at < sealed.length; at++) {
      const changed = sealed.slice()
      changed[at]! ^= 1
      expect(crypto.openAead(key, nonce, utf8('context'), changed)).toBeUndefined()
    }
    expect(crypto.openAead(key, nonce, utf8('other'), sealed)).toBeUndefined()
    expect(
      crypto.openAead(
        key.map((byte) => byte + 1),
        nonce,
        utf8('context'),
        sealed,
      ),
    ).toBeUndefined()
    expect(crypto.openAead(key, nonce, utf8('context'), sealed.subarray(0, 3))).toBeUndefined()
  })
})

describe.each([
  ['node', nodeCrypto],
  ['portable', portableCrypto],
])('the keystream of %s crypto', (_name, crypto) => {
  // Key and first ciphertext block of F.5.5: the counter block there is not zero, so the vector is made from a seek.
  test('is AES-256-CTR: block 0 under the zero key is the AES-256 known answer (FIPS 197 form)', () => {
    expect(toHex(crypto.keystream(new Uint8Array(32)).next(16))).toBe('dc95c078a2408989ad48a21492842087')
    expect(toHex(crypto.keystream(new Uint8Array(32)).next(32)).slice(32)).toBe('530f8afbc74536b9a963b4f1c4cb738b')
  })

  test('goes on where it stopped, in pieces of any length, and starts at any block', () => {
    const key = new Uint8Array(32).fill(7)
    const whole = crypto.keystream(key).next(200_000).slice()
    const stream = crypto.keystream(key)
    let at = 0
    for (const length of [1, 15, 16, 3, 100_000, 29]) {
      expect(toHex(stream.next(length))).toBe(toHex(whole.subarray(at, at + length)))
      at += length
    }
    for (const block of [1, 255, 256, 4097]) {
      expect(toHex(crypto.keystream(key, block).next(64))).toBe(toHex(whole.subarray(16 * block, 16 * block + 64)))
    }
  })

  test('is another one when any byte of the key is another', () => {
    const streams = Array.from({ length: 33 }, (_, at) => {
      const key = new Uint8Array(32)
      if (at < 32) key[at] = 1
      return toHex(crypto.keystream(key).next(32))
    })
    expect(new Set(streams).size).toBe(33)
  })
})

test('both implementations give the same bytes', () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
  fc.assert(
    fc.property(bytes(32), bytes(32), bytes(12), fc.uint8Array({ maxLength: 300 }), (seed, secret, nonce, message) => {
      const [a, b] = [nodeCrypto, portableCrypto]
      expect(a.signingKey(seed).sign(message)).toEqual(b.signingKey(seed).sign(message))
      const other = b.agreementKey(seed).publicKey
      expect(a.agreementKey(secret).agree(other)).toEqual(b.agreementKey(secret).agree(other))
      expect(toHex(seal(a, seed, nonce, secret, message))).toBe(toHex(seal(b, seed, nonce, secret, message)))
      for (const length of [16, 32, 33, 64]) {
        expect(a.hkdf(seed, secret, message, length)).toEqual(b.hkdf(seed, secret, message, length))
      }
      const block = message.length * 2 ** 33
      expect(toHex(a.keystream(seed, block).next(40))).toBe(toHex(b.keystream(seed, block).next(40)))
    }),
    { numRuns: 20 },
  )
})

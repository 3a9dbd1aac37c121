import { generateKeyPairSync, sign } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nodeEcdsa } from '../../core/attestation/node.ts'
import { derOfPem, pemOf } from '../../core/attestation/pem.ts'
import { rawSignature, webEcdsa } from '../../core/attestation/web.ts'
import { utf8 } from '../../core/encoding/bytes.ts'

const curves = [
  ['P-256', 'sha256', 32],
  ['P-384', 'sha384', 48],
  ['P-521', 'sha512', 66],
] as const
const message = utf8('what is signed')

const pair = (curve: string) => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: curve })
  return { privateKey, publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString() }
}
const besideTheCurve = () => {
  const bytes = derOfPem(pair('P-256').publicKeyPem, 'PUBLIC KEY')!
  bytes[bytes.length - 1]! ^= 1
  return pemOf('PUBLIC KEY', bytes)
}
const der = (...integers: readonly (readonly number[])[]) => {
  const body = integers.flatMap((one) => [0x02, one.length, ...one])
  return Uint8Array.from([0x30, body.length, ...body])
}

describe.each(curves)('a release key on %s', (curve, hash, bytes) => {
  const { privateKey, publicKeyPem } = pair(curve)

  it('verifies in WebCrypto what Node signed, whatever the lengths of the two integers', async () => {
    expect(await webEcdsa.curveOf(publicKeyPem)).toBe(curve)
    for (let i = 0; i < 40; i++) {
      const text = utf8(`message ${i}`)
      const signatureDer = new Uint8Array(sign(hash, text, privateKey))
      expect(await webEcdsa.verify({ publicKeyPem, message: text, signatureDer })).toBe(true)
      expect(await webEcdsa.verify({ publicKeyPem, message, signatureDer })).toBe(false)
    }
  })

  it('is refused with raw signatures, other hashes and other keys', async () => {
    const raw = new Uint8Array(sign(hash, message, { key: privateKey, dsaEncoding: 'ieee-p1363' }))
    const signatureDer = new Uint8Array(sign(hash, message, privateKey))
    expect(raw.length).toBe(2 * bytes)
    expect(await webEcdsa.verify({ publicKeyPem, message, signatureDer: raw })).toBe(false)
    expect(await webEcdsa.verify({ publicKeyPem: pair(curve).publicKeyPem, message, signatureDer })).toBe(false)
    const wrong = new Uint8Array(sign(hash === 'sha256' ? 'sha512' : 'sha256', message, privateKey))
    expect(await webEcdsa.verify({ publicKeyPem, message, signatureDer: wrong })).toBe(false)
  })

  it('says the same as Node of every signature with a bit flipped, a byte added or a byte left out', async () => {
    const signatureDer = new Uint8Array(sign(hash, message, privateKey))
    const changed: Uint8Array[] = []
    for (let at = 0; at < signatureDer.length; at++) {
      changed.push(signatureDer.map((byte, i) => (i === at ? byte ^ 0x80 : byte)))
      changed.push(signatureDer.filter((_, i) => i !== at))
      changed.push(Uint8Array.from([...signatureDer.slice(0, at), 0, ...signatureDer.slice(at)]))
    }
    for (const one of changed) {
      const input = { publicKeyPem, message, signatureDer: one }
      expect(await webEcdsa.verify(input)).toBe(await nodeEcdsa.verify(input))
    }
  })
})

describe('a key that is none', () => {
  it.each([
    ['nothing', ''],
    [
      'a private key',
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
    ],
    ['a key of another kind', generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' })],
    ['a key on another curve', pair('secp256k1').publicKeyPem],
    ['a point beside the curve', besideTheCurve()],
    ['a key that is cut off', pair('P-384').publicKeyPem.replace(/.{4}(?=\n-----END)/, '')],
  ])('%s has no curve and verifies nothing, as in Node', async (_name, key) => {
    const publicKeyPem = key.toString()
    expect(await nodeEcdsa.curveOf(publicKeyPem)).toBeUndefined()
    expect(await webEcdsa.curveOf(publicKeyPem)).toBeUndefined()
    expect(await webEcdsa.verify({ publicKeyPem, message, signatureDer: der([1], [1]) })).toBe(false)
  })
})

describe('DER of a signature', () => {
  const raw = (bytes: Uint8Array) => rawSignature(bytes, 32)

  it('becomes r‖s, filled up with zeros in front', () => {
    const out = raw(der([0x00, 0xff], [0x7f]))!
    expect(out.length).toBe(64)
    expect([out[31], out[63], out.reduce((sum, byte) => sum + byte, 0)]).toEqual([0xff, 0x7f, 0xff + 0x7f])
  })

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['zero', der([0], [1])],
    ['an integer without a byte', der([], [1])],
    ['a negative integer', der([0x80], [1])],
    ['a zero too many', der([0x00, 0x7f], [1])],
    ['an integer that is too long', der(Array(33).fill(1), [1])],
    ['one integer', der([1])],
    ['three integers', der([1], [1], [1])],
    ['a byte behind it', Uint8Array.from([...der([1], [1]), 0])],
    ['a byte behind its integers', Uint8Array.from([0x30, 7, 2, 1, 1, 2, 1, 1, 0])],
    ['a length in the long form that has a short one', Uint8Array.from([0x30, 0x81, 6, 2, 1, 1, 2, 1, 1])],
    ['a length without end', Uint8Array.from([0x30, 0x80, 2, 1, 1, 2, 1, 1, 0, 0])],
    ['a length beyond the end', Uint8Array.from([0x30, 6, 2, 1, 1, 2, 4, 1])],
    ['a set', Uint8Array.from([0x31, 6, 2, 1, 1, 2, 1, 1])],
  ])('is refused with %s', (_what, bytes) => {
    expect(raw(bytes)).toBeUndefined()
  })

  it('never throws, and never gives another length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 150 }), (bytes) => {
        const out = raw(bytes)
        expect(out === undefined || out.length === 64).toBe(true)
      }),
    )
  })
})

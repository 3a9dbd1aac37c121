import { describe, expect, it } from 'vitest'
import { nodeCertificates, nodeEcdsa, nodeReleaseSigner } from '../../../core/attestation/node.ts'
import { pemOf } from '../../../core/attestation/pem.ts'
import { utf8 } from '../../../core/encoding/bytes.ts'
import {
  type CertificateRequest,
  CODE_SIGNING,
  certificate,
  keyPair,
  NOW,
  SERVER_AUTHENTICATION,
  signerOf,
} from './support.ts'

const [root, middle, leaf, stranger] = [keyPair(), keyPair(), keyPair('P-384'), keyPair()]
const issue = (request: Partial<CertificateRequest>): Uint8Array =>
  certificate({ subject: 'leaf', issuer: 'middle', key: leaf, issuerKey: middle, ...request })

const rootOf = (request: Partial<CertificateRequest> = {}) =>
  issue({ subject: 'root', issuer: 'root', key: root, issuerKey: root, authority: true, ...request })
const middleOf = (request: Partial<CertificateRequest> = {}) =>
  issue({ subject: 'middle', issuer: 'root', key: middle, issuerKey: root, authority: true, ...request })
const leafOf = (request: Partial<CertificateRequest> = {}) => issue(request)

const verify = (certificates: readonly Uint8Array[], anchor: Uint8Array = rootOf(), at = NOW) =>
  nodeCertificates.verifyChain({ certificates, anchors: [pemOf('CERTIFICATE', anchor)], at })
const leafPem = leaf.publicKey.export({ type: 'spki', format: 'pem' })

describe('a chain of certificates', () => {
  it.each<[string, readonly Uint8Array[], Uint8Array]>([
    ['from the leaf over an intermediate to the anchor', [leafOf(), middleOf()], rootOf()],
    ['that ends with the anchor itself', [leafOf(), middleOf(), rootOf()], rootOf()],
    ['with the intermediate as the anchor', [leafOf()], middleOf()],
    ['with a path length that is just enough', [leafOf(), middleOf({ pathLength: 0 })], rootOf({ pathLength: 1 })],
    ['whose leaf may sign code', [leafOf({ extendedKeyUsage: CODE_SIGNING }), middleOf()], rootOf()],
    [
      'whose leaf says only that it may sign code',
      [leafOf({ keyUsage: null, extendedKeyUsage: CODE_SIGNING }), middleOf()],
      rootOf(),
    ],
  ])('is trusted %s', async (_what, chain, anchor) => {
    expect(await verify(chain, anchor)).toEqual({ publicKeyPem: leafPem })
  })

  it.each<[string, string, readonly Uint8Array[], Uint8Array, number?]>([
    ['is empty', 'there is no certificate', [], rootOf()],
    ['ends nowhere', 'no configured trust anchor', [leafOf()], rootOf()],
    [
      'brings its own root',
      'no configured trust anchor',
      [leafOf(), middleOf(), rootOf()],
      issue({ subject: 'other', issuer: 'other', key: stranger, issuerKey: stranger, authority: true }),
    ],
    [
      'has an issuer of the right name and another key',
      'not issued by the next',
      [leafOf({ issuerKey: stranger }), middleOf()],
      rootOf(),
    ],
    [
      'has an anchor of the right name and another key',
      'no configured trust anchor',
      [leafOf(), middleOf({ issuerKey: stranger })],
      rootOf(),
    ],
    [
      'has a leaf that is named like its issuer',
      'no configured trust anchor',
      [leafOf({ subject: 'root', issuer: 'root', issuerKey: leaf })],
      rootOf(),
    ],
    ['is not valid yet', 'not valid before', [leafOf({ from: NOW + 1_000 }), middleOf()], rootOf()],
    ['has a leaf that is over', 'not valid after', [leafOf({ to: NOW - 1_000 }), middleOf()], rootOf()],
    ['has an intermediate that is over', 'not valid after', [leafOf(), middleOf({ to: NOW - 1_000 })], rootOf()],
    ['has an anchor that is over', 'not valid after', [leafOf(), middleOf()], rootOf({ to: NOW - 1_000 })],
    ['is asked about at no time', 'not valid before', [leafOf(), middleOf()], rootOf(), Number.NaN],
    [
      'goes through somebody who is no authority',
      'not an authority',
      [leafOf(), middleOf({ authority: false, keyUsage: 0x04 })],
      rootOf(),
    ],
    [
      'goes through an authority that may not sign certificates',
      'not issued by the next',
      [leafOf(), middleOf({ keyUsage: 0x80 })],
      rootOf(),
    ],
    ['is longer than an authority allows', 'too many authorities', [leafOf(), middleOf()], rootOf({ pathLength: 0 })],
    ['has a leaf that may not sign', 'may not be used to sign', [leafOf({ keyUsage: 0x20 }), middleOf()], rootOf()],
    [
      'has a leaf for servers',
      'may not be used to sign',
      [leafOf({ extendedKeyUsage: SERVER_AUTHENTICATION }), middleOf()],
      rootOf(),
    ],
    [
      'has a leaf that says nothing of its use',
      'may not be used to sign',
      [leafOf({ keyUsage: null }), middleOf()],
      rootOf(),
    ],
    [
      'has a critical extension that nobody knows',
      'critical extension',
      [leafOf({ unknownCritical: '551d1e' }), middleOf()],
      rootOf(),
    ],
    ['has a certificate that is none', 'error', [Uint8Array.of(0x30, 0x03, 1, 2, 3)], rootOf()],
    ['is too long', 'longer than 10', Array.from({ length: 11 }, () => leafOf()), rootOf()],
  ])('is refused when it %s', async (_what, reason, chain, anchor, at = NOW) => {
    expect(await verify(chain, anchor, at)).toEqual({ problem: expect.stringContaining(reason) })
  })

  it('is refused when its anchor is not in PEM', async () => {
    const result = await nodeCertificates.verifyChain({ certificates: [leafOf()], anchors: ['no'], at: NOW })
    expect(result).toEqual({ problem: 'trust anchor 1 is not a certificate in PEM' })
  })

  it('is refused when its leaf has a key on another curve', async () => {
    const odd = keyPair('secp256k1')
    expect(await verify([leafOf({ key: odd }), middleOf()])).toEqual({
      problem: 'the leaf has no key on a known curve',
    })
  })
})

describe('release keys', () => {
  it.each(['P-256', 'P-384', 'P-521'] as const)('on %s sign what they verify, in DER', async (curve) => {
    const signer = signerOf(keyPair(curve))
    const message = utf8('message')
    const signatureDer = await signer.sign(message)
    const { publicKeyPem } = signer
    expect(await nodeEcdsa.curveOf(publicKeyPem)).toBe(curve)
    expect(await nodeEcdsa.verify({ publicKeyPem, message, signatureDer })).toBe(true)
    expect(await nodeEcdsa.verify({ publicKeyPem, message: utf8('massage'), signatureDer })).toBe(false)
    expect(await nodeEcdsa.verify({ publicKeyPem, message, signatureDer: new Uint8Array(64) })).toBe(false)
    expect(await nodeEcdsa.verify({ publicKeyPem: 'no key', message, signatureDer })).toBe(false)
  })

  it('are not taken from private keys, other curves or nonsense', async () => {
    const { privateKey } = keyPair()
    expect(await nodeEcdsa.curveOf(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())).toBeUndefined()
    expect(await nodeEcdsa.curveOf(pemOf('PUBLIC KEY', Uint8Array.of(1)))).toBeUndefined()
    const odd = keyPair('secp256k1')
    const pem = odd.publicKey.export({ type: 'spki', format: 'pem' }).toString()
    expect(await nodeEcdsa.curveOf(pem)).toBeUndefined()
    expect(() => signerOf(odd)).toThrow(expect.objectContaining({ code: 'config.invalid' }))
  })

  it('open with their passphrase only, and the refusal does not show it', () => {
    const { privateKey } = keyPair()
    const cipher = 'aes-256-cbc'
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem', cipher, passphrase: 'a secret' }).toString()
    expect(nodeReleaseSigner(pem, 'a secret').publicKeyPem).toContain('BEGIN PUBLIC KEY')
    expect(() => nodeReleaseSigner(pem, 'another')).toThrow('cannot be read')
    expect(() => nodeReleaseSigner(pem)).toThrow('cannot be read')
  })
})

import { describe, expect, it } from 'vitest'
import { type DsseEnvelope, dsseBytes, parseDsse, signDsse, verifyDsse } from '../../../core/attestation/dsse.ts'
import { preAuthenticationEncoding } from '../../../core/crypto/envelope.ts'
import { nodeCrypto } from '../../../core/crypto/node.ts'
import { anyBase64 } from '../../../core/encoding/any-base64.ts'
import { fromUtf8, utf8 } from '../../../core/encoding/bytes.ts'

const key = nodeCrypto.signingKey(new Uint8Array(32).fill(1))
const verifying = (publicKey: Uint8Array) => (message: Uint8Array, signature: Uint8Array) =>
  nodeCrypto.verify(publicKey, message, signature)

const type = 'application/vnd.in-toto+json'
type Form = { payload: string; payloadType: string; signatures: { sig: string }[] }
const changed = (change: (form: Form) => object, envelope: DsseEnvelope) =>
  utf8(JSON.stringify(change(JSON.parse(fromUtf8(dsseBytes(envelope))))))
const signature = (form: Form, change: object) => ({ ...form, signatures: [{ ...form.signatures[0], ...change }] })

describe('an envelope', () => {
  it('is signed over the example of the DSSE document', () => {
    const encoded = preAuthenticationEncoding('http://example.com/HelloWorld', utf8('hello world'))
    expect(fromUtf8(encoded)).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world')
  })

  it('gives its payload when one of its signatures is by the trusted key', async () => {
    const envelope = await signDsse(key, type, utf8('{}'))
    const twice = { ...envelope, signatures: [new Uint8Array(71), ...envelope.signatures] }
    expect(await verifyDsse(parseDsse(dsseBytes(twice)), type, verifying(key.publicKey))).toEqual(utf8('{}'))
  })

  it('gives nothing for another key, another type or another payload', async () => {
    const envelope = await signDsse(key, type, utf8('{}'))
    const other = nodeCrypto.signingKey(new Uint8Array(32).fill(2))
    await expect(verifyDsse(envelope, type, verifying(other.publicKey))).rejects.toThrow('no signature')
    await expect(verifyDsse(envelope, 'text/plain', verifying(key.publicKey))).rejects.toThrow('not of type')
    const moved = { ...envelope, payload: utf8('{"a":1}') }
    await expect(verifyDsse(moved, type, verifying(key.publicKey))).rejects.toThrow('no signature')
  })

  it.each<[string, (form: Form) => object]>([
    ['an unknown member', (form) => ({ ...form, extra: 1 })],
    ['an empty keyid', (form) => signature(form, { keyid: '' })],
    ['null for a keyid', (form) => signature(form, { keyid: null })],
    ['base64 without padding', (form) => ({ ...form, payload: form.payload.replace(/=+$/, '') })],
  ])('is read with %s, but not where it must be canonical', async (_what, change) => {
    const envelope = await signDsse(key, type, utf8('{"some":"payloads"}'))
    const bytes = changed(change, envelope)
    expect(parseDsse(bytes)).toEqual(envelope)
    expect(() => parseDsse(bytes, { canonical: true })).toThrow('canonical')
  })

  it.each<[string, (form: Form) => object]>([
    ['without signatures', (form) => ({ ...form, signatures: [] })],
    ['with an empty signature', (form) => signature(form, { sig: '' })],
    ['without a payload type', (form) => ({ ...form, payloadType: undefined })],
    ['with a payload that is not base64', (form) => ({ ...form, payload: '*' })],
    ['with too much padding', (form) => ({ ...form, payload: 'AA===' })],
  ])('is none %s', async (_what, change) => {
    const envelope = await signDsse(key, type, utf8('{}'))
    expect(() => parseDsse(changed(change, envelope))).toThrow(expect.objectContaining({ code: 'verify.failed' }))
  })

  it('has a largest size', () => {
    expect(() => parseDsse(new Uint8Array(11).fill(0x20), { maxBytes: 10 })).toThrow('more than 10 bytes')
  })
})

it('base64 of nothing but padding is refused at once', () => {
  expect(anyBase64(`${'='.repeat(1_000_000)}a`)).toBeUndefined()
  expect(anyBase64('')).toEqual(new Uint8Array())
  expect(anyBase64('_-8')).toEqual(Uint8Array.of(0xff, 0xef))
  expect(anyBase64('/+8=')).toEqual(Uint8Array.of(0xff, 0xef))
})

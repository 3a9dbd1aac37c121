import { expect, test } from 'vitest'
import {
  payloadTypes,
  preAuthenticationEncoding,
  signBytes,
  signValue,
  verifyEnvelope,
} from '../../core/crypto/envelope.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { fromBase64, fromUtf8, toBase64, toHex, utf8 } from '../../core/encoding/bytes.ts'
import { keyOf } from '../support/federation.ts'

test('the pre-authentication encoding is that of the DSSE specification', () => {
  const encoded = preAuthenticationEncoding('http://example.com/HelloWorld', utf8('hello world'))
  expect(fromUtf8(encoded)).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world')
})

test('a signature over it is the one of the audit checkpoint vector', () => {
  const payload = utf8(
    '{"at":"2026-01-05T09:31:08.000Z","federation":"fed_01HZX4T6Q8","head":"358c91f06f1bc0ba220ae44e5a4adc839051f9d6dfbfcacb068b1d9bd78235d3","seq":1,"v":1}',
  )
  const key = nodeCrypto.signingKey(Uint8Array.from({ length: 32 }, (_, index) => index))
  const encoded = preAuthenticationEncoding('application/vnd.parley.audit-checkpoint+json', payload)
  expect(toHex(nodeCrypto.sha256(encoded))).toBe('269b94373011ade743bfe7c004d2d0b65f128a3cc7d9a13e5e4de61b0ed7fbe9')
  expect(toBase64(key.sign(encoded))).toBe(
    'DSA3ijc8F3U1XZvsj2DNmAtPD6DUVvXm7d2CaWtLO8ZmcLcvtW29moPuHqHLTIDB2bOvATTPHMsPuBXignZVDg==',
  )
})

test('an envelope verifies under its key and type only', () => {
  const key = keyOf('signer')
  const envelope = signValue(key, payloadTypes.round, { b: 1, a: [true, null, 'x'] })
  expect(fromUtf8(envelope.payload)).toBe('{"a":[true,null,"x"],"b":1}')
  verifyEnvelope(nodeCrypto, key.publicKey, payloadTypes.round, envelope)
  const refuse = (change: () => void) => expect(change).toThrow(expect.objectContaining({ code: 'auth.bad-signature' }))
  refuse(() => verifyEnvelope(nodeCrypto, keyOf('other').publicKey, payloadTypes.round, envelope))
  refuse(() => verifyEnvelope(nodeCrypto, key.publicKey, payloadTypes.update, envelope))
  const relabelled = { ...envelope, payloadType: payloadTypes.update }
  refuse(() => verifyEnvelope(nodeCrypto, key.publicKey, payloadTypes.update, relabelled))
  const altered = { ...envelope, payload: utf8('{"a":[true,null,"x"],"b":2}') }
  refuse(() => verifyEnvelope(nodeCrypto, key.publicKey, payloadTypes.round, altered))
  const moved = signBytes(key, payloadTypes.round, utf8('x'))
  refuse(() =>
    verifyEnvelope(nodeCrypto, key.publicKey, payloadTypes.round, { ...envelope, signature: moved.signature }),
  )
})

test('base64 is read in its canonical form only', () => {
  expect(fromBase64('AQI=')).toEqual(Uint8Array.of(1, 2))
  for (const text of ['AQI', 'AQJ=', 'A', 'AQI=\n', 'AQ-_']) expect(fromBase64(text)).toBeUndefined()
})

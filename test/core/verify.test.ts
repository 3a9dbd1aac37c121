import { describe, expect, it } from 'vitest'
import { payloadTypes, signBytes, signValue } from '../../core/crypto/envelope.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { portableCrypto } from '../../core/crypto/portable.ts'
import { fromUtf8, toHex, utf8 } from '../../core/encoding/bytes.ts'
import { ENVELOPE_BYTES, envelopeJson, parseEnvelope } from '../../core/release/envelope-json.ts'
import { type Manifest, manifestBytes } from '../../core/release/manifest.ts'
import { type VersionToVerify, verifyVersion } from '../../core/release/verify.ts'
import { layoutBytes, layoutOf } from '../../core/tensors/layout.ts'
import { writeModel } from '../../core/tensors/safetensors.ts'

const key = nodeCrypto.signingKey(new Uint8Array(32).fill(1))
const other = nodeCrypto.signingKey(new Uint8Array(32).fill(2))
const layout = layoutOf([
  { name: 'kernel', shape: [3, 2] },
  { name: 'bias', shape: [2] },
])
const weights = writeModel(
  layout,
  Float32Array.from({ length: 8 }, (_, i) => i / 7),
)
const digest = (bytes: Uint8Array) => toHex(nodeCrypto.sha256(bytes))

const sound: Manifest = {
  v: 1,
  model: 'heart',
  number: 3,
  weights: digest(weights),
  weightsBytes: weights.length,
  layout: digest(layoutBytes(layout)),
  parameters: 8,
  plan: 'a'.repeat(64),
  run: 'run_1',
  round: 2,
  parent: null,
  base: 'b'.repeat(64),
  rule: 'mean',
  clients: { invited: 4, accepted: 3, refused: 1 },
  metrics: { rows: 40, loss: '0.25', accuracy: '1e-7', precision: null, recall: '-0.5', f1: null, auc: '0.8124' },
  gates: [{ gate: 'auc-min', metric: 'auc', verdict: 'pass', value: '0.8124', bound: '0.8', explanation: 'enough' }],
  publishedAt: '2026-01-02T03:04:05.678Z',
  parleyVersion: '0.1.0',
}

const signed = (manifest: unknown) =>
  utf8(envelopeJson(signBytes(key, payloadTypes.manifest, utf8(JSON.stringify(manifest))), key.publicKey))
const canonical = (manifest: Manifest) =>
  utf8(envelopeJson(signBytes(key, payloadTypes.manifest, manifestBytes(manifest)), key.publicKey))

function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const verify = (changes: Partial<VersionToVerify> = {}) =>
  verifyVersion({
    crypto: nodeCrypto,
    publicKey: key.publicKey,
    envelope: canonical(sound),
    weights: [weights],
    ...changes,
  })

describe('a version that is in order', () => {
  it.each([
    ['node', nodeCrypto],
    ['portable', portableCrypto],
  ])('passes every check with the %s primitives, however its weights are cut', async (_name, crypto) => {
    for (const size of [1, 7, 64, 1_000]) {
      const result = await verify({
        crypto,
        weights: pieces(weights, size),
        manifest: manifestBytes(sound),
        expected: { model: 'heart', number: 3 },
      })
      expect(result.failed).toBeUndefined()
      expect(result.checks.every(({ result: outcome }) => outcome === 'pass')).toBe(true)
      expect(result.manifest).toEqual(sound)
    }
  })

  it('passes with a second signature of somebody else beside the right one, and with URL-safe base64', async () => {
    const text = JSON.parse(fromUtf8(canonical(sound)))
    const foreign = JSON.parse(
      envelopeJson(signBytes(other, payloadTypes.manifest, manifestBytes(sound)), other.publicKey),
    )
    text.signatures.unshift({ sig: foreign.signatures[0].sig })
    text.signatures[1].sig = text.signatures[1].sig.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
    text.extra = 'ignored'
    expect((await verify({ envelope: utf8(JSON.stringify(text)) })).failed).toBeUndefined()
  })
})

describe('a version that is not in order', () => {
  it.each<[string, string, Partial<VersionToVerify>]>([
    ['has no envelope', 'envelope', { envelope: utf8('{}') }],
    ['has an envelope that is too large', 'envelope', { envelope: new Uint8Array(ENVELOPE_BYTES + 1).fill(0x20) }],
    ['has an envelope that is not UTF-8', 'envelope', { envelope: Uint8Array.of(0xff) }],
    ['is signed by another key', 'signature', { publicKey: other.publicKey }],
    [
      'is an envelope of something else that the same key signed',
      'signature',
      { envelope: utf8(envelopeJson(signBytes(key, payloadTypes.round, manifestBytes(sound)), key.publicKey)) },
    ],
    ['has a field too many', 'manifest', { envelope: signed({ ...sound, more: 1 }) }],
    ['has a field too few', 'manifest', { envelope: signed({ ...sound, plan: undefined }) }],
    ['has a number that is none', 'manifest', { envelope: canonical({ ...sound, number: 0 }) }],
    ['has a manifest that is not canonical', 'manifest', { envelope: signed(sound) }],
    [
      'has a key twice',
      'manifest',
      {
        envelope: utf8(
          envelopeJson(
            signBytes(key, payloadTypes.manifest, utf8(fromUtf8(manifestBytes(sound)).replace('{', '{"v":1,'))),
            key.publicKey,
          ),
        ),
      },
    ],
    ['has another manifest.json', 'manifest', { manifest: manifestBytes({ ...sound, number: 4 }) }],
    ['is another model', 'identity', { expected: { model: 'lung' } }],
    ['is another number', 'identity', { expected: { model: 'heart', number: 2 } }],
    ['passed no gate', 'gates', { envelope: canonical({ ...sound, gates: [] }) }],
    [
      'failed a gate',
      'gates',
      { envelope: canonical({ ...sound, gates: sound.gates.map((gate) => ({ ...gate, verdict: 'fail' as const })) }) },
    ],
    ['is short', 'length', { weights: [weights.subarray(1)] }],
    ['is empty', 'length', { weights: [] }],
    ['is long', 'length', { weights: [weights, new Uint8Array(1)] }],
    [
      'has a changed byte',
      'digest',
      { weights: [weights.map((byte, i) => (i === weights.length - 1 ? byte ^ 1 : byte))] },
    ],
    ['has another layout', 'layout', { envelope: canonical({ ...sound, layout: 'c'.repeat(64) }) }],
    ['has another number of parameters', 'layout', { envelope: canonical({ ...sound, parameters: 7 }) }],
    [
      'has weights that are no model file',
      'layout',
      {
        envelope: canonical({ ...sound, weights: digest(new Uint8Array(100).fill(255)), weightsBytes: 100 }),
        weights: [new Uint8Array(100).fill(255)],
      },
    ],
  ])('%s: the first failed check says so', async (_what, name, changes) => {
    const { failed, checks } = await verify(changes)
    expect(failed).toBe(name)
    const at = checks.findIndex((check) => check.name === name)
    expect(checks.slice(0, at).every(({ result }) => result === 'pass')).toBe(true)
    expect(checks[at]).toEqual({ name, result: 'fail', detail: expect.any(String) })
    expect(checks.slice(at + 1).every(({ result }) => result === 'skipped')).toBe(true)
  })

  it('is found out wherever one byte of any file is changed', async () => {
    const envelope = canonical(sound)
    const keyid = fromUtf8(envelope).indexOf('"keyid"')
    for (let at = 0; at < envelope.length; at += 3) {
      // The hint on the key decides nothing, so changing it does nothing.
      if (at >= keyid && at < keyid + 80) continue
      const changed = envelope.slice()
      changed[at] = (changed[at] ?? 0) ^ 4
      expect([at, (await verify({ envelope: changed })).failed]).not.toEqual([at, undefined])
    }
    for (let at = 0; at < weights.length; at += 5) {
      const changed = weights.slice()
      changed[at] = (changed[at] ?? 0) ^ 4
      expect((await verify({ weights: [changed] })).failed).toBe('digest')
    }
  })

  it('is not read to its end when it is longer than signed', async () => {
    let read = 0
    function* endless() {
      for (;;) {
        read++
        yield weights
      }
    }
    expect((await verify({ weights: endless() })).failed).toBe('length')
    expect(read).toBe(2)
  })

  it('is not read at all when its signature is wrong', async () => {
    const weightsOfNoUse = {
      // biome-ignore lint/correctness/useYield: it must not even be asked
      *[Symbol.iterator](): Generator<Uint8Array> {
        throw new Error('was read')
      },
    }
    expect((await verify({ publicKey: other.publicKey, weights: weightsOfNoUse })).failed).toBe('signature')
  })
})

it('an envelope survives its JSON form', () => {
  const envelope = signValue(key, payloadTypes.manifest, { a: 1 })
  expect(parseEnvelope(utf8(envelopeJson(envelope, key.publicKey)))).toEqual([envelope])
})

import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { newReleaseKey, nodeEcdsa, nodeReleaseSigner } from '../../core/attestation/node.ts'
import { payloadTypes, signBytes, signValue } from '../../core/crypto/envelope.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { portableCrypto } from '../../core/crypto/portable.ts'
import { fromUtf8, utf8 } from '../../core/encoding/bytes.ts'
import { ENVELOPE_BYTES, envelopeJson, parseEnvelope } from '../../core/release/envelope-json.ts'
import { type Manifest, manifestBytes } from '../../core/release/manifest.ts'
import { type CheckName, checkNames, type VersionToVerify, verifyVersion } from '../../core/release/verify.ts'
import { publishVersion } from '../../server/registry/publish.ts'
import { manifestIn } from '../../server/registry/published.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { candidateIn, filesOf, folderOf, publishDeps } from '../support/release.ts'

const key = nodeCrypto.signingKey(new Uint8Array(32).fill(1))
const other = nodeCrypto.signingKey(new Uint8Array(32).fill(2))

let envelope: Uint8Array
let sound: Manifest
let files: Map<string, Uint8Array>

beforeAll(async () => {
  const store = memoryStore()
  const version = await publishVersion(
    publishDeps(store, key, () => 1_000),
    await candidateIn(store, 2),
  )
  envelope = utf8(version.envelope)
  sound = manifestIn(version.envelope)
  files = await filesOf(store, version)
})

const sign = (manifest: unknown) =>
  utf8(envelopeJson(signBytes(key, payloadTypes.manifest, utf8(JSON.stringify(manifest))), key.publicKey))
const canonical = (manifest: Manifest) =>
  utf8(envelopeJson(signBytes(key, payloadTypes.manifest, manifestBytes(manifest)), key.publicKey))
const withFile = (path: string, bytes: Uint8Array | undefined) => {
  const changed = new Map(files)
  if (bytes === undefined) changed.delete(path)
  else changed.set(path, bytes)
  return folderOf(changed)
}
const flipped = (bytes: Uint8Array, at = bytes.length - 1) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))
const listing = (path: string, changes: object) => ({
  ...sound,
  files: sound.files.map((file) => (file.path === path ? { ...file, ...changes } : file)),
})

const verify = (changes: Partial<VersionToVerify> = {}) =>
  verifyVersion({
    crypto: nodeCrypto,
    ecdsa: nodeEcdsa,
    publicKey: key.publicKey,
    envelope,
    folder: folderOf(files),
    ...changes,
  })

const WEIGHTS = 'model/model.safetensors'
const PROVENANCE = 'attestations/provenance.json'

describe('a version that is in order', () => {
  it.each([
    ['node', nodeCrypto],
    ['portable', portableCrypto],
  ])('passes every check with the %s primitives', async (_name, crypto) => {
    const result = await verify({
      crypto,
      folder: withFile('manifest.json', manifestBytes(sound)),
      expected: { model: 'heart', number: 1, root: sound.root },
    })
    expect(result.failed).toBeUndefined()
    expect(result.checks).toEqual(checkNames.map((name) => ({ name, result: 'pass' })))
    expect(result.manifest).toEqual(sound)
  })

  it('hands on every file as it was hashed, once', async () => {
    const handed = new Map<string, number>()
    const { failed } = await verify({
      handOn: (path, piece) => void handed.set(path, (handed.get(path) ?? 0) + piece.length),
    })
    expect(failed).toBeUndefined()
    const signed = sound.files.filter(({ path }) => path !== 'model/model.sig')
    expect([...handed].sort()).toEqual(signed.map(({ path, bytes }) => [path, bytes]))
  })

  it('passes with a second signature of somebody else beside the right one, and with URL-safe base64', async () => {
    const text = JSON.parse(fromUtf8(envelope))
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
  it.each<[string, CheckName, () => Partial<VersionToVerify>]>([
    ['has no envelope', 'envelope', () => ({ envelope: utf8('{}') })],
    [
      'has an envelope that is too large',
      'envelope',
      () => ({ envelope: new Uint8Array(ENVELOPE_BYTES + 1).fill(0x20) }),
    ],
    ['has an envelope that is not UTF-8', 'envelope', () => ({ envelope: Uint8Array.of(0xff) })],
    ['is signed by another key', 'signature', () => ({ publicKey: other.publicKey })],
    [
      'is an envelope of something else that the same key signed',
      'signature',
      () => ({ envelope: utf8(envelopeJson(signBytes(key, payloadTypes.round, manifestBytes(sound)), key.publicKey)) }),
    ],
    ['has a field too many', 'manifest', () => ({ envelope: sign({ ...sound, more: 1 }) })],
    ['has a field too few', 'manifest', () => ({ envelope: sign({ ...sound, plan: undefined }) })],
    ['has a number that is none', 'manifest', () => ({ envelope: canonical({ ...sound, number: 0 }) })],
    [
      'has a manifest that is not canonical',
      'manifest',
      () => ({ envelope: sign(Object.fromEntries(Object.entries(sound).reverse())) }),
    ],
    [
      'has a key twice',
      'manifest',
      () => ({
        envelope: utf8(
          envelopeJson(
            signBytes(key, payloadTypes.manifest, utf8(fromUtf8(manifestBytes(sound)).replace('{', '{"v":1,'))),
            key.publicKey,
          ),
        ),
      }),
    ],
    ['lists a path out of the folder', 'manifest', () => ({ envelope: canonical(listing(WEIGHTS, { path: '../x' })) })],
    ['lists a file twice', 'manifest', () => ({ envelope: canonical(listing(WEIGHTS, { path: 'model/model.sig' })) })],
    ['is another model', 'identity', () => ({ expected: { model: 'lung' } })],
    ['is another number', 'identity', () => ({ expected: { model: 'heart', number: 2 } })],
    ['has another root', 'identity', () => ({ expected: { root: 'a'.repeat(64) } })],
    ['passed no gate', 'gates', () => ({ envelope: canonical({ ...sound, gates: [] }) })],
    [
      'failed a gate',
      'gates',
      () => ({
        envelope: canonical({ ...sound, gates: sound.gates.map((gate) => ({ ...gate, verdict: 'fail' as const })) }),
      }),
    ],
    ['lacks a file', 'listing', () => ({ folder: withFile('model/README.md', undefined) })],
    ['has a file too many', 'listing', () => ({ folder: withFile('attestations/more.json', utf8('{}')) })],
    ['has a link', 'listing', () => ({ folder: withFile('model/link@', utf8('')) })],
    ['has another manifest.json', 'listing', () => ({ folder: withFile('manifest.json', utf8('{}')) })],
    ['has short weights', 'model', () => ({ folder: withFile(WEIGHTS, files.get(WEIGHTS)!.subarray(1)) })],
    ['has long weights', 'model', () => ({ folder: withFile(WEIGHTS, new Uint8Array([...files.get(WEIGHTS)!, 0])) })],
    ['has a changed byte in its weights', 'model', () => ({ folder: withFile(WEIGHTS, flipped(files.get(WEIGHTS)!)) })],
    ['has a changed card', 'model', () => ({ folder: withFile('model/README.md', utf8('# better')) })],
    [
      'has another release key',
      'model',
      () => ({ envelope: canonical({ ...sound, releaseKey: nodeReleaseSigner(newReleaseKey()).publicKeyPem }) }),
    ],
    ['has no release key', 'model', () => ({ envelope: canonical({ ...sound, releaseKey: 'none' }) })],
    ['has a root that was not signed', 'model', () => ({ envelope: canonical({ ...sound, root: 'a'.repeat(64) }) })],
    ['has another layout', 'layout', () => ({ envelope: canonical({ ...sound, layout: 'c'.repeat(64) }) })],
    ['has another number of parameters', 'layout', () => ({ envelope: canonical({ ...sound, parameters: 7 }) })],
    [
      'has weights of another digest than it says',
      'layout',
      () => ({ envelope: canonical({ ...sound, weights: 'c'.repeat(64) }) }),
    ],
    [
      'lists another digest',
      'files',
      () => ({ envelope: canonical(listing('model/config.json', { sha256: 'c'.repeat(64) })) }),
    ],
    ['lists another length', 'files', () => ({ envelope: canonical(listing('model/config.json', { bytes: 1 })) })],
    [
      'has a changed attestation',
      'attestations',
      () => ({ folder: withFile(PROVENANCE, flipped(files.get(PROVENANCE)!, 40)) }),
    ],
    [
      'has the attestations of another version',
      'attestations',
      () => {
        const bytes = files.get('attestations/gates/coordinator.json')!
        const digest = sound.files.find(({ path }) => path === 'attestations/gates/coordinator.json')!
        return {
          folder: withFile(PROVENANCE, bytes),
          envelope: canonical(listing(PROVENANCE, { sha256: digest.sha256, bytes: digest.bytes })),
        }
      },
    ],
  ])('%s: the first failed check says so', async (_what, name, changes) => {
    const { failed, checks } = await verify(changes())
    const at = checks.findIndex((check) => check.name === name)
    expect([failed, checks[at]]).toEqual([name, { name, result: 'fail', detail: expect.any(String) }])
    expect(checks.slice(0, at).every(({ result }) => result === 'pass')).toBe(true)
    expect(checks.slice(at + 1).every(({ result }) => result === 'skipped')).toBe(true)
  })

  it('is found out wherever one byte of any file is changed', async () => {
    const keyid = fromUtf8(envelope).indexOf('"keyid"')
    const places = fc.constantFrom(...files.keys(), 'envelope').chain((path) => {
      const { length } = path === 'envelope' ? envelope : files.get(path)!
      return fc.tuple(fc.constant(path), fc.nat(length - 1), fc.integer({ min: 1, max: 255 }))
    })
    await fc.assert(
      fc.asyncProperty(places, async ([path, at, change]) => {
        // The hint on the key decides nothing, so changing it does nothing.
        if (path === 'envelope' && at >= keyid && at < keyid + 80) return
        const bytes = (path === 'envelope' ? envelope : files.get(path)!).slice()
        bytes[at] = bytes[at]! ^ change
        const changed = path === 'envelope' ? { envelope: bytes } : { folder: withFile(path, bytes) }
        expect([path, at, (await verify(changed)).failed]).not.toEqual([path, at, undefined])
      }),
      { numRuns: 300 },
    )
  })

  it('is not read at all when its signature is wrong', async () => {
    const ofNoUse = {
      list: () => {
        throw new Error('was read')
      },
      open: () => {
        throw new Error('was read')
      },
    }
    expect((await verify({ publicKey: other.publicKey, folder: ofNoUse })).failed).toBe('signature')
  })
})

it('an envelope survives its JSON form', () => {
  const one = signValue(key, payloadTypes.manifest, { a: 1 })
  expect(parseEnvelope(utf8(envelopeJson(one, key.publicKey)))).toEqual([one])
})

/** Vectors of ossf/model-signing-spec and sigstore/model-transparency, where they lie beside the repository (see their README). */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { IN_TOTO_PAYLOAD_TYPE } from '../../../core/attestation/dsse.ts'
import { shaped } from '../../../core/attestation/json-payload.ts'
import { modelStatementSchema } from '../../../core/attestation/model-signing/predicate.ts'
import { modelStatement } from '../../../core/attestation/model-signing/sign.ts'
import { type ModelToVerify, verifyModel } from '../../../core/attestation/model-signing/verify.ts'
import { nodeCertificates, nodeEcdsa } from '../../../core/attestation/node.ts'
import { keyHint, publicKeyPem } from '../../../core/attestation/pem.ts'
import { preAuthenticationEncoding } from '../../../core/crypto/envelope.ts'
import { nodeCrypto } from '../../../core/crypto/node.ts'
import { fromBase64, fromUtf8, toBase64, toHex, utf8 } from '../../../core/encoding/bytes.ts'
import { keyPair, MemoryFolder, signerOf } from './support.ts'

const root = fileURLToPath(new URL('../../../../shared/fixtures/oms/', import.meta.url))
const missing = !existsSync(root)
const read = (path: string) => new Uint8Array(readFileSync(`${root}${path}`))
const text = (path: string) => (missing ? '' : readFileSync(`${root}${path}`, 'utf8'))

const keyPem = text('keys/signing-key-pub.pem')
const anchor = text('keys/ca-cert.pem')
const at = Date.UTC(2026, 0, 1)
const byKey = { method: 'key', publicKeys: [keyPem] } as const
const byCertificate = { method: 'certificate', verifier: nodeCertificates, anchors: [anchor], at } as const

/** Without the signature, as a folder in memory. */
function folderOf(path: string): MemoryFolder {
  const names = readdirSync(`${root}${path}`)
  return new MemoryFolder(Object.fromEntries(names.map((name) => [name, read(`${path}/${name}`)])))
}

const verify = (bundle: Uint8Array, changes: Partial<ModelToVerify> = {}) =>
  verifyModel({
    crypto: nodeCrypto,
    ecdsa: nodeEcdsa,
    trust: byKey,
    bundle,
    folder: folderOf('models/v1.1.0-elliptic-key'),
    profile: 'oms',
    ...changes,
  })
const failed = async (...of: Parameters<typeof verify>) => (await verify(...of)).failed

type Bundle = {
  verificationMaterial: { publicKey: { hint: string } }
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string; keyid?: string | null }[] }
}
const signed = () => read('models/v1.1.0-elliptic-key/model.sig')
const changed = (change: (bundle: Bundle) => void) => {
  const bundle: Bundle = JSON.parse(fromUtf8(signed()))
  change(bundle)
  return utf8(JSON.stringify(bundle))
}
const signatureOf = (change: object) =>
  changed((bundle) => void Object.assign(bundle.dsseEnvelope.signatures[0]!, change))

describe.skipIf(missing)(`the vectors of ${missing ? 'a fixture that is not here' : 'OMS v1.0'}`, () => {
  test('a signed folder verifies with its key', async () => {
    const result = await verify(signed(), { expected: { name: 'v1.1.0-elliptic-key' } })
    expect(result.failed).toBeUndefined()
    expect(result.root).toEqual({
      sha256: '92745110b1ab4368471cbe31664e10174e954b113a3df333db860317b2c6dec4',
      order: 'code-point',
    })
    expect(result.files.map(({ path }) => path)).toEqual(['signme-1', 'signme-2'])
  })

  test('a signed folder verifies with its certificates and the configured anchor', async () => {
    const folder = folderOf('models/v1.1.0-certificate')
    const bundle = read('models/v1.1.0-certificate/model.sig')
    const result = await verify(bundle, { folder, trust: byCertificate })
    expect(result.failed).toBeUndefined()
    expect(result.root?.sha256).toBe('61d4849d9d90076d6215f4d525f13d6574af8e3f67aef3e6f36fc40a14fdd226')
    expect(result.signedBy?.publicKeyPem).toBe(publicKeyPem(keyPem))
  })

  test('certificates outside their years, and without their anchor, are refused', async () => {
    const folder = folderOf('models/v1.1.0-certificate')
    const bundle = read('models/v1.1.0-certificate/model.sig')
    for (const year of [2025, 2036]) {
      const trust = { ...byCertificate, at: Date.UTC(year, 0, 1) }
      expect(await failed(bundle, { folder, trust })).toBe('trust')
    }
    expect(await failed(bundle, { folder })).toBe('trust')
    expect(await failed(signed(), { trust: byCertificate })).toBe('trust')
  })

  test.each([
    ['valid/key', byKey],
    ['valid/certificate', byCertificate],
  ] as const)('%s passes up to its folder, which is the one signed above', async (name, trust) => {
    const bundle = read(`vectors/${name}.bundle.json`)
    const result = await verify(bundle, { trust, expected: { name: 'model' } })
    expect(result.failed).toBeUndefined()
  })

  test.each(['empty', 'missing-envelope', 'missing-verification-material'])('invalid/%s is no bundle', async (name) => {
    expect(await failed(read(`vectors/invalid/${name}.bundle.json`))).toBe('bundle')
  })

  test('invalid-payload/wrong-predicate fails by its signature, and by its form alone', async () => {
    const bundle = read('vectors/invalid-payload/wrong-predicate.bundle.json')
    expect(await failed(bundle)).toBe('signature')
    const payload = fromBase64(JSON.parse(fromUtf8(bundle)).dsseEnvelope.payload)!
    expect(() => shaped(modelStatementSchema, JSON.parse(fromUtf8(payload)), 'the statement')).toThrow('predicateType')
  })

  test('the hint is of the PEM text', () => {
    const hint = JSON.parse(fromUtf8(signed())).verificationMaterial.publicKey.hint
    expect(keyHint(nodeCrypto, publicKeyPem(keyPem)!)).toBe(hint)
    expect(keyPem.startsWith('-----BEGIN')).toBe(false)
  })
})

describe.skipIf(missing)('negatives derived from the signed folder', () => {
  const other = signerOf(keyPair('P-384'))
  const payload = () => fromBase64(JSON.parse(fromUtf8(signed())).dsseEnvelope.payload)!

  test.each<[string, string, (folder: MemoryFolder) => void]>([
    ['one byte flipped in signme-2', 'digests', ({ files }) => void files.get('signme-2')!.fill(0, 0, 1)],
    ['a file added', 'unlisted', ({ files }) => void files.set('signme-3', utf8('3'))],
    ['a file removed', 'listing', ({ files }) => void files.delete('signme-2')],
    [
      'a file renamed in case only',
      'listing',
      ({ files }) => {
        files.set('Signme-2', files.get('signme-2')!)
        files.delete('signme-2')
      },
    ],
    [
      'a symbolic link in place of a file',
      'listing',
      (folder) => {
        folder.files.delete('signme-2')
        folder.strange.push({ path: 'signme-2', kind: 'symlink' })
      },
    ],
  ])('%s: %s', async (_what, name, change) => {
    const folder = folderOf('models/v1.1.0-elliptic-key')
    change(folder)
    expect(await failed(signed(), { folder })).toBe(name)
  })

  test('one byte flipped in the payload', async () => {
    const flipped = payload()
    flipped[100]! ^= 1
    expect(
      await failed(changed(({ dsseEnvelope }) => void Object.assign(dsseEnvelope, { payload: toBase64(flipped) }))),
    ).toBe('signature')
  })

  test('another payload type', async () => {
    const type = { payloadType: 'application/vnd.in-toto.other+json' }
    expect(await failed(changed(({ dsseEnvelope }) => void Object.assign(dsseEnvelope, type)))).toBe('bundle')
  })

  test('a signature by another key with the same hint', async () => {
    const sig = toBase64(await other.sign(preAuthenticationEncoding(IN_TOTO_PAYLOAD_TYPE, payload())))
    expect(await failed(signatureOf({ sig }))).toBe('signature')
  })

  test('the hint of another key', async () => {
    const hint = keyHint(nodeCrypto, other.publicKeyPem)
    const bundle = changed(({ verificationMaterial }) => void Object.assign(verificationMaterial.publicKey, { hint }))
    expect(await failed(bundle)).toBe('trust')
  })

  test('the signature as r and s without DER', async () => {
    const der = fromBase64(JSON.parse(fromUtf8(signed())).dsseEnvelope.signatures[0].sig)!
    const length = der[3]!
    const integers = [der.subarray(4, 4 + length), der.subarray(6 + length)]
    const raw = integers.flatMap((integer) => [...integer.subarray(-48)])
    expect(raw.length).toBe(96)
    expect(await failed(signatureOf({ sig: toBase64(Uint8Array.from(raw)) }))).toBe('signature')
  })

  test('the good signature in second place', async () => {
    const bundle = changed(({ dsseEnvelope }) => void dsseEnvelope.signatures.unshift({ sig: 'AAAA' }))
    expect(await failed(bundle)).toBe('signature')
  })

  test('no signatures', async () => {
    expect(await failed(changed(({ dsseEnvelope }) => void dsseEnvelope.signatures.splice(0)))).toBe('bundle')
  })

  test('a resource twice', async () => {
    const statement = JSON.parse(fromUtf8(payload()))
    statement.predicate.resources.push(statement.predicate.resources[1])
    const bytes = utf8(JSON.stringify(statement))
    const sig = toBase64(await other.sign(preAuthenticationEncoding(IN_TOTO_PAYLOAD_TYPE, bytes)))
    const bundle = changed(({ verificationMaterial, dsseEnvelope }) => {
      verificationMaterial.publicKey.hint = keyHint(nodeCrypto, other.publicKeyPem)
      Object.assign(dsseEnvelope, { payload: toBase64(bytes), signatures: [{ sig }] })
    })
    expect(await failed(bundle, { trust: { method: 'key', publicKeys: [other.publicKeyPem] } })).toBe('rules')
  })

  test('a gibibyte of JSON is refused by its size, unread', async () => {
    // Its length is all that is looked at: the bytes need not be there.
    const bundle = Object.defineProperty(new Uint8Array(), 'length', { value: 2 ** 30 })
    const { checks } = await verify(bundle)
    expect(checks[0]?.detail).toContain('more than')
  })

  test('URL-safe base64, and a keyid that is absent, empty or null, change nothing', async () => {
    const safe = changed(({ dsseEnvelope }) => {
      dsseEnvelope.payload = dsseEnvelope.payload.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
    })
    expect(await failed(safe)).toBeUndefined()
    for (const keyid of [undefined, '', null]) expect(await failed(signatureOf({ keyid }))).toBeUndefined()
  })
})

describe.skipIf(missing)('the golden statements', () => {
  const files: Record<string, string> = {}
  for (const i of [0, 1]) for (const j of [0, 1, 2]) files[`d${i}/f${i}${j}`] = `This is file f${i}${j} in d${i}.`
  for (const i of [0, 1, 2, 3]) files[`f${i}`] = `This is file f${i} in root.`
  const signer = signerOf(keyPair())

  async function verified(name: string) {
    const payload = read(`golden/${name}.payload.json`)
    const sig = toBase64(await signer.sign(preAuthenticationEncoding(IN_TOTO_PAYLOAD_TYPE, payload)))
    const bundle = changed(({ verificationMaterial, dsseEnvelope }) => {
      verificationMaterial.publicKey.hint = keyHint(nodeCrypto, signer.publicKeyPem)
      Object.assign(dsseEnvelope, { payload: toBase64(payload), signatures: [{ sig }] })
    })
    const trust = { method: 'key', publicKeys: [signer.publicKeyPem] } as const
    return verify(bundle, { trust, folder: new MemoryFolder(files) })
  }

  test('over whole files are of our root', async () => {
    const { failed: failure, root: found } = await verified('sample_model_folder')
    expect(failure).toBeUndefined()
    const resources = Object.entries(files).map(([name, content]) => ({
      name,
      digest: toHex(nodeCrypto.sha256(utf8(content))),
    }))
    const own = modelStatement(nodeCrypto, 'sample_model', resources)
    expect(found?.sha256).toBe(own.subject[0]?.digest.sha256)
    expect(found?.sha256.startsWith('143cc682')).toBe(true)
  })

  test('over shards are sorted by offset, against the specification, and found to be so', async () => {
    const { failed: failure, root: found } = await verified('sample_model_folder_small_shards')
    expect(failure).toBeUndefined()
    expect(found?.order).toBe('path-parts')
    expect(found?.sha256.startsWith('2139af57')).toBe(true)
  })
})

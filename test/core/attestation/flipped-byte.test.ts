/** A whole published folder: whichever byte of it is changed, the verifier finds it, and says where. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { approvalPayload, readApproval } from '../../../core/attestation/approval.ts'
import { dsseBytes, IN_TOTO_PAYLOAD_TYPE, parseDsse, signDsse, verifyDsse } from '../../../core/attestation/dsse.ts'
import { canonicalBytes } from '../../../core/attestation/json-payload.ts'
import { modelCard } from '../../../core/attestation/model-card/model-card.ts'
import { digestFolder, modelStatement, signModel } from '../../../core/attestation/model-signing/sign.ts'
import { verifyModel } from '../../../core/attestation/model-signing/verify.ts'
import { nodeCertificates, nodeEcdsa } from '../../../core/attestation/node.ts'
import { pemOf } from '../../../core/attestation/pem.ts'
import { nodeCrypto } from '../../../core/crypto/node.ts'
import { layoutOf } from '../../../core/tensors/layout.ts'
import { writeModel } from '../../../core/tensors/safetensors.ts'
import { card } from './card.ts'
import { certificate, keyPair, MemoryFolder, NOW, signerOf } from './support.ts'

const layout = layoutOf([
  { name: 'kernel', shape: [13, 2] },
  { name: 'bias', shape: [2] },
])

function publishedFolder(): MemoryFolder {
  const { readme, plots } = modelCard(card())
  return new MemoryFolder(
    {
      'model.safetensors': writeModel(layout, new Float32Array(28).fill(0.5)),
      'config.json': canonicalBytes({ layout: 'x', v: 1 }),
      'plan.yaml': 'parley: 1\nname: heart-risk\n',
      'evaluation.json': canonicalBytes({ gates: [], v: 1 }),
      'README.md': readme,
      ...Object.fromEntries(plots),
    },
    4_096,
  )
}

const signer = signerOf(keyPair())
const statementOf = async (folder: MemoryFolder) =>
  modelStatement(nodeCrypto, 'heart-risk', await digestFolder(nodeCrypto, folder))

const [root, leaf] = [keyPair(), keyPair()]
const anchor = certificate({ subject: 'root', issuer: 'root', key: root, issuerKey: root, authority: true })
const chain = [certificate({ subject: 'leaf', issuer: 'root', key: leaf, issuerKey: root })]

const flipped = (bytes: Uint8Array, at: number, bits: number) => bytes.map((byte, i) => (i === at ? byte ^ bits : byte))
const change = fc.record({ at: fc.nat(), bits: fc.integer({ min: 1, max: 255 }) })

describe.each([
  ['by a key', { method: 'key', publicKeys: [signer.publicKeyPem] }, undefined],
  [
    'by a certificate',
    { method: 'certificate', verifier: nodeCertificates, anchors: [pemOf('CERTIFICATE', anchor)], at: NOW },
    chain,
  ],
] as const)('a folder that is signed %s', async (_name, trust, certificates) => {
  const folder = publishedFolder()
  const bundle = await signModel(
    nodeCrypto,
    certificates === undefined ? signer : signerOf(leaf),
    await statementOf(folder),
    certificates === undefined ? {} : { certificates },
  )
  const verify = (of: MemoryFolder, by: Uint8Array = bundle) =>
    verifyModel({ crypto: nodeCrypto, ecdsa: nodeEcdsa, trust, bundle: by, folder: of, profile: 'parley' })

  it('is sound as it is', async () => {
    expect((await verify(folder)).failed).toBeUndefined()
  })

  it('has no byte in its files that can change', async () => {
    const paths = [...folder.files.keys()]
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), change, async (path, { at, bits }) => {
        const copy = folder.copy()
        const bytes = copy.files.get(path)!
        copy.files.set(path, flipped(bytes, at % bytes.length, bits))
        const { failed, checks } = await verify(copy)
        expect(failed).toBe('digests')
        expect(checks.find(({ name }) => name === 'digests')?.detail).toContain(JSON.stringify(path))
      }),
      { numRuns: 150 },
    )
  })

  it('has no byte in its signature that can change', async () => {
    await fc.assert(
      fc.asyncProperty(change, async ({ at, bits }) => {
        const { failed } = await verify(folder, flipped(bundle, at % bundle.length, bits))
        expect([at % bundle.length, failed]).not.toEqual([at % bundle.length, undefined])
      }),
      { numRuns: 300 },
    )
  })

  it('has no byte in its signature whose lowest or case bit can change', async () => {
    // Base64 and hex are at their weakest here: padding bits, and letters that differ in case.
    for (const bits of [1, 0x20]) {
      const at = Array.from({ length: bundle.length }, (_, i) => i).filter((i) => i % 3 === bits % 3)
      for (const i of at)
        expect([i, (await verify(folder, flipped(bundle, i, bits))).failed]).not.toEqual([i, undefined])
    }
  })

  it('can lose, gain and swap no file', async () => {
    const paths = [...folder.files.keys()]
    for (const path of paths) {
      const copy = folder.copy()
      copy.files.delete(path)
      expect((await verify(copy)).failed).toBe('listing')
      copy.files.set(`${path}x`, folder.files.get(path)!)
      expect((await verify(copy)).failed).toBe('listing')
    }
    const swapped = folder.copy()
    swapped.files.set('config.json', folder.files.get('evaluation.json')!)
    expect((await verify(swapped)).failed).toBe('digests')
  })
})

it('an attestation in its canonical form has no byte that can change either', async () => {
  const key = nodeCrypto.signingKey(new Uint8Array(32).fill(1))
  const payload = approvalPayload({
    model: 'heart-risk',
    root: 'a'.repeat(64),
    member: 'm:1',
    policy: 'b'.repeat(64),
    at: '2026-01-02T03:04:05Z',
    properties: ['PARLEY_RELEASE_APPROVED'],
  })
  const bytes = dsseBytes(await signDsse(key, IN_TOTO_PAYLOAD_TYPE, payload))
  const read = async (file: Uint8Array) => {
    const envelope = parseDsse(file, { canonical: true })
    const verify = (message: Uint8Array, signature: Uint8Array) => nodeCrypto.verify(key.publicKey, message, signature)
    return readApproval(await verifyDsse(envelope, IN_TOTO_PAYLOAD_TYPE, verify))
  }
  expect((await read(bytes)).predicate.verifier.id).toBe('m:1')
  for (let at = 0; at < bytes.length; at++) {
    for (const bits of [1, 0x20]) await expect(read(flipped(bytes, at, bits))).rejects.toThrow()
  }
})

it('a folder is one and the same for the same facts', async () => {
  expect(canonicalBytes(await statementOf(publishedFolder()))).toEqual(
    canonicalBytes(await statementOf(publishedFolder())),
  )
})

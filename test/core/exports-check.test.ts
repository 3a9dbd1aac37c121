/** Derivatives beside a version: made at its publication, made again by whoever verifies it. */
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { derivationPayload } from '../../core/attestation/derivation.ts'
import { dsseBytes, IN_TOTO_PAYLOAD_TYPE, signDsse } from '../../core/attestation/dsse.ts'
import { compareCodePoints } from '../../core/attestation/model-signing/names.ts'
import { nodeEcdsa } from '../../core/attestation/node.ts'
import { payloadTypes, signBytes } from '../../core/crypto/envelope.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { fromUtf8, toHex, utf8 } from '../../core/encoding/bytes.ts'
import { logisticJson } from '../../core/export/logistic-json.ts'
import { tfjsLayersModel } from '../../core/export/tfjs-layers.ts'
import { envelopeJson } from '../../core/release/envelope-json.ts'
import { type Manifest, manifestBytes, versionFiles } from '../../core/release/manifest.ts'
import { verifyVersion } from '../../core/release/verify.ts'
import { publishVersion } from '../../server/registry/publish.ts'
import { manifestIn } from '../../server/registry/published.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { cases, modelOf } from '../export/models.ts'
import { planOf } from '../support/plans.ts'
import { candidateIn, candidateOf, filesOf, folderOf, logisticTensors, publishDeps } from '../support/release.ts'

const key = nodeCrypto.signingKey(new Uint8Array(32).fill(1))
const { tfjsModel, tfjsWeights, logistic, exports: statement } = versionFiles
const sha256 = (bytes: Uint8Array) => toHex(nodeCrypto.sha256(bytes))

async function published(make: (store: ReturnType<typeof memoryStore>) => ReturnType<typeof candidateIn>) {
  const store = memoryStore()
  const deps = publishDeps(store, key, () => 1_000)
  const version = await publishVersion(deps, await make(store))
  return { manifest: manifestIn(version.envelope), files: await filesOf(store, version), version }
}

const ofPlan = (publish: string) =>
  published((store) => candidateIn(store, 1, { tensors: logisticTensors, source: planOf({ extra: publish }) }))

const exportsIn = (files: ReadonlyMap<string, Uint8Array>) =>
  [...files.keys()].filter((path) => path.startsWith('exports/') || path === statement).sort()

let manifest: Manifest
let files: Map<string, Uint8Array>
beforeAll(async () => {
  ;({ manifest, files } = await ofPlan(''))
})

const check = async (signed: Manifest, folder: ReadonlyMap<string, Uint8Array>) => {
  const envelope = envelopeJson(signBytes(key, payloadTypes.manifest, manifestBytes(signed)), key.publicKey)
  const common = { crypto: nodeCrypto, ecdsa: nodeEcdsa, publicKey: key.publicKey }
  return verifyVersion({ ...common, envelope: utf8(envelope), folder: folderOf(folder) })
}

/** A version whose registry itself lists and attests these files in place of the exports. */
async function lying(changes: Readonly<Record<string, Uint8Array | undefined>>, attests = true) {
  const folder = new Map(files)
  folder.delete(statement)
  for (const [path, bytes] of Object.entries(changes)) {
    if (bytes === undefined) folder.delete(path)
    else folder.set(path, bytes)
  }
  const made = [...folder].filter(([path]) => path.startsWith('exports/'))
  if (attests) {
    const payload = derivationPayload({
      ...{ model: 'heart', weights: manifest.weights, root: manifest.root, config: 'c'.repeat(64) },
      ...{ builder: 'https://parley.example', parleyVersion: '0.1.0' },
      files: made.map(([path, bytes]) => ({ path, sha256: sha256(bytes) })),
    })
    folder.set(statement, dsseBytes(await signDsse(key, IN_TOTO_PAYLOAD_TYPE, payload)))
  }
  const listed = [...folder].map(([path, bytes]) => ({ path, sha256: sha256(bytes), bytes: bytes.length }))
  return check({ ...manifest, files: listed.sort((a, b) => compareCodePoints(a.path, b.path)) }, folder)
}

describe('derivatives at a publication', () => {
  it('are made where the model has them, and verify', async () => {
    expect(exportsIn(files)).toEqual([statement, logistic, tfjsModel, tfjsWeights])
    expect((await check(manifest, files)).failed).toBeUndefined()
    expect(manifest.files.map(({ path }) => path)).toEqual([...files.keys()])
  })

  it.each(cases)('of %s are the very bytes of an export by hand', async (_what, section, data) => {
    const input = await modelOf(section, data)
    const { files: made, manifest: signed } = await published((store) => candidateOf(store, input))
    const [model, weights] = tfjsLayersModel(input)
    expect(made.get(tfjsModel)).toEqual(Uint8Array.from(model!.bytes))
    expect(made.get(tfjsWeights)).toEqual(Uint8Array.from(weights!.bytes))
    const json = 'logistic' in input.model ? Uint8Array.from(logisticJson(input).bytes) : undefined
    expect(made.get(logistic)).toEqual(json)
    expect((await check(signed, made)).failed).toBeUndefined()
  })

  it.each([
    ['', [statement, logistic, tfjsModel, tfjsWeights]],
    ['publish: { exports: [] }', []],
    ['publish: { exports: [logistic] }', [statement, logistic]],
    ['publish: { exports: [tfjs] }', [statement, tfjsModel, tfjsWeights]],
  ])('are those that the plan asks for: %j', async (publish, expected) => {
    const version = await ofPlan(publish)
    expect(exportsIn(version.files)).toEqual(expected)
    expect((await check(version.manifest, version.files)).failed).toBeUndefined()
  })

  it('are none of a model that has no such form', async () => {
    expect(exportsIn((await published((store) => candidateIn(store, 1))).files)).toEqual([])
  })

  it.each(['[onnx]', '[tfjs, tfjs]', 'tfjs'])('a plan cannot ask for %s', (wanted) => {
    expect(() => planOf({ extra: `publish: { exports: ${wanted} }` })).toThrow(
      expect.objectContaining({ code: 'plan.invalid' }),
    )
  })
})

describe('derivatives that are not what follows from the weights', () => {
  const flipped = (path: string) => files.get(path)!.map((byte, i, all) => (i === all.length - 2 ? byte ^ 1 : byte))

  it('are found out wherever one byte of them or of their statement is changed', async () => {
    const places = fc
      .constantFrom(tfjsModel, tfjsWeights, logistic, statement)
      .chain((path) =>
        fc.tuple(fc.constant(path), fc.nat(files.get(path)!.length - 1), fc.integer({ min: 1, max: 255 })),
      )
    await fc.assert(
      fc.asyncProperty(places, async ([path, at, change]) => {
        const bytes = files.get(path)!.map((byte, i) => (i === at ? byte ^ change : byte))
        const { failed } = await check(manifest, new Map(files).set(path, bytes))
        expect([path, at, failed]).toEqual([path, at, path === statement ? 'attestations' : 'exports'])
      }),
      { numRuns: 200 },
    )
  })

  it('are refused though the registry lists and attests them', async () => {
    expect((await lying({})).failed).toBeUndefined()
    for (const path of [tfjsModel, tfjsWeights, logistic]) {
      const { failed, checks } = await lying({ [path]: flipped(path) })
      expect([path, failed]).toEqual([path, 'exports'])
      expect(checks.at(-1)?.detail).toBe(`${path} is not what follows from the weights`)
    }
  })

  it.each<[string, () => ReturnType<typeof lying>, string, RegExp]>([
    ['half of an export', () => lying({ [tfjsWeights]: undefined }), 'exports', /two files/],
    ['another file', () => lying({ 'exports/model.onnx': utf8('x') }), 'exports', /no export/],
    ['no statement', () => lying({}, false), 'exports', /is missing/],
    ['longer weights', () => lying({ [tfjsWeights]: new Uint8Array(99) }), 'exports', /not what follows/],
    [
      'a statement about others',
      () => lying({ [logistic]: undefined, [statement]: files.get(statement)! }, false),
      'attestations',
      /about other exports/,
    ],
  ])('%s is refused', async (_what, verify, name, detail) => {
    const { failed, checks } = await verify()
    expect(failed).toBe(name)
    expect(checks.find((one) => one.name === name)?.detail).toMatch(detail)
  })

  it('cannot be added to a version without them, nor left out', async () => {
    const { files: bare, manifest: signed } = await ofPlan('publish: { exports: [] }')
    expect((await check(signed, new Map(bare).set(tfjsModel, files.get(tfjsModel)!))).failed).toBe('listing')
    const without = new Map(files)
    without.delete(logistic)
    expect((await check(manifest, without)).failed).toBe('listing')
  })

  it('say nothing that the plan did not: its digest has what was asked for', async () => {
    expect(fromUtf8(files.get(versionFiles.plan)!)).toContain('"exports":["tfjs","logistic"]')
  })
})

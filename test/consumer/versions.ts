/** Versions as a coordinator publishes them, made with the functions of core/ alone. */
import { generateKeyPairSync } from 'node:crypto'
import { dsseBytes, IN_TOTO_PAYLOAD_TYPE, signDsse } from '../../core/attestation/dsse.ts'
import { modelStatement, signModel } from '../../core/attestation/model-signing/sign.ts'
import { nodeReleaseSigner } from '../../core/attestation/node.ts'
import type { ReleaseSigner } from '../../core/attestation/ports.ts'
import { provenancePayload } from '../../core/attestation/provenance.ts'
import { testResultPayload } from '../../core/attestation/test-result.ts'
import { payloadTypes, signBytes } from '../../core/crypto/envelope.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { toHex, utf8 } from '../../core/encoding/bytes.ts'
import { envelopeJson } from '../../core/release/envelope-json.ts'
import { type Manifest, manifestBytes, versionFiles } from '../../core/release/manifest.ts'
import { layoutBytes, layoutOf } from '../../core/tensors/layout.ts'
import { writeModel } from '../../core/tensors/safetensors.ts'

export const registryKey = nodeCrypto.signingKey(new Uint8Array(32).fill(1))
export const strangerKey = nodeCrypto.signingKey(new Uint8Array(32).fill(2))
export const pin = toHex(registryKey.publicKey)

export const releaseSigner = newReleaseSigner()

export function newReleaseSigner(): ReleaseSigner {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return nodeReleaseSigner(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
}

export type Version = {
  readonly manifest: Manifest
  readonly envelope: Uint8Array
  readonly files: ReadonlyMap<string, Uint8Array>
}

export type VersionOptions = {
  readonly model?: string
  /** Float32 values of the kernel; each is the number of the version. */
  readonly size?: number
  /** Changes the manifest before it is signed. */
  readonly change?: (manifest: Manifest) => object
  /** Who signs `model/`, where it is not who the manifest says. */
  readonly signer?: ReleaseSigner
}

const digest = (bytes: Uint8Array) => toHex(nodeCrypto.sha256(bytes))
const sign = async (payload: Uint8Array) => dsseBytes(await signDsse(registryKey, IN_TOTO_PAYLOAD_TYPE, payload))

export function signedManifest(manifest: object, key = registryKey): Uint8Array {
  return utf8(envelopeJson(signBytes(key, payloadTypes.manifest, manifestBytes(manifest as Manifest)), key.publicKey))
}

/** Version `number` of a model, whole and in order unless the options say otherwise. */
export async function makeVersion(number: number, options: VersionOptions = {}): Promise<Version> {
  const { model = 'heart', size = 6, change = (manifest) => manifest, signer = releaseSigner } = options
  const layout = layoutOf([
    { name: 'kernel', shape: [size] },
    { name: 'bias', shape: [] },
  ])
  const weights = writeModel(layout, new Float32Array(size + 1).fill(number))
  const files = new Map<string, Uint8Array>([
    [versionFiles.weights, weights],
    [versionFiles.config, utf8(`{"number":${number}}`)],
    [versionFiles.plan, utf8(`number: ${number}\n`)],
    [versionFiles.evaluation, utf8(`{"evaluated":${number}}`)],
    [versionFiles.card, utf8(`# Version ${number}\n`)],
    ['model/plots/roc.svg', utf8(`<svg id="v${number}"/>`)],
  ])
  const resources = [...files].map(([path, bytes]) => ({ name: path.slice('model/'.length), digest: digest(bytes) }))
  const statement = modelStatement(nodeCrypto, 'model', resources)
  const root = statement.subject[0]!.digest.sha256!
  files.set(versionFiles.signature, await signModel(nodeCrypto, signer, statement))
  files.set(versionFiles.provenance, await sign(provenanceOf(model, digest(weights), root)))
  files.set(versionFiles.gates, await sign(gatesOf(digest(weights))))
  const manifest: Manifest = {
    v: 1,
    model,
    number,
    weights: digest(weights),
    weightsBytes: weights.length,
    layout: digest(layoutBytes(layout)),
    parameters: size + 1,
    plan: 'a'.repeat(64),
    run: 'run_1',
    round: 2,
    parent: null,
    base: 'b'.repeat(64),
    rule: 'mean',
    clients: { invited: 4, accepted: 3, refused: 1 },
    metrics: null,
    gates: [{ gate: 'auc-min', metric: 'auc', verdict: 'pass', value: '0.8', bound: '0.7', explanation: 'enough' }],
    root,
    releaseKey: releaseSigner.publicKeyPem,
    files: [...files]
      .map(([path, bytes]) => ({ path, sha256: digest(bytes), bytes: bytes.length }))
      .sort((a, b) => (a.path < b.path ? -1 : 1)),
    publishedAt: '2026-01-01T00:00:00.000Z',
    parleyVersion: '0.1.0',
  }
  return { manifest, envelope: signedManifest(change(manifest)), files }
}

function provenanceOf(model: string, weights: string, root: string): Uint8Array {
  return provenancePayload({
    model,
    weights,
    root,
    plan: 'a'.repeat(64),
    launchedBy: 'member-1',
    coordinatorVersion: '0.1.0',
    mode: 'sealed',
    kernels: 'd'.repeat(64),
    updates: { kind: 'updates', updates: [] },
    evaluationData: [],
    trainers: [],
    builder: 'https://parley.example/federation',
    parleyVersion: '0.1.0',
    run: 'run_1',
    startedOn: '2026-01-01T00:00:00Z',
    finishedOn: '2026-01-01T00:00:00Z',
    journal: '3'.repeat(64),
    audit: { sequence: 1, head: '4'.repeat(64) },
    rejectedUpdates: '5'.repeat(64),
  })
}

function gatesOf(weights: string): Uint8Array {
  return testResultPayload({
    weights,
    gateDefinitions: '6'.repeat(64),
    evaluationData: '7'.repeat(64),
    gates: [{ gate: 'auc-min', verdict: 'pass' }],
  })
}

import { type Envelope, payloadTypes, verifyEnvelope } from '../crypto/envelope.ts'
import type { Crypto } from '../crypto/primitives.ts'
import { equalBytes, fromUtf8 } from '../encoding/bytes.ts'
import { type CanonicalValue, canonicalJson } from '../encoding/canonical-json.ts'
import { parseEnvelope } from './envelope-json.ts'
import { type Manifest, manifestSchema } from './manifest.ts'
import { WeightsCheck } from './weights-check.ts'

/** What is checked of a version, in this order; the order is that of trust: nothing is parsed before it is verified. */
export const checkNames = [
  /** The envelope is a DSSE envelope of a manifest. */
  'envelope',
  /** It is signed by the pinned key. */
  'signature',
  /** What was signed is a manifest in its canonical form, and the plain copy beside it is the same. */
  'manifest',
  /** It is the manifest of the model and the version that was asked for. */
  'identity',
  /** There are gates, and all of them passed. */
  'gates',
  /** The weights have the length of the manifest. */
  'length',
  /** The weights have the digest of the manifest. */
  'digest',
  /** The header of the weights describes the layout of the manifest. */
  'layout',
] as const
export type CheckName = (typeof checkNames)[number]

/** `skipped`: an earlier check failed. `detail` says what is wrong. */
export type Check = {
  readonly name: CheckName
  readonly result: 'pass' | 'fail' | 'skipped'
  readonly detail?: string
}

export type Verification = {
  readonly checks: readonly Check[]
  /** The first check that failed; undefined when the version may be used. */
  readonly failed: CheckName | undefined
  /** What was signed, once its signature is verified. */
  readonly manifest: Manifest | undefined
}

export type VersionToVerify = {
  readonly crypto: Crypto
  /** Ed25519, 32 bytes: known from elsewhere than the version. */
  readonly publicKey: Uint8Array
  /** The bytes of `manifest.dsse.json`. */
  readonly envelope: Uint8Array
  /** The bytes of `manifest.json`, where there is one; only the signed manifest is ever believed. */
  readonly manifest?: Uint8Array
  /** The bytes of `model.safetensors`, in pieces of any size; read only when everything before is in order. */
  readonly weights: Iterable<Uint8Array> | AsyncIterable<Uint8Array>
  /** What was asked for. */
  readonly expected?: { readonly model?: string; readonly number?: number }
}

/**
 * Checks a version from its files and a pinned key alone, wherever they come from. Does not throw for what is wrong with
 * the version; what reading the weights throws is handed on.
 */
export async function verifyVersion(version: VersionToVerify): Promise<Verification> {
  const results = new Map<CheckName, string | undefined>()
  const manifest = checkManifest(version, results)
  if (manifest !== undefined && !anyFailed(results)) await checkWeights(version, manifest, results)
  const failed = checkNames.find((name) => results.get(name) !== undefined)
  return { checks: checkNames.map((name) => checkOf(name, results)), failed, manifest }
}

type Results = Map<CheckName, string | undefined>

/** The manifest once its signature and form are right; notes the results up to the gates. */
function checkManifest(version: VersionToVerify, results: Results): Manifest | undefined {
  const { crypto, publicKey, expected = {} } = version
  const envelopes = attempt(results, 'envelope', () => parseEnvelope(version.envelope))
  if (envelopes === undefined) return undefined
  const signed = attempt(results, 'signature', () => signedBy(crypto, publicKey, envelopes))
  if (signed === undefined) return undefined
  const manifest = attempt(results, 'manifest', () => {
    if (version.manifest !== undefined && !equalBytes(version.manifest, signed.payload)) {
      throw new Error('manifest.json is not what was signed')
    }
    return parseManifest(signed.payload)
  })
  if (manifest === undefined) return undefined
  const { model = manifest.model, number = manifest.number } = expected
  const isIt = model === manifest.model && number === manifest.number
  results.set('identity', isIt ? undefined : `this is version ${manifest.number} of ${manifest.model}`)
  if (isIt) results.set('gates', gatesProblem(manifest))
  return manifest
}

async function checkWeights(version: VersionToVerify, manifest: Manifest, results: Results): Promise<void> {
  const check = new WeightsCheck(version.crypto, manifest)
  for await (const piece of version.weights) if (!check.add(piece)) break
  for (const name of ['length', 'digest', 'layout'] as const) {
    const problem = check[name]()
    results.set(name, problem)
    if (problem !== undefined) return
  }
}

/** The envelope whose signature is by this key. Throws when there is none. */
function signedBy(crypto: Crypto, publicKey: Uint8Array, envelopes: readonly Envelope[]): Envelope {
  let failure: unknown
  for (const envelope of envelopes) {
    try {
      verifyEnvelope(crypto, publicKey, payloadTypes.manifest, envelope)
      return envelope
    } catch (thrown) {
      failure = thrown
    }
  }
  throw failure
}

function parseManifest(payload: Uint8Array): Manifest {
  const text = fromUtf8(payload)
  const value: unknown = JSON.parse(text)
  const parsed = manifestSchema.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
  }
  // Equal keys, for instance, which JSON.parse takes in silence.
  if (canonicalJson(value as CanonicalValue) !== text) throw new Error('the manifest is not in its canonical form')
  return parsed.data
}

function gatesProblem({ gates }: Manifest): string | undefined {
  if (gates.length === 0) return 'the version did not pass any gate'
  const failed = gates.find(({ verdict }) => verdict !== 'pass')
  return failed === undefined ? undefined : `gate ${failed.gate}: ${failed.verdict}`
}

function attempt<Result>(results: Results, name: CheckName, work: () => Result): Result | undefined {
  try {
    const result = work()
    results.set(name, undefined)
    return result
  } catch (failure) {
    results.set(name, failure instanceof Error ? failure.message : String(failure))
    return undefined
  }
}

function anyFailed(results: Results): boolean {
  return [...results.values()].some((problem) => problem !== undefined)
}

function checkOf(name: CheckName, results: Results): Check {
  if (!results.has(name)) return { name, result: 'skipped' }
  const detail = results.get(name)
  return detail === undefined ? { name, result: 'pass' } : { name, result: 'fail', detail }
}

import type { EcdsaVerifier, FolderReader } from '../attestation/ports.ts'
import { type Envelope, payloadTypes, verifyEnvelope } from '../crypto/envelope.ts'
import type { Crypto } from '../crypto/primitives.ts'
import { fromUtf8 } from '../encoding/bytes.ts'
import { type CanonicalValue, canonicalJson } from '../encoding/canonical-json.ts'
import { parseEnvelope } from './envelope-json.ts'
import { FolderCheck } from './folder-check.ts'
import { type Manifest, manifestSchema } from './manifest.ts'

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
  /** The folder has the files of the manifest, and no others. */
  'listing',
  /** `model/` is as the manifest's release key signed it, with the manifest's root (OpenSSF Model Signing). */
  'model',
  /** The header of the weights describes the layout of the manifest. */
  'layout',
  /** Every file has the length and the digest of the manifest. */
  'files',
  /** Each attestation is about this version, and signed by whom the manifest names. */
  'attestations',
  /** The derivatives that the manifest lists are what follows from `model/`, made here again. */
  'exports',
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
  readonly ecdsa: EcdsaVerifier
  /** Ed25519, 32 bytes: known from elsewhere than the version. */
  readonly publicKey: Uint8Array
  /** The bytes of `manifest.dsse.json`. */
  readonly envelope: Uint8Array
  /** The version's folder. `manifest.json` in it is compared; only the signed manifest is ever believed. */
  readonly folder: FolderReader
  /** What was asked for. */
  readonly expected?: { readonly model?: string; readonly number?: number; readonly root?: string }
  /** Takes each piece of each file as it was hashed; to be thrown away unless nothing failed. */
  readonly handOn?: (path: string, piece: Uint8Array) => void | Promise<void>
}

/**
 * Checks a version from its folder and a pinned key alone, wherever they come from; every file is read once. Does not throw
 * for what is wrong with the version; what reading the folder throws is handed on.
 */
export async function verifyVersion(version: VersionToVerify): Promise<Verification> {
  const results: Results = new Map()
  const manifest = checkManifest(version, results)
  if (manifest !== undefined && !anyFailed(results)) {
    const check = new FolderCheck(version, manifest)
    for (const name of ['listing', 'model', 'layout', 'files', 'attestations', 'exports'] as const) {
      results.set(name, await check[name]())
      if (results.get(name) !== undefined) break
    }
  }
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
  const manifest = attempt(results, 'manifest', () => parseManifest(signed.payload))
  if (manifest === undefined) return undefined
  const { model = manifest.model, number = manifest.number, root = manifest.root } = expected
  const isIt = model === manifest.model && number === manifest.number && root === manifest.root
  const what = `this is version ${manifest.number} of ${manifest.model} with the root ${manifest.root}`
  results.set('identity', isIt ? undefined : what)
  if (isIt) results.set('gates', gatesProblem(manifest))
  return manifest
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

/** Reads what was signed as a manifest. Throws on anything else. */
export function parseManifest(payload: Uint8Array): Manifest {
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

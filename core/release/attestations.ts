import { derivedFrom, readDerivation } from '../attestation/derivation.ts'
import { IN_TOTO_PAYLOAD_TYPE, parseDsse, verifyDsse } from '../attestation/dsse.ts'
import { readProvenance } from '../attestation/provenance.ts'
import { readTestResult } from '../attestation/test-result.ts'
import type { Crypto } from '../crypto/primitives.ts'
import { type Manifest, versionFiles } from './manifest.ts'

/**
 * Why the bytes of an attestation do not say about this version what its place in the folder means; undefined when they do.
 * They are signed by the key that signed the manifest.
 */
export async function attestationProblem(
  crypto: Crypto,
  publicKey: Uint8Array,
  manifest: Manifest,
  path: string,
  bytes: Uint8Array,
): Promise<string | undefined> {
  const { weights, root } = manifest
  const payloadBy = (key: Uint8Array) =>
    verifyDsse(parseDsse(bytes, { canonical: true }), IN_TOTO_PAYLOAD_TYPE, (message, signature) =>
      crypto.verify(key, message, signature),
    )
  try {
    if (path === versionFiles.provenance) {
      const { subject } = readProvenance(await payloadBy(publicKey))
      return aboutAll(subject, [weights, root])
    }
    if (path === versionFiles.gates) {
      const { subject, predicate } = readTestResult(await payloadBy(publicKey))
      if (predicate.result === 'FAILED') return 'gates failed'
      return aboutAll(subject, [weights])
    }
    if (path === versionFiles.exports) {
      const derivation = readDerivation(await payloadBy(publicKey))
      const missing = [weights, root].find((digest) => !derivedFrom(derivation).includes(digest))
      if (missing !== undefined) return `nothing is made of ${missing}`
      const made = manifest.files.filter((file) => file.path.startsWith('exports/'))
      const said = new Map(derivation.subject.map(({ name, digest }) => [name, digest.sha256]))
      const same = said.size === made.length && made.every((file) => said.get(file.path) === file.sha256)
      return same ? undefined : 'it is about other exports'
    }
    return 'no attestation has this name'
  } catch (failure) {
    return failure instanceof Error ? failure.message : String(failure)
  }
}

function aboutAll(
  subject: readonly { readonly digest: { readonly [algorithm: string]: string } }[],
  digests: readonly string[],
): string | undefined {
  const found = subject.map(({ digest }) => digest.sha256)
  const missing = digests.find((digest) => !found.includes(digest))
  return missing === undefined ? undefined : `it is not about ${missing}`
}

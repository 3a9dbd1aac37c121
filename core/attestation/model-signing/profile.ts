import { equalBytes } from '../../encoding/bytes.ts'
import type { DsseEnvelope } from '../dsse.ts'
import { canonicalBytes } from '../json-payload.ts'
import { bundleBytes, type VerificationMaterial } from './bundle.ts'
import { OWN_IGNORE_PATHS } from './ignore.ts'
import { compareCodePoints, isPortable } from './names.ts'
import type { ModelStatement } from './predicate.ts'
import { OWN_RESOURCES } from './sign.ts'

/** The largest `model.sig` of Parley's own versions. */
export const OWN_BUNDLE_BYTES = 1024 * 1024

export type SignedBundle = {
  /** The file as it is. */
  readonly bytes: Uint8Array
  readonly material: VerificationMaterial
  readonly envelope: DsseEnvelope
  readonly statement: ModelStatement
}

/**
 * Parley's profile of OMS v1.0: of all that the format allows one way only, so that not a byte of `model.sig` can change
 * unseen. Throws an Error with the first rule that is broken.
 */
export function checkProfile({ bytes, material, envelope, statement }: SignedBundle): void {
  const { resources, serialization } = statement.predicate
  if (serialization.method !== 'files') throw new Error('files were signed in shards')
  if (serialization.allow_symlinks) throw new Error('symbolic links were followed')
  const { ignore_paths: ignored = [] } = serialization
  if (ignored.length !== OWN_IGNORE_PATHS.length || !ignored.every((path, i) => path === OWN_IGNORE_PATHS[i])) {
    throw new Error(`the ignored paths are not ${OWN_IGNORE_PATHS.join(' ')}`)
  }
  if (resources.length > OWN_RESOURCES) throw new Error(`there are more than ${OWN_RESOURCES} resources`)
  for (const [i, { name, algorithm }] of resources.entries()) {
    if (!isPortable(name)) throw new Error(`the name ${JSON.stringify(name.slice(0, 200))} is not portable`)
    if (algorithm !== serialization.hash_type) throw new Error(`${name} was hashed by ${algorithm}`)
    const before = resources[i - 1]
    if (before !== undefined && compareCodePoints(before.name, name) >= 0) throw new Error(`${name} is out of order`)
  }
  if (!equalBytes(canonicalBytes(statement), envelope.payload)) {
    throw new Error('the statement is not in canonical form, or has members beside those of the format')
  }
  if (envelope.signatures.length !== 1) throw new Error('there is more than one signature')
  if (bytes.length > OWN_BUNDLE_BYTES) throw new Error(`the signature file has more than ${OWN_BUNDLE_BYTES} bytes`)
  if (material.method === 'key' && (material.hint ?? '') === '') throw new Error('the key has no hint')
  if (!equalBytes(bundleBytes({ material, envelope }), bytes)) {
    throw new Error('the signature file is not in canonical form, or has members beside those of the profile')
  }
}

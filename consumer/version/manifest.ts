import { caseTwins, pathProblem } from '../../core/attestation/model-signing/names.ts'
import { payloadTypes, verifyEnvelope } from '../../core/crypto/envelope.ts'
import type { Crypto } from '../../core/crypto/primitives.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { parseEnvelope } from '../../core/release/envelope-json.ts'
import { type Manifest, type VersionFile, versionFiles } from '../../core/release/manifest.ts'
import { parseManifest } from '../../core/release/verify.ts'

/** Which version is to be had. The root is not known of one that was asked for by its number. */
export type Target = { readonly model: string; readonly number: number; readonly root: string | undefined }

/**
 * The manifest of an envelope, to know what to download: signed by the registry, of the version that is meant, with names
 * that mean one file each and a sum of lengths within `maxBytes`. Throws `verify.failed`. What the files must be to be used
 * is for `verifyVersion` to say.
 */
export function readManifest(
  crypto: Crypto,
  key: Uint8Array,
  envelope: Uint8Array,
  { model, number, root }: Target,
  maxBytes: number,
): Manifest {
  const manifest = signedManifest(crypto, key, envelope)
  if (manifest.model !== model || manifest.number !== number || (root ?? manifest.root) !== manifest.root) {
    throw failed(`this is version ${manifest.number} of ${manifest.model} with the root ${manifest.root}`)
  }
  const paths = manifest.files.map(({ path }) => path)
  for (const path of paths) {
    const problem = pathProblem(path)
    if (problem !== undefined) throw failed(`the manifest lists ${JSON.stringify(path)}: ${problem}`)
  }
  const twins = caseTwins(paths)
  if (twins !== undefined) throw failed(`the manifest lists ${twins[0]} and ${twins[1]}, which differ in case only`)
  const held = manifest.files.filter((file) => !followsFromWeights(file))
  const total = held.reduce((sum, { bytes }) => sum + bytes, 0)
  if (total > maxBytes) throw failed(`the version has ${total} bytes, and ${maxBytes} are allowed`)
  return manifest
}

/** The flat vector in a file of its own is the end of the weights' file: it is neither downloaded nor kept twice. */
export function followsFromWeights({ path }: Pick<VersionFile, 'path'>): boolean {
  return path === versionFiles.tfjsWeights
}

function signedManifest(crypto: Crypto, key: Uint8Array, envelope: Uint8Array): Manifest {
  for (const one of parseEnvelope(envelope)) {
    try {
      verifyEnvelope(crypto, key, payloadTypes.manifest, one)
    } catch {
      // Another of its signatures may be by the pinned key.
      continue
    }
    try {
      return parseManifest(one.payload)
    } catch (cause) {
      throw failed(`the manifest: ${cause instanceof Error ? cause.message : String(cause)}`, cause)
    }
  }
  throw failed('the manifest is not signed by the pinned key')
}

function failed(reason: string, cause?: unknown): ParleyError {
  return new ParleyError('verify.failed', reason, { cause })
}

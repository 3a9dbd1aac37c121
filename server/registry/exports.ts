import type { Crypto } from '../../core/crypto/primitives.ts'
import { float32View, toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { ExportInput } from '../../core/export/exported.ts'
import { LOGISTIC_PARAMETERS, logisticJson } from '../../core/export/logistic-json.ts'
import { tfjsModelJson } from '../../core/export/tfjs-layers.ts'
import { type VersionFile, versionFiles } from '../../core/release/manifest.ts'
import type { Layout } from '../../core/tensors/layout.ts'
import { SEGMENT_BYTES } from '../../core/wire/limits.ts'
import type { BlobStore } from '../store/ports.ts'
import type { Candidate } from './manifest.ts'

type Deps = { readonly blobs: BlobStore; readonly crypto: Pick<Crypto, 'sha256'> }

/**
 * Makes the derivatives that the plan asks for and the model has, and stores them. They follow from the weights and the plan
 * alone: a verifier makes them again. The weights go from blob to blob in pieces. Two files for TF.js double a version's size.
 */
export async function exportsOf(
  deps: Deps,
  candidate: Candidate,
  layout: Layout,
  dataOffset: number,
): Promise<readonly VersionFile[]> {
  const { name, model, data, publish } = candidate.evidence.plan
  const input: ExportInput = { name, model, data, layout }
  const { weights, parameters } = candidate
  const files: VersionFile[] = []
  const topology = publish.exports.includes('tfjs') ? made(() => tfjsModelJson(input).bytes) : undefined
  if (topology !== undefined) {
    const sha256 = await copied(deps.blobs, weights, dataOffset)
    files.push(await stored(deps, versionFiles.tfjsModel, topology))
    files.push({ path: versionFiles.tfjsWeights, sha256, bytes: weights.bytes - dataOffset })
  }
  const isLogistic = 'logistic' in model && parameters <= LOGISTIC_PARAMETERS
  if (isLogistic && publish.exports.includes('logistic')) {
    const values = await deps.blobs.read(weights.digest, dataOffset, weights.bytes - dataOffset)
    const json = made(() => logisticJson({ ...input, weights: float32View(values) }).bytes)
    if (json !== undefined) files.push(await stored(deps, versionFiles.logistic, json))
  }
  return files
}

/** Undefined for a model that has no such form. */
function made(make: () => Uint8Array): Uint8Array | undefined {
  try {
    return make()
  } catch (failure) {
    const { code } = ParleyError.from(failure)
    if (code === 'engine.model-unsupported' || code === 'tensors.malformed') return undefined
    throw failure
  }
}

async function stored({ blobs, crypto }: Deps, path: string, bytes: Uint8Array): Promise<VersionFile> {
  await blobs.put(bytes)
  return { path, sha256: toHex(crypto.sha256(bytes)), bytes: bytes.length }
}

async function copied(blobs: BlobStore, { digest, bytes }: Candidate['weights'], offset: number): Promise<string> {
  const writer = await blobs.create()
  try {
    for (let at = offset; at < bytes; at += SEGMENT_BYTES) {
      await writer.write(await blobs.read(digest, at, Math.min(SEGMENT_BYTES, bytes - at)))
    }
    return await writer.commit()
  } finally {
    await writer.release()
  }
}

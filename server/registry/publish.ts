import { payloadTypes, signBytes } from '../../core/crypto/envelope.ts'
import type { SigningKey } from '../../core/crypto/primitives.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { envelopeJson } from '../../core/release/envelope-json.ts'
import { manifestBytes, manifestSchema } from '../../core/release/manifest.ts'
import type { BlobStore, Records, VersionRecord } from '../store/ports.ts'
import { type Candidate, manifestOf } from './manifest.ts'

export type PublishDeps = {
  readonly records: Pick<Records, 'publish' | 'versions'>
  readonly blobs: Pick<BlobStore, 'size' | 'verify'>
  /** The key that consumers pin. */
  readonly key: SigningKey
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly parleyVersion: string
}

/**
 * Makes the candidate the next version of its model: numbered, signed, stored, and the alias moved to it, all in one
 * transaction. Publishing a candidate again returns the version that it became. Fails with `gate.failed` when a gate did
 * not pass or there is none, and with `store.corrupt` when the weights on disk are not what was evaluated.
 */
export async function publishVersion(
  deps: PublishDeps,
  candidate: Candidate,
  alias?: { readonly name: string; readonly reason: string },
): Promise<VersionRecord> {
  const { records, key, now, parleyVersion } = deps
  checkGates(candidate)
  await checkWeights(deps, candidate)
  const { model, run, round } = candidate
  const parent = (await records.versions(model)).findLast(({ weights }) => weights === candidate.base)?.number ?? null
  const prepare = (number: number) => {
    const publishedAt = new Date(now()).toISOString()
    const manifest = manifestOf(candidate, { number, parent, publishedAt, parleyVersion })
    // A manifest that its own schema refuses would be one that no consumer accepts.
    const payload = manifestBytes(manifestSchema.parse(manifest))
    const envelope = envelopeJson(signBytes(key, payloadTypes.manifest, payload), key.publicKey)
    return { weights: candidate.weights.digest, envelope, publishedAt }
  }
  return records.publish({ model, run, round }, prepare, alias)
}

function checkGates({ gates }: Candidate): void {
  if (gates.length === 0) throw new ParleyError('gate.failed', 'a plan without gates publishes nothing')
  const failed = gates.find(({ verdict }) => verdict !== 'pass')
  if (failed !== undefined) throw new ParleyError('gate.failed', `gate ${failed.gate}: ${failed.explanation}`)
}

async function checkWeights({ blobs }: PublishDeps, { weights }: Candidate): Promise<void> {
  const size = await blobs.size(weights.digest)
  if (size !== weights.bytes) {
    throw new ParleyError(
      'store.corrupt',
      `the weights ${weights.digest} have ${size ?? 'no'} bytes, not ${weights.bytes}`,
    )
  }
  await blobs.verify(weights.digest)
}

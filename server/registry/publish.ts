import type { EcdsaVerifier } from '../../core/attestation/ports.ts'
import { payloadTypes, signBytes } from '../../core/crypto/envelope.ts'
import { utf8 } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { envelopeJson } from '../../core/release/envelope-json.ts'
import { manifestBytes, manifestSchema, type VersionFile } from '../../core/release/manifest.ts'
import { verifyVersion } from '../../core/release/verify.ts'
import type { Layout } from '../../core/tensors/layout.ts'
import { readDataOffset, readLayout } from '../../core/tensors/safetensors.ts'
import type { BlobStore, Journal, Records, VersionRecord } from '../store/ports.ts'
import { type EvidenceDeps, evidenceOf } from './evidence.ts'
import { exportsOf } from './exports.ts'
import { journalDigest } from './journal-digest.ts'
import { type Candidate, manifestOf } from './manifest.ts'
import { publicationMove } from './publication-move.ts'
import { manifestIn } from './published.ts'
import { StoredFolder } from './stored-folder.ts'

export type PublishDeps = EvidenceDeps & {
  readonly records: Pick<Records, 'publish' | 'versions'>
  readonly blobs: BlobStore
  readonly journal: Pick<Journal, 'read'>
  readonly ecdsa: EcdsaVerifier
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/**
 * Makes the candidate the next version of its model: its evidence is written, signed, stored and verified as a consumer would
 * verify it; then the version is numbered and, where `alias` is given, the alias moved to it, in one transaction. What went
 * wrong before that leaves blobs that nothing names. Publishing a candidate again returns the version that it became. Fails
 * with `gate.failed` when a gate did not pass or there is none, with `store.corrupt` when the weights on disk are not what was
 * evaluated, and with `run.conflict` when another candidate took the number meanwhile.
 */
export async function publishVersion(
  deps: PublishDeps,
  candidate: Candidate,
  alias?: { readonly name: string; readonly reason: string },
): Promise<VersionRecord> {
  const { records, key, now, parleyVersion, crypto } = deps
  checkGates(candidate)
  const { model, run, round } = candidate
  const versions = await records.versions(model)
  const before = versions.find((version) => version.run === run && version.round === round)
  if (before !== undefined) return before
  await checkWeights(deps, candidate)
  const parent = versions.findLast(({ weights }) => weights === candidate.base)
  const number = (versions.at(-1)?.number ?? 0) + 1
  const at = now()
  const { layout, dataOffset } = await headerOf(deps, candidate)
  const evidence = await evidenceOf(deps, {
    candidate,
    number,
    layout,
    exports: await exportsOf(deps, candidate, layout, dataOffset),
    parent: parent && { name: `${model}/${parent.number}`, root: manifestIn(parent.envelope).root },
    journal: await journalDigest(crypto, deps.journal, run),
    at,
  })
  for (const { content } of evidence.files) if (content !== undefined) await deps.blobs.put(content)
  const publishedAt = new Date(at).toISOString()
  const files = evidence.files.map(({ path, sha256, bytes }) => ({ path, sha256, bytes }))
  const publication = { number, parent: parent?.number ?? null, publishedAt, parleyVersion }
  const facts = { ...publication, root: evidence.root, releaseKey: deps.signer.publicKeyPem, files }
  // A manifest that its own schema refuses would be one that no consumer accepts.
  const payload = manifestBytes(manifestSchema.parse(manifestOf(candidate, facts)))
  const envelope = envelopeJson(signBytes(key, payloadTypes.manifest, payload), key.publicKey)
  await checkAsConsumer(deps, envelope, files, { model, number, root: evidence.root })
  const prepare = (next: number) => {
    if (next !== number) throw new ParleyError('run.conflict', `version ${number} of ${model} was published meanwhile`)
    return { weights: candidate.weights.digest, envelope, publishedAt }
  }
  if (alias === undefined) return records.publish({ model, run, round }, prepare)
  const { name, reason } = alias
  const { rollout } = candidate.evidence.plan.publish
  const move = publicationMove(deps, { alias: name, reason, rollout, versions })
  return records.publish({ model, run, round }, prepare, { name, prepare: move })
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
}

async function headerOf(
  { blobs }: PublishDeps,
  { weights }: Candidate,
): Promise<{ readonly layout: Layout; readonly dataOffset: number }> {
  const limits = { fileBytes: weights.bytes }
  const head = await blobs.read(weights.digest, 0, Math.min(8, weights.bytes))
  const offset = readDataOffset(head, limits)
  return readLayout(await blobs.read(weights.digest, 0, offset), limits)
}

/** From the store, with nothing but the public keys: what no consumer would take is not published. */
async function checkAsConsumer(
  { crypto, ecdsa, key, blobs }: PublishDeps,
  envelope: string,
  files: readonly VersionFile[],
  expected: { readonly model: string; readonly number: number; readonly root: string },
): Promise<void> {
  const folder = new StoredFolder(blobs, files)
  const { checks, failed } = await verifyVersion({
    crypto,
    ecdsa,
    publicKey: key.publicKey,
    envelope: utf8(envelope),
    folder,
    expected,
  })
  if (failed === undefined) return
  const detail = checks.find(({ name }) => name === failed)?.detail ?? ''
  throw new ParleyError('store.corrupt', `what was to be published does not verify: ${failed}: ${detail}`)
}

import { segmentCount } from '../../../core/crypto/seal.ts'
import { bytesView } from '../../../core/encoding/bytes.ts'
import { ParleyError } from '../../../core/errors/index.ts'
import { zeroFrozen } from '../../../core/plan/freeze.ts'
import type { RoundPrivacy } from '../../../core/plan/round-privacy.ts'
import {
  addVector,
  checksumKey,
  configHashOf,
  type DecodedSum,
  decodeSum,
  type OpenBucket,
  planUnmasking,
  removeMasks,
  type SessionConfiguration,
  vectorBytes,
} from '../../../core/secagg/index.ts'
import { SEGMENT_BYTES } from '../../../core/wire/limits.ts'
import type { BlobStore } from '../../store/ports.ts'
import type { AggregationDeps } from '../aggregate-updates.ts'
import { openerOf } from '../opener.ts'
import type { AcceptedUpdate, Aggregating } from '../state.ts'
import { readSegment } from '../upload.ts'
import type { OpenedSum, Unmasked } from './masking.ts'

export type OpenSumsDeps = AggregationDeps & { readonly store: { readonly blobs: Pick<BlobStore, 'create'> } }

/** Lanes in a segment of a masked vector. */
const LANES = SEGMENT_BYTES / 4

/**
 * Opens the sums of a masked round: adds up what the survivors of each bucket sent, takes the masks out that the answers let
 * it make, and decodes what is left. Nothing here depends on when it is done: the same journal and spool give the same
 * means. Fails with `masking.failed` when not one sum can be opened.
 */
export async function openSums(
  deps: OpenSumsDeps,
  state: Aggregating,
  { maxNorm, privacy }: { readonly maxNorm: number; readonly privacy: RoundPrivacy | undefined },
): Promise<Unmasked> {
  const session = state.masking?.session
  if (session?.phase !== 'unmask') throw new ParleyError('internal', 'the round has no sums to open')
  const plan = planUnmasking({ crypto: deps.crypto }, session)
  const sums: OpenedSum[] = []
  const spoiled = [...(plan.ok ? plan.closed.map(({ missing }) => closedBy(missing)) : [])]
  for (const bucket of plan.ok ? plan.buckets : []) {
    const lanes = await sumOf(deps, state, session.configuration, bucket)
    const key = checksumKeyOf(deps, session.configuration)
    const decoded = decodeSum(deps.crypto, session.configuration, key, lanes, bucket.survivors.length)
    const mean = decoded.ok ? decoded.mean.subarray(0, state.settings.parameters) : new Float32Array(0)
    // Nobody can see whether single clients moved what is frozen; what they made of it together, with the noise, is left out.
    zeroFrozen(mean, 0, state.settings.frozen ?? [])
    const norm = normOf(mean)
    if (!decoded.ok) spoiled.push({ clients: bucket.survivors, reason: decoded.failure })
    else if (norm > maxNorm) spoiled.push({ clients: bucket.survivors, reason: 'norm-above-limit' })
    else
      sums.push({
        ...(await stored(deps, bucket, mean)),
        weight: decoded.weight,
        norm,
        ...unclippedOf(decoded, privacy),
      })
  }
  if (sums.length === 0) {
    const why = plan.ok ? spoiled.map(({ reason }) => reason) : [plan.failure.reason]
    const lies = plan.culprits.length === 0 ? '' : `; wrong shares came from ${plan.culprits.join(', ')}`
    throw new ParleyError('masking.failed', `no sum could be opened: ${[...new Set(why)].join(', ')}${lies}`)
  }
  return { sums, spoiled, culprits: plan.culprits }
}

function closedBy(missing: readonly string[]): Unmasked['spoiled'][number] {
  return { clients: missing, reason: 'shares-missing' }
}

/** The sum of the bucket without its masks, a segment at a time. */
async function sumOf(
  deps: OpenSumsDeps,
  state: Aggregating,
  configuration: SessionConfiguration,
  { survivors, masks }: OpenBucket,
): Promise<Uint32Array> {
  const bytes = vectorBytes(configuration)
  const lanes = new Uint32Array(bytes / 4)
  const updates = survivors.map((client) => acceptedOf(state, client))
  const openers = updates.map(({ client, header }) => openerOf(deps, client, header, bytes))
  for (let index = 0; index < segmentCount(bytes); index++) {
    const part = lanes.subarray(index * LANES, Math.min(lanes.length, (index + 1) * LANES))
    for (const [i, { header }] of updates.entries()) {
      const opener = openers[i]
      if (opener === undefined) throw new ParleyError('internal', 'an update without its opener')
      addVector(part, lanesOf(await readSegment(deps.store.spool, header.sha256, bytes, opener, index)))
    }
    await removeMasks(deps.masks, masks, part, index * LANES)
  }
  return lanes
}

function acceptedOf({ accepted }: Aggregating, client: string): AcceptedUpdate {
  const update = accepted.find((one) => one.client === client)
  if (update === undefined) throw new ParleyError('internal', `${client} is in a sum and has no update`)
  return update
}

/** The lanes of a segment, where they lie if they are aligned there. */
function lanesOf(bytes: Uint8Array): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice()
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4)
}

/** The last coordinate of the sum, in halves. */
function unclippedOf({ mean, weight }: DecodedSum, privacy: RoundPrivacy | undefined): Pick<OpenedSum, 'unclipped'> {
  if (privacy?.indicator === undefined) return {}
  return { unclipped: ((mean.at(-1) ?? 0) * weight) / (2 * privacy.indicator) }
}

async function stored(
  { store }: OpenSumsDeps,
  { bucket, survivors }: OpenBucket,
  mean: Float32Array,
): Promise<Pick<OpenedSum, 'name' | 'clients' | 'vector'>> {
  const writer = await store.blobs.create()
  try {
    const bytes = bytesView(mean)
    for (let at = 0; at < bytes.length; at += SEGMENT_BYTES) await writer.write(bytes.subarray(at, at + SEGMENT_BYTES))
    const vector = { digest: await writer.commit(), bytes: bytes.length }
    return { name: sumName(bucket), clients: survivors, vector }
  } finally {
    await writer.release()
  }
}

/** Sorts as the buckets are numbered. */
function sumName(bucket: number): string {
  return `sum-${String(bucket + 1).padStart(3, '0')}`
}

function checksumKeyOf({ crypto }: OpenSumsDeps, configuration: SessionConfiguration): Uint8Array {
  return checksumKey(crypto, configHashOf(crypto, configuration))
}

function normOf(values: Float32Array): number {
  let sum = 0
  for (const value of values) sum += value * value
  return Math.sqrt(sum)
}

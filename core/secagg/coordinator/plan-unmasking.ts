import type { AgreementKey } from '../../crypto/primitives.ts'
import { fromBase64, toHex } from '../../encoding/bytes.ts'
import { bytes32 } from '../bytes32.ts'
import { type Mask, type MaskArithmetic, pairKey, pairSign, selfKey } from '../masks.ts'
import type { RosterRow } from '../messages.ts'
import {
  contradicting,
  type InterpolationCache,
  interpolationCache,
  type PointShare,
  recoverSecret,
} from '../recover.ts'
import { heldBy, idsOf, needed, peersOf, pointOf, type Revealed } from '../roster.ts'
import { maskKeyOf, seedHashOf } from '../seeds.ts'
import { maskContextOf, sessionTopology } from '../session.ts'
import { SECRET_BYTES } from '../shamir.ts'
import { culpritsOf, type Dispute } from './culprits.ts'
import type { CoordinatorContext, SessionFailure, Unmasking } from './state.ts'

/** A bucket whose sum can be opened: add `masks` to the sum of the survivors' vectors, and nothing else is left. */
export type OpenBucket = {
  readonly bucket: number
  readonly survivors: readonly string[]
  readonly masks: readonly Mask[]
}

/** A bucket that stays closed because these clients' secrets could not be put together. */
export type ClosedBucket = { readonly bucket: number; readonly missing: readonly string[] }

export type UnmaskingPlan =
  | {
      readonly ok: true
      readonly buckets: readonly OpenBucket[]
      readonly closed: readonly ClosedBucket[]
      readonly disputes: readonly Dispute[]
      readonly culprits: readonly string[]
    }
  | {
      readonly ok: false
      readonly failure: SessionFailure
      readonly disputes: readonly Dispute[]
      readonly culprits: readonly string[]
    }

/**
 * Puts together the seeds of the survivors and the mask seeds of the dropped, checks each against what its owner published, and
 * lists for every bucket which keystreams to add to its sum. Lies about shares are corrected where enough others told the truth.
 */
export function planUnmasking({ crypto }: CoordinatorContext, state: Unmasking): UnmaskingPlan {
  const { configuration, rows, buckets, survivors } = state
  const bucketed = configuration.buckets !== null
  const topology = sessionTopology(crypto, state)
  const context = maskContextOf(crypto, state)
  const left = new Set(survivors)
  const secrets = secretsOf(state, needed(topology, bucketed, buckets, left), (holder, all) =>
    heldBy(topology, all, holder),
  )

  const disputes: Dispute[] = []
  const ownerOf = ({ client }: RosterRow) => ({ configHash: context.configHash, client })
  const seedOf = secrets(
    'self',
    disputes,
    (row, seed) => toHex(seedHashOf(crypto, ownerOf(row), seed)) === row.seedHash,
  )
  const agreementKeys = new Map<string, AgreementKey>()
  const keyOf = secrets('mask', disputes, (row, seed) => {
    const key = maskKeyOf(crypto, ownerOf(row), seed)
    if (toHex(key.publicKey) !== row.maskKey) return false
    agreementKeys.set(row.maskKey, key)
    return true
  })
  const maskKeys = rows.map(({ maskKey }) => bytes32(maskKey))
  const open: OpenBucket[] = []
  const closed: ClosedBucket[] = []
  for (const [bucket, members] of buckets.entries()) {
    const opened = members.filter((index) => left.has(index))
    if (opened.length === 0) continue
    const masks: Mask[] = []
    const missing: number[] = []
    for (const index of opened) {
      const seed = seedOf(index)
      if (seed === undefined) missing.push(index)
      else masks.push({ key: selfKey(crypto, context, seed, index), sign: -1 })
    }
    for (const index of members.filter((one) => !left.has(one))) {
      const peers = peersOf(topology, bucketed, buckets, index).filter((peer) => left.has(peer))
      if (peers.length === 0) continue
      const own = keyOf(index) && agreementKeys.get((rows[index] as RosterRow).maskKey)
      if (own === undefined) {
        missing.push(index)
        continue
      }
      for (const peer of peers) {
        const shared = own.agree(maskKeys[peer] as Uint8Array)
        if (shared === undefined) throw new RangeError('a key of small order got past the roster')
        const key = pairKey(crypto, context, shared, index, peer)
        // The survivor added its half; the dropped client's half, of the other sign, is what cancels it.
        masks.push({ key, sign: pairSign(index, peer) })
      }
    }
    if (missing.length > 0) closed.push({ bucket, missing: idsOf(rows, missing) })
    else open.push({ bucket, survivors: idsOf(rows, opened), masks })
  }
  const culprits = culpritsOf(disputes)
  if (open.length > 0) return { ok: true, buckets: open, closed, disputes, culprits }
  const have = Object.keys(state.answers).length
  const failure = { phase: 'unmask', reason: 'unrecoverable', have, need: configuration.graph.threshold } as const
  return { ok: false, failure, disputes, culprits }
}

/** Takes what a plan lists out of the running sum of a bucket, or of the part of it that begins at lane `offset`. */
export async function removeMasks(
  arithmetic: MaskArithmetic,
  masks: readonly Mask[],
  lanes: Uint32Array,
  offset = 0,
): Promise<void> {
  if (arithmetic.addMasksInTime === undefined) arithmetic.addMasks(masks, lanes, offset)
  else await arithmetic.addMasksInTime(masks, lanes, offset)
}

type SecretOf = (index: number) => Uint8Array | undefined

/** A way to ask for secrets of one kind; what is found out about liars serves the next secret. */
function secretsOf(state: Unmasking, all: Revealed, held: (holder: number, all: Revealed) => Revealed) {
  const { rows, configuration } = state
  const cached: InterpolationCache = interpolationCache()
  const liars = new Set<number>()
  const holders = Object.entries(state.answers).map(([key, answer]) => {
    const index = Number(key)
    const places = held(index, all)
    return {
      index,
      point: pointOf(index),
      self: lazyShares(answer.selfShares, places.self),
      mask: lazyShares(answer.maskShares, places.mask),
    }
  })

  return (
    kind: 'self' | 'mask',
    disputes: Dispute[],
    valid: (row: RosterRow, secret: Uint8Array) => boolean,
  ): SecretOf =>
    (index) => {
      const row = rows[index] as RosterRow
      const shares: PointShare[] = holders
        .filter((holder) => holder[kind].has(index))
        .sort((a, b) => Number(liars.has(a.point)) - Number(liars.has(b.point)))
        .map((holder) => ({
          point: holder.point,
          get share() {
            return holder[kind].get(index)
          },
        }))
      const { threshold } = configuration.graph
      const found = recoverSecret(shares, threshold, (secret) => valid(row, secret), cached)
      if (!found.ok) {
        // With shares enough, it was the dealer or a crowd of holders; without, nobody is to blame.
        if (shares.length >= threshold) disputes.push({ dealer: row.client, holder: null })
        return undefined
      }
      const trusted = shares.filter(({ point }) => !liars.has(point)).slice(0, threshold)
      // One wrong share does not say whether dealer or holder lied: who gave one is looked at every time.
      const again = trusted.length < threshold ? [] : shares.filter(({ point }) => liars.has(point))
      for (const point of found.wrong.length > 0 ? found.wrong : contradicting(trusted, again)) {
        liars.add(point)
        disputes.push({ dealer: row.client, holder: (rows[point - 1] as RosterRow).client })
      }
      return found.secret
    }
}

/** Most answers beyond the threshold are never looked at, so that their bytes are decoded when they are. */
function lazyShares(base64: string, places: readonly number[]) {
  const at = new Map(places.map((index, place) => [index, SECRET_BYTES * place]))
  let bytes: Uint8Array | undefined
  return {
    has: (index: number) => at.has(index),
    get(index: number): Uint8Array {
      bytes ??= fromBase64(base64) ?? new Uint8Array(SECRET_BYTES * places.length)
      const from = at.get(index) ?? 0
      return bytes.subarray(from, from + SECRET_BYTES)
    },
  }
}

import { fromBase64, toHex } from '../../encoding/bytes.ts'
import { SEGMENT_BYTES } from '../../wire/limits.ts'
import { bucketSeed, bucketsOf } from '../buckets.ts'
import { bytes32 } from '../bytes32.ts'
import { configHashOf } from '../configuration.ts'
import { laneCount } from '../encoding.ts'
import { type Mask, type MaskContext, maskArithmeticOf, pairKey, pairSign, selfKey } from '../masks.ts'
import {
  type MembersBroadcast,
  membersBroadcastSchema,
  type RosterRow,
  SEALED_BYTES,
  signMessage,
} from '../messages.ts'
import { type Refusal, refuse } from '../refusal.ts'
import { idsOf, peersOf } from '../roster.ts'
import { openShares } from '../sealed-share.ts'
import { maskKeyOf, seedBytes } from '../seeds.ts'
import { ascending, chanceOf, maskContextOf, sessionTopology } from '../session.ts'
import { setHash } from '../transcript.ts'
import { fewKnown } from './check-roster.ts'
import { inbound } from './inbound.ts'
import type { ClientContext, ClientState, Masked, Shared, Transition } from './state.ts'

/**
 * Step R2: checks the members and their coins, opens the shares that were sealed for this client, finds its bucket, and masks
 * `lanes` (the encoded update) **in place**. A refusal leaves them as they were. The message names the masked vector by its
 * digest; the vector travels apart. RangeError when `lanes` does not have the length of the configuration.
 */
export function maskInput(
  context: ClientContext,
  state: ClientState,
  broadcast: unknown,
  lanes: Uint32Array,
): Transition<Masked> {
  if (state.phase !== 'shared') return { ok: false, refusal: refuse('wrong-phase') }
  const { crypto, signingKey } = context
  const { configuration, rows, index } = state
  if (lanes.length !== laneCount(configuration)) throw new RangeError(`a vector has ${lanes.length} lanes`)
  const configHash = configHashOf(crypto, configuration)
  const received = inbound(membersBroadcastSchema, broadcast, configHash)
  if (!received.ok) return received
  const refusal = checkMembers(context, state, received.value)
  if (refusal !== undefined) return { ok: false, refusal }

  const { members } = received.value
  const bucketed = configuration.buckets !== null
  const coins = received.value.coins.map(bytes32)
  const seed = bucketSeed(crypto, chanceOf(state), coins)
  const buckets = bucketsOf(crypto, seed, members, configuration.buckets?.size ?? members.length)
  const maskContext = maskContextOf(crypto, state)
  const held = openAll(context, state, received.value, maskContext)
  if ('reason' in held) return { ok: false, refusal: held }
  const peers = peersOf(sessionTopology(crypto, state), bucketed, buckets, index)
  const masks = masksOf(context, state, peers, maskContext)
  if ('reason' in masks) return { ok: false, refusal: masks }

  const arithmetic = context.masks ?? maskArithmeticOf(crypto)
  arithmetic.addMasks(masks, lanes)
  const message = signMessage(signingKey, 'input', {
    v: 1,
    roster: state.rosterHash,
    client: state.client,
    members: toHex(setHash(crypto, idsOf(rows, members))),
    digest: toHex(vectorDigest(crypto, lanes)),
  })
  const { client, rosterHash, opened } = state
  const sent = { configuration, client, index, rosterHash, rows, opened, members, buckets, held }
  return { ok: true, state: { phase: 'masked', ...sent }, message }
}

/** SHA-256 of a masked vector's bytes, taken in the segments in which it travels. */
export function vectorDigest(crypto: Pick<ClientContext['crypto'], 'hasher'>, lanes: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(lanes.buffer, lanes.byteOffset, lanes.byteLength)
  const hash = crypto.hasher()
  for (let at = 0; at < bytes.length; at += SEGMENT_BYTES) hash.update(bytes.subarray(at, at + SEGMENT_BYTES))
  return hash.digest()
}

function checkMembers(
  { crypto, policy }: ClientContext,
  { configuration, rows, index }: Shared,
  { members, coins }: MembersBroadcast,
): Refusal | undefined {
  if (!ascending(members, rows.length)) return refuse('not-a-member', 'the list is not sorted or leaves the roster')
  if (!members.includes(index)) return refuse('not-a-member')
  const least = Math.max(configuration.minimum, configuration.graph.threshold)
  if (members.length < least) return refuse('too-few-clients', `${members.length} of at least ${least}`)
  if (coins.length !== members.length) return refuse('malformed', 'a coin for each member is needed')
  for (const [i, member] of members.entries()) {
    const row = rows[member] as RosterRow
    if (toHex(crypto.sha256(bytes32(coins[i] as string))) !== row.coinHash) {
      return refuse('coin-mismatch', undefined, row.client)
    }
  }
  return fewKnown(
    members.map((member) => rows[member] as RosterRow),
    policy,
    policy.minKnown,
  )
}

function openAll(
  { crypto }: ClientContext,
  state: Shared,
  { members, sealed }: MembersBroadcast,
  maskContext: MaskContext,
): Masked['held'] | Refusal {
  const { index, rows } = state
  const holders = sessionTopology(crypto, state).holdersOf(index)
  const present = new Set(members)
  const bytes = fromBase64(sealed)
  const others = holders.filter((holder) => holder !== index)
  const dealers = others.filter((other) => present.has(other))
  if (bytes?.length !== SEALED_BYTES * dealers.length) return refuse('malformed', 'sealed shares')
  const keys = new Map(others.map((other, i) => [other, state.inbox[i] as string]))
  const held: Masked['held'][number][] = []
  if (state.own !== null) held.push({ index, ...state.own })
  for (const [i, from] of dealers.entries()) {
    const key = bytes32(keys.get(from) as string)
    const piece = bytes.subarray(SEALED_BYTES * i, SEALED_BYTES * (i + 1))
    const pair = openShares(crypto, maskContext, key, { from, to: index }, piece)
    if (pair === undefined) return refuse('sealed-share', undefined, (rows[from] as RosterRow).client)
    held.push({ index: from, mask: toHex(pair.mask), self: toHex(pair.self) })
  }
  return held
}

function masksOf(
  { crypto }: ClientContext,
  { maskSeed, seed, index, rows, client }: Shared,
  peers: readonly number[],
  maskContext: MaskContext,
): Mask[] | Refusal {
  const masks: Mask[] = [{ key: selfKey(crypto, maskContext, seedBytes(seed), index), sign: 1 }]
  const own = maskKeyOf(crypto, { configHash: maskContext.configHash, client }, seedBytes(maskSeed))
  for (const peer of peers) {
    const row = rows[peer] as RosterRow
    const shared = own.agree(bytes32(row.maskKey))
    if (shared === undefined) return refuse('weak-key', undefined, row.client)
    masks.push({ key: pairKey(crypto, maskContext, shared, index, peer), sign: pairSign(index, peer) })
  }
  return masks
}

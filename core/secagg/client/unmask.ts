import type { Envelope } from '../../crypto/envelope.ts'
import { concatBytes, fromBase64, fromHex, fromUtf8, toBase64, toHex, utf8 } from '../../encoding/bytes.ts'
import { bytes32 } from '../bytes32.ts'
import { configHashOf } from '../configuration.ts'
import {
  type ConfirmationsBroadcast,
  confirmationsBroadcastSchema,
  type RosterRow,
  signedBy,
  signMessage,
} from '../messages.ts'
import { refuse } from '../refusal.ts'
import { heldBy, needed } from '../roster.ts'
import { seedBytes } from '../seeds.ts'
import { sessionTopology } from '../session.ts'
import { survivorsPayload } from './confirm-survivors.ts'
import { inbound } from './inbound.ts'
import type { Answered, ClientContext, ClientState, Confirmed, SharePair, Transition } from './state.ts'

/**
 * Step R4: when enough of its share holders signed the same survivors, gives its shares: of survivors those of the seed, of
 * dropped members those of the mask key, of nobody both. Once only: store the new state **before** the message leaves.
 */
export function unmask(context: ClientContext, state: ClientState, broadcast: unknown): Transition<Answered> {
  if (state.phase === 'answered') return { ok: false, refusal: refuse('already-answered') }
  if (state.phase !== 'confirmed') return { ok: false, refusal: refuse('wrong-phase') }
  const { crypto, signingKey } = context
  const { configuration, client, index, buckets } = state
  const configHash = configHashOf(crypto, configuration)
  const received = inbound(confirmationsBroadcastSchema, broadcast, configHash)
  if (!received.ok) return received
  const topology = sessionTopology(crypto, state)
  const { threshold } = configuration.graph
  const confirmations = countConfirmations(context, state, received.value, topology.holdersOf(index), threshold)
  if (confirmations < threshold) {
    return { ok: false, refusal: refuse('too-few-confirmations', `${confirmations} of at least ${threshold}`) }
  }
  const revealed = heldBy(
    topology,
    needed(topology, configuration.buckets !== null, buckets, new Set(state.survivors)),
    index,
  )
  const held = new Map(state.held.map((pair) => [pair.index, pair]))
  const shares = (indices: readonly number[], kind: keyof SharePair) =>
    toBase64(concatBytes(...indices.map((one) => seedBytes(held.get(one)?.[kind] ?? ''))))
  const message = signMessage(signingKey, 'unmask', {
    v: 1,
    roster: state.rosterHash,
    client,
    survivors: survivorsPayload(context, state, client).survivors,
    selfShares: shares(revealed.self, 'self'),
    maskShares: shares(revealed.mask, 'mask'),
  })
  const { task, round, session } = configuration
  const answer = {
    payloadType: message.payloadType,
    payload: fromUtf8(message.payload),
    signature: toHex(message.signature),
  }
  return { ok: true, state: { phase: 'answered', client, task, round, session, answer }, message }
}

/** The answer that was stored, to be sent again after a restart. */
export function storedAnswer({ answer }: Answered): Envelope {
  const { payloadType, payload, signature } = answer
  return { payloadType, payload: utf8(payload), signature: fromHex(signature) ?? new Uint8Array(0) }
}

/** Different holders among the survivors that signed the same; counting stops at `enough`. */
function countConfirmations(
  context: ClientContext,
  state: Confirmed,
  { signers, signatures }: ConfirmationsBroadcast,
  holders: readonly number[],
  enough: number,
): number {
  const left = new Set(state.survivors)
  const payload = survivorsPayload(context, state, state.client)
  const counted = new Set<number>(holders.includes(state.index) ? [state.index] : [])
  for (const [i, signer] of signers.entries()) {
    if (counted.size >= enough) break
    if (!left.has(signer) || !holders.includes(signer) || counted.has(signer)) continue
    const signature = fromBase64(signatures[i] ?? '')
    const { client, identityKey } = state.rows[signer] as RosterRow
    if (signature && signedBy(context.crypto, bytes32(identityKey), 'survivors', { ...payload, client }, signature))
      counted.add(signer)
  }
  return counted.size
}

import type { z } from 'zod'
import type { Envelope } from '../../crypto/envelope.ts'
import { toBase64, toHex } from '../../encoding/bytes.ts'
import { bytes32, isSmallOrder } from '../bytes32.ts'
import {
  advertiseSchema,
  inputSchema,
  messageLimit,
  openMessage,
  type RosterRow,
  SEALED_CHARACTERS,
  type Step,
  shareSchema,
  survivorsSchema,
  unmaskSchema,
} from '../messages.ts'
import { heldBy, needed, type Revealed, type Topology } from '../roster.ts'
import { sessionTopology } from '../session.ts'
import { SECRET_BYTES } from '../shamir.ts'
import type {
  Advertising,
  Confirming,
  CoordinatorContext,
  CoordinatorState,
  Receipt,
  Receiving,
  Sharing,
  TakeRefusal,
  Unmasking,
} from './state.ts'

export type Taken = { readonly state: CoordinatorState; readonly receipt: Receipt }

/**
 * Takes a client's message of the present step: limit, signature, shape, session, then what it says. `client` is the id that
 * the connection authenticated. A refused message changes nothing; the same message twice is taken twice.
 */
export function take(context: CoordinatorContext, state: CoordinatorState, client: string, envelope: Envelope): Taken {
  switch (state.phase) {
    case 'advertise':
      return takeAdvert(context, state, client, envelope)
    case 'share':
      return takeShares(context, state, client, envelope)
    case 'input':
      return takeInput(context, state, client, envelope)
    case 'survivors':
      return takeConfirmation(context, state, client, envelope)
    case 'unmask':
      return takeAnswer(context, state, client, envelope)
  }
}

/** Marks the vector of an input as stored; `digest` is the SHA-256, in hex, of the bytes that arrived. */
export function delivered(state: CoordinatorState, client: string, digest: string): Taken {
  if (state.phase !== 'input') return refused(state, 'wrong-phase')
  const index = state.rows.findIndex((row) => row.client === client)
  const input = state.inputs[index]
  if (input === undefined) return refused(state, 'not-invited')
  if (input.digest !== digest) return refused(state, 'invalid')
  return taken({ ...state, inputs: { ...state.inputs, [index]: { digest, delivered: true } } })
}

function takeAdvert({ crypto }: CoordinatorContext, state: Advertising, client: string, envelope: Envelope): Taken {
  const identityKey = Object.hasOwn(state.identities, client) ? state.identities[client] : undefined
  if (identityKey === undefined) return refused(state, 'not-invited')
  const limit = messageLimit(state.configuration.cohort)
  const opened = openMessage(crypto, bytes32(identityKey), 'advertise', advertiseSchema, envelope, limit)
  if (opened === undefined || opened.client !== client || opened.identityKey !== identityKey) {
    return refused(state, 'invalid')
  }
  const { v, config, ...advert } = opened
  if (config !== state.config) return refused(state, 'wrong-session')
  const row = { ...advert, signature: toBase64(envelope.signature) }
  const earlier = state.adverts[client]
  if (earlier !== undefined) return earlier.signature === row.signature ? taken(state) : refused(state, 'duplicate')
  if (isSmallOrder(row.channelKey) || isSmallOrder(row.maskKey)) return refused(state, 'weak-key')
  if (repeats(row, Object.values(state.adverts))) return refused(state, 'repeated-key')
  return taken({ ...state, adverts: { ...state.adverts, [client]: row } })
}

/** Whether a key or commitment of the row occurs twice, in it or in another. */
function repeats(row: RosterRow, others: readonly RosterRow[]): boolean {
  const values = [row.identityKey, row.channelKey, row.maskKey, row.seedHash, row.coinHash]
  const own = new Set(values)
  return (
    own.size < values.length ||
    others.some(
      ({ identityKey, channelKey, maskKey, seedHash, coinHash }) =>
        own.has(identityKey) || own.has(channelKey) || own.has(maskKey) || own.has(seedHash) || own.has(coinHash),
    )
  )
}

function takeShares({ crypto }: CoordinatorContext, state: Sharing, client: string, envelope: Envelope): Taken {
  const opened = open(crypto, state, client, 'share', shareSchema, envelope)
  if (typeof opened === 'string') return refused(state, opened)
  const { index, message } = opened
  const { coin, sealed } = message
  const earlier = state.shares[index]
  if (earlier !== undefined) return earlier.sealed === sealed ? taken(state) : refused(state, 'duplicate')
  const row = state.rows[index]
  if (row?.coinHash !== toHex(crypto.sha256(bytes32(coin)))) return refused(state, 'coin-mismatch')
  const receivers = sessionTopology(crypto, state)
    .holdersOf(index)
    .filter((holder) => holder !== index)
  if (sealed.length !== SEALED_CHARACTERS * receivers.length) return refused(state, 'wrong-length')
  return taken({ ...state, shares: { ...state.shares, [index]: { coin, sealed } } })
}

function takeInput({ crypto }: CoordinatorContext, state: Receiving, client: string, envelope: Envelope): Taken {
  const opened = open(crypto, state, client, 'input', inputSchema, envelope)
  if (typeof opened === 'string') return refused(state, opened)
  const { index, message } = opened
  if (!state.members.includes(index)) return refused(state, 'not-invited')
  if (message.members !== state.membersHash) return refused(state, 'wrong-set')
  const earlier = state.inputs[index]
  if (earlier !== undefined) return earlier.digest === message.digest ? taken(state) : refused(state, 'duplicate')
  const input = { digest: message.digest, delivered: false }
  return taken({ ...state, inputs: { ...state.inputs, [index]: input } })
}

function takeConfirmation(
  { crypto }: CoordinatorContext,
  state: Confirming,
  client: string,
  envelope: Envelope,
): Taken {
  const opened = open(crypto, state, client, 'survivors', survivorsSchema, envelope)
  if (typeof opened === 'string') return refused(state, opened)
  const { index, message } = opened
  if (!state.survivors.includes(index)) return refused(state, 'not-invited')
  if (message.members !== state.membersHash || message.survivors !== state.survivorsHash) {
    return refused(state, 'wrong-set')
  }
  const confirmations = { ...state.confirmations, [index]: toBase64(envelope.signature) }
  return taken({ ...state, confirmations })
}

function takeAnswer({ crypto }: CoordinatorContext, state: Unmasking, client: string, envelope: Envelope): Taken {
  const opened = open(crypto, state, client, 'unmask', unmaskSchema, envelope)
  if (typeof opened === 'string') return refused(state, opened)
  const { index, message } = opened
  if (state.confirmations[index] === undefined) return refused(state, 'not-invited')
  if (message.survivors !== state.survivorsHash) return refused(state, 'wrong-set')
  const { selfShares, maskShares } = message
  const earlier = state.answers[index]
  if (earlier !== undefined) return earlier.selfShares === selfShares ? taken(state) : refused(state, 'duplicate')
  const topology = sessionTopology(crypto, state)
  const expected = heldBy(topology, neededIn(topology, state), index)
  if (
    decodedBytes(selfShares) !== SECRET_BYTES * expected.self.length ||
    decodedBytes(maskShares) !== SECRET_BYTES * expected.mask.length
  ) {
    return refused(state, 'wrong-length')
  }
  return taken({ ...state, answers: { ...state.answers, [index]: { selfShares, maskShares } } })
}

/** What all answers of a step are about: made once for its list of survivors. */
const neededBy = new WeakMap<
  Unmasking['survivors'],
  { topology: Topology; buckets: Unmasking['buckets']; all: Revealed }
>()

function neededIn(topology: Topology, { configuration, buckets, survivors }: Unmasking): Revealed {
  const known = neededBy.get(survivors)
  if (known?.topology === topology && known.buckets === buckets) return known.all
  const all = needed(topology, configuration.buckets !== null, buckets, new Set(survivors))
  neededBy.set(survivors, { topology, buckets, all })
  return all
}

/** The message of a client of the roster, bound to this session, or why it is none. */
function open<Schema extends z.ZodType<{ roster: string; client: string }>>(
  crypto: CoordinatorContext['crypto'],
  state: Exclude<CoordinatorState, Advertising>,
  client: string,
  step: Step,
  schema: Schema,
  envelope: Envelope,
): { readonly index: number; readonly message: z.infer<Schema> } | TakeRefusal {
  const index = state.rows.findIndex((row) => row.client === client)
  const row = state.rows[index]
  if (row === undefined) return 'not-invited'
  const limit = messageLimit(state.configuration.cohort)
  const message = openMessage(crypto, bytes32(row.identityKey), step, schema, envelope, limit)
  if (message === undefined || message.client !== client) return 'invalid'
  if (message.roster !== state.rosterHash) return 'wrong-session'
  return { index, message }
}

/** Bytes that base64 of this length and padding stands for. */
function decodedBytes(base64: string): number {
  if (base64.length % 4 !== 0) return -1
  return (base64.length / 4) * 3 - (base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0)
}

function taken(state: CoordinatorState): Taken {
  return { state, receipt: { ok: true } }
}

function refused(state: CoordinatorState, reason: TakeRefusal): Taken {
  return { state, receipt: { ok: false, reason } }
}

import { toHex } from '../../encoding/bytes.ts'
import { configHashOf } from '../configuration.ts'
import { type RosterRow, type SurvivorsPayload, signMessage, survivorsBroadcastSchema } from '../messages.ts'
import { type Refusal, refuse } from '../refusal.ts'
import { idsOf } from '../roster.ts'
import { ascending } from '../session.ts'
import { setHash } from '../transcript.ts'
import { fewKnown } from './check-roster.ts'
import { inbound } from './inbound.ts'
import type { ClientContext, ClientState, Confirmed, Masked, Transition } from './state.ts'

/** Step R3: checks who is left, overall and in each bucket, and signs it. A client signs one list of survivors in a session. */
export function confirmSurvivors(
  context: ClientContext,
  state: ClientState,
  broadcast: unknown,
): Transition<Confirmed> {
  if (state.phase !== 'masked') return { ok: false, refusal: refuse('wrong-phase') }
  const { crypto, signingKey } = context
  const received = inbound(survivorsBroadcastSchema, broadcast, configHashOf(crypto, state.configuration))
  if (!received.ok) return received
  const { survivors } = received.value
  const refusal = checkSurvivors(context, state, survivors)
  if (refusal !== undefined) return { ok: false, refusal }
  const confirmed: Confirmed = { ...state, phase: 'confirmed', survivors }
  const message = signMessage(signingKey, 'survivors', survivorsPayload(context, confirmed, state.client))
  return { ok: true, state: confirmed, message }
}

/** What `client` signs when it was shown the same members and survivors as the owner of this state. */
export function survivorsPayload(
  { crypto }: Pick<ClientContext, 'crypto'>,
  {
    rosterHash,
    rows,
    members,
    survivors,
  }: Omit<Confirmed, 'phase' | 'client' | 'index' | 'opened' | 'buckets' | 'held'>,
  client: string,
): SurvivorsPayload {
  return {
    v: 1,
    roster: rosterHash,
    client,
    members: toHex(setHash(crypto, idsOf(rows, members))),
    survivors: toHex(setHash(crypto, idsOf(rows, survivors))),
  }
}

function checkSurvivors(
  { policy }: ClientContext,
  { configuration, rows, index, members, buckets }: Masked,
  survivors: readonly number[],
): Refusal | undefined {
  const present = new Set(members)
  if (!ascending(survivors, rows.length) || !survivors.every((one) => present.has(one))) {
    return refuse('wrong-survivors')
  }
  if (!survivors.includes(index)) return refuse('not-a-survivor')
  const { minimum } = configuration
  if (survivors.length < minimum) return refuse('too-few-survivors', `${survivors.length} of at least ${minimum}`)
  const few = fewKnown(
    survivors.map((one) => rows[one] as RosterRow),
    policy,
    policy.minKnown,
  )
  if (few !== undefined || configuration.buckets === null) return few
  const { minSurvivors } = configuration.buckets
  const left = new Set(survivors)
  for (const [b, bucket] of buckets.entries()) {
    const open = bucket.filter((one) => left.has(one))
    if (open.length > 0 && open.length < minSurvivors) {
      return refuse('too-few-survivors', `${open.length} of at least ${minSurvivors} in bucket ${b}`)
    }
    if (!open.includes(index)) continue
    const mates = open.map((one) => rows[one] as RosterRow)
    const strangers = fewKnown(mates, policy, policy.buckets.minKnown)
    if (strangers !== undefined) return strangers
  }
  return undefined
}

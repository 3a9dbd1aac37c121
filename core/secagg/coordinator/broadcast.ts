import {
  type Broadcast,
  type ConfirmationsBroadcast,
  type MembersBroadcast,
  type RosterBroadcast,
  SEALED_CHARACTERS,
  type SurvivorsBroadcast,
} from '../messages.ts'
import { sessionTopology } from '../session.ts'
import type { CoordinatorContext, CoordinatorState, Receiving } from './state.ts'

/**
 * What a client gets at the beginning of the present step, or undefined when the step does not concern it: the roster, the
 * members with what they sealed for this client, the survivors, the confirmations. The same as often as it is asked.
 */
export function broadcastFor(
  context: CoordinatorContext,
  state: CoordinatorState,
  client: string,
): Broadcast | undefined {
  const index = state.phase === 'advertise' ? -1 : state.rows.findIndex((row) => row.client === client)
  if (index < 0) return undefined
  const { config } = state
  switch (state.phase) {
    case 'advertise':
      return undefined
    case 'share': {
      const { coin, beacon } = state.opened
      return { v: 1, config, kind: 'roster', rows: [...state.rows], coin, beacon } satisfies RosterBroadcast
    }
    case 'input':
      return state.members.includes(index) ? membersFor(context, state, index) : undefined
    case 'survivors': {
      if (!state.survivors.includes(index)) return undefined
      return { v: 1, config, kind: 'survivors', survivors: [...state.survivors] } satisfies SurvivorsBroadcast
    }
    case 'unmask': {
      if (state.confirmations[index] === undefined) return undefined
      const signers = state.survivors.filter((one) => state.confirmations[one] !== undefined)
      const signatures = signers.map((signer) => state.confirmations[signer] ?? '')
      return { v: 1, config, kind: 'confirmations', signers, signatures } satisfies ConfirmationsBroadcast
    }
  }
}

function membersFor({ crypto }: CoordinatorContext, state: Receiving, index: number): MembersBroadcast {
  const { config, members, shares } = state
  const topology = sessionTopology(crypto, state)
  const present = new Set(members)
  const sealed = topology
    .holdersOf(index)
    .filter((dealer) => dealer !== index && present.has(dealer))
    .map((dealer) => {
      const from = SEALED_CHARACTERS * topology.placeOf(dealer, index)
      return shares[dealer]?.sealed.slice(from, from + SEALED_CHARACTERS) ?? ''
    })
  const coins = members.map((member) => shares[member]?.coin ?? '')
  return { v: 1, config, kind: 'members', members: [...members], coins, sealed: sealed.join('') }
}

/** The bucket whose running sum takes this client's vector; undefined for clients that are no members. */
export function bucketOf(state: CoordinatorState, client: string): number | undefined {
  if (state.phase === 'advertise' || state.phase === 'share') return undefined
  const index = state.rows.findIndex((row) => row.client === client)
  const bucket = state.buckets.findIndex((members) => members.includes(index))
  return bucket < 0 ? undefined : bucket
}

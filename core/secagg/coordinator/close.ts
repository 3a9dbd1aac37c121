import { toHex } from '../../encoding/bytes.ts'
import { bucketSeed, bucketsOf, survivorsOf } from '../buckets.ts'
import { bytes32 } from '../bytes32.ts'
import { idsOf, rosterHashOf, sortedRows } from '../roster.ts'
import { chanceOf } from '../session.ts'
import { setHash } from '../transcript.ts'
import type {
  Advertising,
  Confirming,
  CoordinatorContext,
  CoordinatorState,
  Receiving,
  SessionFailure,
  Sharing,
  Unmasking,
} from './state.ts'

export type Closed =
  | { readonly ok: true; readonly state: CoordinatorState }
  | { readonly ok: false; readonly failure: SessionFailure }

/**
 * Ends the present step with what came, and begins the next one; what each client gets then is `broadcastFor`. The last step
 * ends with `planUnmasking`. `beacon` is the value, 32 bytes in hex, of the beacon that the configuration names, read after
 * the first step; it is of no use later. RangeError in the last step.
 */
export function closePhase(context: CoordinatorContext, state: CoordinatorState, beacon: string | null = null): Closed {
  switch (state.phase) {
    case 'advertise':
      return closeAdvertising(context, state, beacon)
    case 'share':
      return closeSharing(context, state)
    case 'input':
      return closeReceiving(context, state)
    case 'survivors':
      return closeConfirming(state)
    case 'unmask':
      throw new RangeError('the last step ends with the plan of unmasking')
  }
}

/** Clients whose message the present step still waits for; when there are none, it may be closed early. */
export function awaited(state: CoordinatorState): string[] {
  switch (state.phase) {
    case 'advertise':
      return Object.keys(state.identities).filter((client) => !Object.hasOwn(state.adverts, client))
    case 'share':
      return state.rows.filter((_, index) => state.shares[index] === undefined).map(({ client }) => client)
    case 'input':
      return idsOf(
        state.rows,
        state.members.filter((index) => state.inputs[index]?.delivered !== true),
      )
    case 'survivors':
      return idsOf(
        state.rows,
        state.survivors.filter((index) => state.confirmations[index] === undefined),
      )
    case 'unmask':
      return idsOf(
        state.rows,
        state.survivors.filter(
          (index) => state.confirmations[index] !== undefined && state.answers[index] === undefined,
        ),
      )
  }
}

function closeAdvertising(
  { crypto }: CoordinatorContext,
  { configuration, config, coin, adverts }: Advertising,
  beacon: string | null,
): Closed {
  const rows = sortedRows(Object.values(adverts))
  const { graph, minimum } = configuration
  const need = Math.max(minimum, graph.threshold, graph.kind === 'regular' ? graph.degree + 1 : 0)
  if (rows.length < need) return failed('advertise', 'too-few-clients', rows.length, need)
  if ((configuration.beacon === null) !== (beacon === null)) return failed('advertise', 'beacon-missing', 0, 1)
  const state: Sharing = {
    phase: 'share',
    configuration,
    config,
    rows,
    rosterHash: toHex(rosterHashOf(crypto, bytes32(config), rows)),
    opened: { coin, beacon },
    shares: {},
  }
  return { ok: true, state }
}

function closeSharing({ crypto }: CoordinatorContext, state: Sharing): Closed {
  const { configuration, config, rows, rosterHash, opened, shares } = state
  const members = rows.map((_, index) => index).filter((index) => shares[index] !== undefined)
  const need = Math.max(configuration.minimum, configuration.graph.threshold)
  if (members.length < need) return failed('share', 'too-few-clients', members.length, need)
  const coins = members.map((index) => bytes32(shares[index]?.coin ?? ''))
  const seed = bucketSeed(crypto, chanceOf(state), coins)
  const next: Receiving = {
    phase: 'input',
    configuration,
    config,
    rows,
    rosterHash,
    opened,
    members,
    membersHash: toHex(setHash(crypto, idsOf(rows, members))),
    buckets: bucketsOf(crypto, seed, members, configuration.buckets?.size ?? members.length),
    shares,
    inputs: {},
  }
  return { ok: true, state: next }
}

function closeReceiving({ crypto }: CoordinatorContext, state: Receiving): Closed {
  const { configuration, rows, members, buckets, inputs } = state
  const present = new Set(members.filter((index) => inputs[index]?.delivered === true))
  const survivors = survivorsOf(buckets, present, configuration.buckets?.minSurvivors ?? configuration.minimum)
  if (survivors.length === 0 && configuration.buckets !== null) {
    return failed('input', 'no-bucket-left', present.size, configuration.buckets.minSurvivors)
  }
  const need = Math.max(configuration.minimum, configuration.graph.threshold)
  if (survivors.length < need) {
    const have = configuration.buckets === null ? present.size : survivors.length
    return failed('input', 'too-few-clients', have, need)
  }
  const { phase: _phase, shares: _shares, inputs: _inputs, ...membered } = state
  const next: Confirming = {
    ...membered,
    phase: 'survivors',
    survivors,
    survivorsHash: toHex(setHash(crypto, idsOf(rows, survivors))),
    confirmations: {},
  }
  return { ok: true, state: next }
}

function closeConfirming(state: Confirming): Closed {
  const need = state.configuration.graph.threshold
  const have = Object.keys(state.confirmations).length
  if (have < need) return failed('survivors', 'too-few-confirmations', have, need)
  const next: Unmasking = { ...state, phase: 'unmask', answers: {} }
  return { ok: true, state: next }
}

function failed(phase: SessionFailure['phase'], reason: SessionFailure['reason'], have: number, need: number): Closed {
  return { ok: false, failure: { phase, reason, have, need } }
}

import { sealedLength } from '../../core/crypto/seal.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { Aggregation } from '../../core/plan/aggregation.ts'
import type { UpdateHeader } from '../../core/run/update-header.ts'
import { screenSamples } from '../aggregation/screen.ts'
import type { Collecting, RunState } from './state.ts'
import { excluded } from './window.ts'

export type Admission = { readonly kind: 'open'; readonly state: Collecting } | { readonly kind: 'accepted-before' }

/**
 * Whether an update may come in, by its signed header alone: before a byte of it is stored. Throws the named refusal.
 * An update that was accepted before is accepted again, so that a client whose receipt got lost learns of it.
 */
export function admitUpdate(
  state: RunState,
  client: string,
  header: UpdateHeader,
  screens: Aggregation['screens'],
): Admission {
  if (header.client !== client) throw new ParleyError('auth.identity-mismatch')
  if (
    acceptedIn(state, header.round).some((update) => update.client === client && update.header.sha256 === header.sha256)
  ) {
    return { kind: 'accepted-before' }
  }
  if (header.round !== state.round || state.phase !== 'collecting') throw closed(state, header)
  if (!state.cohort.includes(client)) throw new ParleyError('update.not-selected')
  if (state.accepted.some((update) => update.client === client)) throw new ParleyError('update.duplicate')
  if (excluded(state).has(client)) throw new ParleyError('update.too-many-refused')
  if (header.model !== state.model.digest)
    throw new ParleyError('update.stale', 'the update was trained from other weights')
  if (header.layout !== state.settings.layout) throw new ParleyError('update.layout-mismatch')
  const expected = sealedLength(4 * state.settings.parameters)
  if (header.bytes !== expected) {
    throw new ParleyError(
      'upload.length-invalid',
      `a sealed update of this layout has ${expected} bytes, not ${header.bytes}`,
    )
  }
  screenSamples(screens, header.samples)
  return { kind: 'open', state }
}

function acceptedIn(state: RunState, round: number) {
  if (round === state.round && 'accepted' in state) return state.accepted
  return state.history.find((record) => record.round === round)?.accepted ?? []
}

function closed(state: RunState, header: UpdateHeader): ParleyError {
  const over = header.round === state.round || state.history.some(({ round }) => round === header.round)
  if (over) return new ParleyError('update.late')
  return new ParleyError('update.stale', `the update is for round ${header.round}, the run is in round ${state.round}`)
}

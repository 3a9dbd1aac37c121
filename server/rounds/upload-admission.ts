import { sealedLength } from '../../core/crypto/seal.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { Aggregation } from '../../core/plan/aggregation.ts'
import type { UpdateHeader } from '../../core/run/update-header.ts'
import { vectorBytes } from '../../core/secagg/index.ts'
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
  checkMode(state, client, header)
  checkRecords(state.settings, header)
  const expected = sealedLength(plainBytesOf(state.settings))
  if (header.bytes !== expected) {
    throw new ParleyError(
      'upload.length-invalid',
      `a sealed update of this layout has ${expected} bytes, not ${header.bytes}`,
    )
  }
  screenSamples(screens, header.samples)
  return { kind: 'open', state }
}

/** Bytes of an update before it is sealed: its values, or the lanes of a masked vector. */
export function plainBytesOf({ parameters, masked }: RunState['settings']): number {
  return masked === undefined ? 4 * parameters : vectorBytes({ ...masked, clip: 1, cohort: 1 })
}

/** A masked vector comes from a client that has said which one it will be. */
function checkMode({ settings, masking }: Collecting, client: string, header: UpdateHeader): void {
  const mode = settings.masked === undefined ? 'sealed' : 'masked'
  if (header.mode !== mode) throw new ParleyError('update.stale', `the round takes ${mode} updates`)
  if (masking === undefined) return
  const { session } = masking
  const index = session.phase === 'input' ? session.rows.findIndex((row) => row.client === client) : -1
  const announced = session.phase === 'input' ? session.inputs[index]?.digest : undefined
  if (announced === undefined || announced !== header.vector) {
    throw new ParleyError('update.not-selected', 'the masked vector was not announced in this step of the round')
  }
}

/** What rows cost is told by their client alone; here is seen that it is told, and within what the plan allows. */
function checkRecords({ records: asked }: RunState['settings'], { records: told, loss }: UpdateHeader): void {
  if (asked === undefined && told === undefined) return
  const mismatch = (why: string) => new ParleyError('update.privacy-mismatch', why)
  if (asked === undefined) throw mismatch('the plan hides no rows, and the update says what hiding them cost')
  if (told === undefined) throw mismatch('the plan hides rows, and the update does not say what it cost them')
  if (Number(told.delta) !== asked.delta) throw mismatch(`ε is told at δ = ${told.delta}, asked for is ${asked.delta}`)
  if (Number(loss) !== 0)
    throw mismatch('the update tells the training loss, which is one of the rows that are to be hidden')
  const [epsilon, ofRound] = [Number(told.epsilon), Number(told.epsilonOfRound)]
  if (!Number.isFinite(epsilon) || !Number.isFinite(ofRound)) throw mismatch('the ε that is told is no number')
  if (epsilon > (asked.epsilon ?? Number.MAX_VALUE)) {
    throw mismatch(`the rows have cost ε = ${epsilon}, and the plan allows ${asked.epsilon}`)
  }
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

import { hasAnswered } from '../core/run/listing.ts'
import type { ClientPhase, RunView } from '../core/run/view.ts'
import { countText } from './format.ts'

export const phaseWords: Readonly<Record<ClientPhase, string>> = {
  invited: 'trains',
  sharing: 'shares keys',
  confirming: 'confirms who takes part',
  uploading: 'uploads',
  accepted: 'update accepted',
  refused: 'refused',
  evaluating: 'evaluates',
  evaluated: 'evaluated',
}

/** Where a run stands, as it is read out when it changes: no bytes and no seconds, which change all the time. */
export function progressText({ phase, round, rounds, engaged, paused, outcome }: RunView): string {
  if (phase === 'over') {
    if (outcome === undefined) return 'The run is over.'
    const how = outcome.kind === 'published' ? `published as version ${outcome.version}` : outcome.kind
    return `The run is over: ${how}.`
  }
  const done = engaged.filter(hasAnswered).length
  const pause = paused === undefined ? '' : phase === 'waiting' ? ', paused' : ', then paused'
  const refused = engaged.filter((one) => one.phase === 'refused').length
  const clients = engaged.length === 0 ? '' : `, ${done} of ${countText(engaged.length, 'client')} done`
  return `Round ${round} of ${rounds}, ${phase}${pause}${clients}${refused === 0 ? '' : `, ${refused} refused`}.`
}

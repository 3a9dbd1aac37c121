import { ParleyError } from '../../core/errors/index.ts'

/** What a journal says to an entry that is not the next one of its run. */
export function sequenceConflict(run: string, sequence: number, due: number): ParleyError {
  return new ParleyError('run.conflict', `entry ${sequence} came for the journal of ${run}, and ${due} was due`)
}

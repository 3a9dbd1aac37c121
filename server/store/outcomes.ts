import { ParleyError } from '../../core/errors/index.ts'
import type { OutcomesRecord } from './ports.ts'

type Known = Pick<OutcomesRecord, 'sequence' | 'sha256'>

/**
 * Whether a report is the next of its consumer, after `last`; false where it is the last one again. Throws `outcomes.replayed` and
 * `outcomes.gap`.
 */
export function checkNextOutcomes(last: Known | undefined, { sequence, sha256 }: Known): boolean {
  const next = (last?.sequence ?? 0) + 1
  if (sequence === next) return true
  if (sequence > next) throw new ParleyError('outcomes.gap', `the next report has the number ${next}, not ${sequence}`)
  if (sequence === last?.sequence && sha256 === last.sha256) return false
  throw new ParleyError('outcomes.replayed', `report ${sequence} was taken before; the next has the number ${next}`)
}

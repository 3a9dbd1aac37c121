import { ParleyError } from '../errors/index.ts'
import { evaluationLanes } from '../run/masked-evaluation.ts'
import { defaultLimits } from '../wire/limits.ts'
import type { Plan } from './plan.ts'

/** Names, digests and punctuation around the lanes of a signed evaluation. */
const HEAD_BYTES = 1_000

/** Whether nobody but a client itself sees its counts: the coordinator learns their sum over clients. */
export function isCountedMasked({ evaluation }: Pick<Plan, 'evaluation'>): boolean {
  return evaluation.counts === 'masked'
}

/** Throws `plan.infeasible` where masked counts do not go together with the rest of the plan. */
export function checkEvaluation(plan: Plan): void {
  if (!isCountedMasked(plan)) return
  if (plan.privacy.mode !== 'masked') {
    throw infeasible('evaluation.counts of masked needs privacy.mode masked, which says how many clients a sum hides')
  }
  if (plan.evaluation.trim > 0) {
    throw infeasible('evaluation.trim ranks single clients, whose counts evaluation.counts of masked does not show')
  }
  const [single] = plan.gates.filter(
    (gate) => 'on' in gate && (gate.on === 'worst-client' || gate.on === 'median-client'),
  )
  if (single !== undefined && 'on' in single) {
    throw infeasible(
      `gate ${single.id}: ${single.on} looks at single clients, whose counts evaluation.counts of masked does not show`,
    )
  }
  const bytes = Math.ceil((4 * evaluationLanes(plan, 2) * 4) / 3) + HEAD_BYTES
  if (bytes > defaultLimits.evaluationBytes) {
    throw infeasible(
      `masked counts of this plan take ${bytes} bytes, above ${defaultLimits.evaluationBytes}: have fewer groups`,
    )
  }
}

function infeasible(message: string): ParleyError {
  return new ParleyError('plan.infeasible', message, { details: { section: 'evaluation' } })
}

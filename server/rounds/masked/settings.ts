import { ParleyError } from '../../../core/errors/index.ts'
import { thresholdOf } from '../../../core/plan/check-privacy.ts'
import { durationMs } from '../../../core/plan/duration.ts'
import { maskedEncodingOf } from '../../../core/plan/encoding.ts'
import { cohortSize, type Plan } from '../../../core/plan/plan.ts'
import { bucketSurvivors, DEFAULT_STEP_TIME } from '../../../core/plan/privacy.ts'
import { maskedCoordinates, noiseBoundOf } from '../../../core/plan/round-privacy.ts'
import { MODULUS, type SessionConfiguration } from '../../../core/secagg/index.ts'

/** What the machine needs of a plan whose updates are masked. */
export type MaskedSettings = Pick<
  SessionConfiguration,
  'coordinates' | 'bits' | 'weight' | 'noiseBound' | 'extras' | 'threat' | 'buckets'
> & {
  /** Coordinates are cut to ± this; undefined where they follow the round's clipping norm. */
  readonly range?: number
  /** Milliseconds that clients have for each step but training and upload. */
  readonly stepMs: number
}

/** Throws `plan.infeasible` where the clients' noise has no room in the sums. */
export function maskedSettingsOf(plan: Plan, parameters: number): MaskedSettings | undefined {
  const { privacy } = plan
  if (privacy.mode !== 'masked') return undefined
  const { range, bits, maxWeight } = maskedEncodingOf(plan, cohortSize(plan))
  const { dropout, corrupt, server } = thresholdOf(plan)
  const noiseBound = noiseBoundOf(plan, parameters)
  const cohort = cohortSize(plan)
  if (cohort * maxWeight * (2 ** bits - 1) + 2 * cohort * noiseBound >= MODULUS) {
    throw new ParleyError(
      'plan.infeasible',
      `the noise of ${cohort} clients, up to ${noiseBound} steps each, does not fit into sums below 2³² beside ${bits} bits: lower privacy.encoding.bits, or the multiplier`,
    )
  }
  return {
    coordinates: maskedCoordinates(plan, parameters),
    ...(range === undefined ? {} : { range }),
    bits,
    weight: { min: 1, max: maxWeight },
    noiseBound,
    extras: [],
    threat: { corrupted: corrupt, dropouts: dropout, server },
    buckets:
      privacy.buckets === undefined
        ? null
        : { size: privacy.buckets.size, minSurvivors: bucketSurvivors(privacy.buckets) },
    stepMs: durationMs(privacy.steps ?? DEFAULT_STEP_TIME),
  }
}

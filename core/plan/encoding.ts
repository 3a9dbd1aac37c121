import { nameAndOptions } from './named.ts'
import type { Plan } from './plan.ts'
import { DEFAULT_MAX_WEIGHT, DEFAULT_RANGE } from './privacy.ts'

/** How the updates of a masked round become integers. */
export type MaskedEncoding = {
  /** Coordinates are cut to ± this. */
  readonly range: number
  /** Bits of a quantised coordinate. */
  readonly bits: number
  /** Largest sample weight; 1 where clients weigh equally. */
  readonly maxWeight: number
}

const MOST_BITS = 24
const LANE_BITS = 32

/**
 * The encoding of a plan for cohorts of at most `cohort` clients that each add noise of at most `noiseBound` to a lane: as
 * many bits as a sum has room for, where the plan does not say. Fewer than 1 bit means that there is no room at all.
 */
export function maskedEncodingOf(plan: Plan, cohort: number, noiseBound = 0): MaskedEncoding {
  const { encoding, clip } = plan.privacy
  const [rule, options] = nameAndOptions<string>(plan.aggregation.rule)
  const bySamples = rule === 'mean' && (options as { readonly weights?: string }).weights === 'samples'
  const maxWeight = bySamples ? (encoding?.maxWeight ?? DEFAULT_MAX_WEIGHT) : 1
  const norm = clip !== undefined && 'flat' in clip ? clip.flat.norm : undefined
  return {
    range: encoding?.range ?? norm ?? DEFAULT_RANGE,
    bits: encoding?.bits ?? roomFor(cohort, maxWeight, noiseBound),
    maxWeight,
  }
}

/** The most bits b ≤ 24 with cohort·maxWeight·(2^b − 1) + 2·cohort·noiseBound < 2³². */
export function roomFor(cohort: number, maxWeight: number, noiseBound: number): number {
  const room = 2 ** LANE_BITS - 1 - 2 * cohort * noiseBound
  const bits = Math.floor(Math.log2(room / (cohort * maxWeight) + 1))
  return Math.max(0, Math.min(MOST_BITS, Number.isNaN(bits) ? 0 : bits))
}

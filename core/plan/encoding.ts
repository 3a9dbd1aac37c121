import { nameAndOptions } from './named.ts'
import type { Plan } from './plan.ts'
import { DEFAULT_MAX_WEIGHT, DEFAULT_RANGE } from './privacy.ts'

/** How the updates of a masked round become integers. */
export type MaskedEncoding = {
  /** Coordinates are cut to ± this; absent where it is the clipping norm of the round, which adapts. */
  readonly range?: number
  /** Bits of a quantised coordinate. */
  readonly bits: number
  /** Largest sample weight; 1 where clients weigh equally. */
  readonly maxWeight: number
}

const MOST_BITS = 24
const LANE_BITS = 32

/** Deviations of local noise within which a coordinate is not cut. */
const WIDE = 6

/** Bits where clients add noise, beside which a finer grid would be of no use. */
const NOISY_BITS = 16

/**
 * The encoding of a plan for cohorts of at most `cohort` clients: as many bits as a sum has room for, where the plan does not
 * say. Fewer than 1 bit means that there is no room at all.
 */
export function maskedEncodingOf(plan: Plan, cohort: number): MaskedEncoding {
  const { encoding, clip, noise } = plan.privacy
  const [rule, options] = nameAndOptions<string>(plan.aggregation.rule)
  const bySamples = rule === 'mean' && (options as { readonly weights?: string }).weights === 'samples'
  const maxWeight = bySamples ? (encoding?.maxWeight ?? DEFAULT_MAX_WEIGHT) : 1
  const room = roomFor(cohort, maxWeight, 0)
  const bits = encoding?.bits ?? (noise === undefined ? room : Math.min(room, NOISY_BITS))
  if (encoding?.range !== undefined) return { range: encoding.range, bits, maxWeight }
  // No coordinate is longer than the update.
  if (clip !== undefined && 'flat' in clip) {
    // A client's own noise is the longer part of it.
    const noisy = noise !== undefined && 'local' in noise ? 1 + WIDE * noise.local.multiplier : 1
    return { range: noisy * clip.flat.norm, bits, maxWeight }
  }
  if (clip !== undefined) return { bits, maxWeight }
  return { range: DEFAULT_RANGE, bits, maxWeight }
}

/** The most bits b ≤ 24 with cohort·maxWeight·(2^b − 1) + 2·cohort·noiseBound < 2³². */
export function roomFor(cohort: number, maxWeight: number, noiseBound: number): number {
  const room = 2 ** LANE_BITS - 1 - 2 * cohort * noiseBound
  const bits = Math.floor(Math.log2(room / (cohort * maxWeight) + 1))
  return Math.max(0, Math.min(MOST_BITS, Number.isNaN(bits) ? 0 : bits))
}

import type { RoundPrivacy } from '../../core/plan/round-privacy.ts'
import { addGridGaussian, nextAdaptiveClip, type RandomBytes } from '../../core/privacy/index.ts'
import type { RoundInputs } from './aggregate-updates.ts'

/**
 * The clipping norm of the next round, where it adapts: it follows the share of the updates that were within this one's. The
 * count gets its noise from `randomBytes`, before the model does; masked counts have had theirs.
 */
export function nextClipOf(
  privacy: RoundPrivacy | undefined,
  { accepted, sums }: Pick<RoundInputs, 'accepted' | 'sums'>,
  randomBytes: RandomBytes,
): number | undefined {
  if (privacy?.adaptive === undefined) return undefined
  const { clip, adaptive, noise } = privacy
  const count = Float64Array.of(
    sums === undefined
      ? accepted.reduce((sum, { header }) => sum + (header.unclipped === true ? 0.5 : -0.5), 0)
      : sums.reduce((sum, { unclipped = 0 }) => sum + unclipped, 0),
  )
  if (noise?.kind === 'central') addGridGaussian(count, adaptive.countSigma, randomBytes)
  return nextAdaptiveClip({ clip, rounds: 0 }, adaptive, count[0] as number).clip
}

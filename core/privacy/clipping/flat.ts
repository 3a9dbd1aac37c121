/** Flat clipping: one norm for the whole update. Clip the delta, not the weights, and before noise is added. */

/** What float32 rounding of the scaled coordinates can add to a norm, and more: the clipped vector stays within C. */
const ROUNDING = 2 ** -20

/**
 * The factor that brings a vector of this norm down to at most `clip`; 1 if it is no longer. Accounting is for the norm of
 * all coordinates together: tensors clipped one by one to C each would have a norm of √tensors·C.
 *
 * @throws RangeError unless the norm is finite and the clip norm positive.
 */
export function privateClipFactor(norm: number, clip: number): number {
  if (!(norm >= 0 && Number.isFinite(norm))) throw new RangeError(`a norm of ${norm} cannot be clipped`)
  if (!(clip > 0)) throw new RangeError(`a clip norm is positive, not ${clip}`)
  return norm <= clip ? 1 : (clip / norm) * (1 - ROUNDING)
}

/**
 * Whether an update is within the clip norm, as +½ or −½: centred so that one client moves the sum of these by ½ only. To be
 * taken of the norm **before** clipping; where single norms are not to be seen it is one more masked coordinate.
 */
export function unclippedIndicator(norm: number, clip: number): 0.5 | -0.5 {
  return norm <= clip ? 0.5 : -0.5
}

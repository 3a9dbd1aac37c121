import type { z } from 'zod'
import { defineFrameAttack } from '../attack.ts'
import { coordinatesOptions, replacing } from '../non-finite.ts'

/** Infinity in the update; in ByzFL (`Inf`) in all coordinates. */
export const infinity = defineFrameAttack<z.output<typeof coordinatesOptions>>({
  kind: 'frames',
  options: coordinatesOptions,
  malform: (options) => replacing(options, Number.POSITIVE_INFINITY),
})

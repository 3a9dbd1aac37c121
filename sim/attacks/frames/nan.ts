import type { z } from 'zod'
import { defineFrameAttack } from '../attack.ts'
import { coordinatesOptions, replacing } from '../non-finite.ts'

/** NaN in the update: it must not reach the mean of the others. */
export const nan = defineFrameAttack<z.output<typeof coordinatesOptions>>({
  kind: 'frames',
  options: coordinatesOptions,
  malform: (options) => replacing(options, Number.NaN),
})

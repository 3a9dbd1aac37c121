import { z } from 'zod'
import { defineFrameAttack } from '../attack.ts'

const options = z.strictObject({
  samples: z.int().min(-1e15).max(1e15).default(1_000_000_000).describe('the sample count that is declared'),
})

/** An honest update that claims to come from a huge number of examples, to weigh more than all others in a weighted mean. */
export const hugeSampleCount = defineFrameAttack<z.output<typeof options>>({
  kind: 'frames',
  options,
  malform: ({ samples }) => ({ samples }),
})

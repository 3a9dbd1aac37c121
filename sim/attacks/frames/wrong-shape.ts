import { z } from 'zod'
import { defineFrameAttack } from '../attack.ts'

const options = z.strictObject({})

/** An update of another model: its tensors are not those of the layout. */
export const wrongShape = defineFrameAttack<z.output<typeof options>>({
  kind: 'frames',
  options,
  malform: () => ({ layout: 'other' }),
})

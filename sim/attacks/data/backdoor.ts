import { z } from 'zod'
import { defineDataAttack } from '../attack.ts'
import { triggerOptions, triggerProbe, withTrigger } from '../trigger.ts'

const options = triggerOptions.extend({
  boost: z.number().positive().max(1e6).default(1).describe('by which the trained update is multiplied'),
})

/**
 * Backdoor: a share of the attacker's rows carries a trigger (a bright square in a corner of an image, fixed values in a table)
 * and the target's label, so that the model learns to answer the trigger with the target and the rest as before.
 * Gu, Dolan-Gavitt and Garg, BadNets, 2017; in federations Bagdasaryan et al., AISTATS 2020.
 */
export const backdoor = defineDataAttack<z.output<typeof options>>({
  kind: 'data',
  options,
  poison: withTrigger,
  scale: ({ boost }) => boost,
  probe: triggerProbe,
})

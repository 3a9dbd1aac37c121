import type { z } from 'zod'
import { defineDataAttack } from '../attack.ts'
import { triggerOptions, triggerProbe, withTrigger } from '../trigger.ts'

/**
 * Model replacement: a backdoor whose update is multiplied by n/m, so that the mean over n clients, m of them attackers, moves
 * by the whole of it: near convergence, when honest updates cancel out, the attacker's model replaces the global one.
 * Bagdasaryan, Veit, Hua, Estrin and Shmatikov, How to backdoor federated learning, AISTATS 2020.
 */
export const modelReplacement = defineDataAttack<z.output<typeof triggerOptions>>({
  kind: 'data',
  options: triggerOptions,
  poison: withTrigger,
  scale: (_, { clients, attackers }) => clients / Math.max(1, attackers),
  probe: triggerProbe,
})

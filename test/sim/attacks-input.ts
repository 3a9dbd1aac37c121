/** Rounds for attacks: honest updates, an attacker's view of them, and a plan's own pipeline as the coordinator applies it. */
import { decide } from '../../core/aggregation/decide.ts'
import { pipelineOf } from '../../core/aggregation/pipeline.ts'
import { aggregationSchema } from '../../core/plan/aggregation.ts'
import { type Random, randomOf } from '../../core/random/random.ts'
import type { CraftInput } from '../../sim/attacks/attack.ts'
import { type AttackName, attackOf, attackSchema } from '../../sim/attacks/registry.ts'
import { combined, inputOf, mixed } from '../core/aggregation/vectors.ts'
import { reduceColumns } from '../support/reduce-columns.ts'

type Aggregate = NonNullable<CraftInput['aggregate']>

export const floats = (...values: number[]): Float32Array => Float32Array.from(values)

/** What the coordinator makes of updates by a plan's aggregation section. */
export function aggregateOf(aggregation: object): Aggregate {
  const pipeline = pipelineOf(aggregationSchema.parse(aggregation))
  return async (updates) => {
    const { input, rows } = inputOf({ points: updates.map((update) => Float64Array.from(update)) })
    const { result } = decide(pipeline, input)
    return Float32Array.from(
      result.kind === 'combination'
        ? combined(result.coefficients, rows)
        : reduceColumns(mixed(result.mix, rows), result.reduce),
    )
  }
}

/** The view of an attacker who sees these honest updates; the last one stands for its own. */
export function viewOf(honest: readonly Float32Array[], rest: Partial<CraftInput> = {}): CraftInput {
  const attackers = rest.attackers ?? 2
  return {
    size: honest[0]?.length ?? 3,
    own: async () => honest.at(-1) ?? new Float32Array(3),
    honest,
    attackers,
    clients: honest.length + attackers,
    maxNorm: 1000,
    previous: undefined,
    round: 1,
    random: randomOf(1, 'attack'),
    ...rest,
  }
}

/** What an attack of this name sends. */
export async function sent(name: AttackName, options: object, input: CraftInput): Promise<Float32Array> {
  const { attack, options: parsed } = attackOf(attackSchema.parse({ [name]: options }))
  if (attack.kind !== 'update') throw new Error(`${name} crafts no update`)
  return await attack.craft(input, parsed)
}

/** Honest updates that agree by and large, unless `spread` is large. */
export function crowd(random: Random, count: number, size: number, spread = 0.5): Float32Array[] {
  const centre = Float64Array.from({ length: size }, () => random.normal())
  return Array.from({ length: count }, () => Float32Array.from(centre, (value) => value + spread * random.normal()))
}

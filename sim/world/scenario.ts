import { z } from 'zod'
import { ParleyError } from '../../core/errors/index.ts'
import { checkPlan } from '../../core/plan/parse.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { attackSchema } from '../attacks/registry.ts'
import { generatorSchema } from '../data/registry.ts'
import { faultSchema } from '../faults/fault.ts'
import { featureShiftSchema } from '../partition/feature-shift.ts'
import { partitionSchema } from '../partition/registry.ts'

const path = z.string().min(1).max(4_096)

/** Files as the client's loader reads them; with `test` all rows of the first ones are dealt to clients for training. */
const filesSchema = z.union([
  z.strictObject({
    images: path,
    labels: path,
    test: z.strictObject({ images: path, labels: path }).optional(),
  }),
  z.strictObject({ csv: path }),
])

const range = z.union([z.number().min(0), z.tuple([z.number().min(0), z.number().min(0)])])

export const worldSchema = z.strictObject({
  /** Virtual clients, attackers among them: the last ones are the attackers. */
  clients: z.int().min(1).max(100_000),
  data: z.union([z.strictObject({ files: filesSchema }), z.strictObject({ generated: generatorSchema })]),
  partition: partitionSchema.prefault('iid'),
  /** Changes the inputs of each client in its own way. */
  featureShift: featureShiftSchema.optional(),
  attackers: z
    .strictObject({
      count: z.int().min(0).max(100_000),
      attack: attackSchema,
      /** The threat model: what they see besides their own data and what the coordinator sends them. */
      sees: z.enum(['own', 'updates']).default('own'),
    })
    .optional(),
  faults: z.array(faultSchema).max(100).default([]),
  network: z
    .strictObject({
      /** One way, in virtual milliseconds; of a range each frame draws its own. */
      latencyMs: range.default(0),
      /** Of each client's line, both ways; absent is without end. */
      bytesPerSecond: z.number().positive().optional(),
    })
    .prefault({}),
  devices: z
    .strictObject({
      /** Training steps in a virtual second; of a range each client draws its own. Absent: training takes no time. */
      stepsPerSecond: range.optional(),
    })
    .prefault({}),
  /** Every how many rounds the model is evaluated on the whole test set, by the simulator itself; 0 is never. */
  evaluateEvery: z.int().min(0).max(1_000_000).default(1),
  seed: z.int().min(0).max(0xffff_ffff).default(1),
})
export type WorldPlan = z.infer<typeof worldSchema>

const scenarioSchema = z.strictObject({
  /** Version of this format. */
  scenario: z.literal(1),
  description: z.string().max(10_000).optional(),
  /** A plan as production takes it, without its clients' data. */
  plan: z.unknown(),
  world: worldSchema,
})

export type Scenario = { readonly description?: string; readonly plan: Plan; readonly world: WorldPlan }

/** Checks a value that may be a scenario. Throws `plan.invalid` or `plan.infeasible`, naming the field. */
export function checkScenario(value: unknown): Scenario {
  const result = scenarioSchema.safeParse(value)
  if (!result.success) {
    const words = result.error.issues.map(({ path, message }) => `${path.join('.') || 'scenario'}: ${message}`)
    throw new ParleyError('plan.invalid', words.join('; '))
  }
  const { plan: text, world, description } = result.data
  const plan = checkPlan(text)
  const attackers = world.attackers?.count ?? 0
  if (attackers >= world.clients) {
    throw new ParleyError(
      'plan.invalid',
      `world.attackers.count: ${attackers} of ${world.clients} clients are attackers`,
    )
  }
  if (plan.window.count.min > world.clients) {
    throw new ParleyError(
      'plan.invalid',
      `plan.window.count.min: ${plan.window.count.min} updates are wanted of ${world.clients} clients (world.clients)`,
    )
  }
  return { plan, world, ...(description === undefined ? {} : { description }) }
}

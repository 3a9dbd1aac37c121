import { z } from 'zod'
import type { RuleTable } from '../../core/aggregation/rule.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { modelEnds } from '../../core/plan/data.ts'
import { checkPlan } from '../../core/plan/parse.ts'
import { type Plan, planSchema, planSchemaOf } from '../../core/plan/plan.ts'
import { attackSchema } from '../attacks/registry.ts'
import { generatorSchema } from '../data/registry.ts'
import { faultSchema } from '../faults/fault.ts'
import { featureShiftSchema } from '../partition/feature-shift.ts'
import { groupingOf } from '../partition/partitioners/natural.ts'
import { partitionSchema } from '../partition/registry.ts'
import { knownRules, type RuleOptions } from '../rules/own-rules.ts'
import { explained } from './explain.ts'
import { membersOf } from './hold-out.ts'

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

const twoNumbers = z
  .tuple([z.number().min(0), z.number().min(0)])
  .refine(([least, most]) => least <= most, { message: 'the first number is above the second', path: [0] })
const range = z.union([z.number().min(0), twoNumbers], { error: 'a number from 0 on, or two: [least, most]' })

export const worldSchema = z.strictObject({
  /** Virtual clients, attackers among them: the last ones are the attackers. */
  clients: z.int().min(1).max(100_000),
  data: z.union([z.strictObject({ files: filesSchema }), z.strictObject({ generated: generatorSchema })]),
  partition: partitionSchema.prefault('iid'),
  /** Cross-validation over clients: those of one fold do not train, and the model is evaluated on all of their rows. */
  holdOut: z
    .strictObject({ folds: z.int().min(2).max(100_000), fold: z.int().min(1).max(100_000) })
    .refine(({ folds, fold }) => fold <= folds, { message: 'there are not so many folds', path: ['fold'] })
    .optional(),
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
  plan: planSchema,
  world: worldSchema,
})

export type Scenario = { readonly description?: string; readonly plan: Plan; readonly world: WorldPlan }

let jsonSchema: object | undefined

/** The schema of what a person writes into a scenario file, before defaults. */
export function scenarioJsonSchema({ rules }: RuleOptions = {}): object {
  const known = knownRules(rules)
  if (known !== undefined) return jsonSchemaOf(schemaOf(known))
  jsonSchema ??= jsonSchemaOf(scenarioSchema)
  return jsonSchema
}

function schemaOf(rules: RuleTable | undefined): typeof scenarioSchema {
  return rules === undefined ? scenarioSchema : scenarioSchema.extend({ plan: planSchemaOf(rules) })
}

function jsonSchemaOf(schema: z.ZodType): object {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
}

/**
 * Checks a value that may be a scenario. Throws `plan.invalid` or `plan.infeasible`, naming every wrong field by its path from the
 * scenario's root.
 *
 * - `rules`: rules of one's own that the plan may name besides those of the registry.
 */
export function checkScenario(value: unknown, options: RuleOptions = {}): Scenario {
  const rules = knownRules(options.rules)
  const result = schemaOf(rules).safeParse(value)
  if (!result.success) {
    throw invalid(explained(result.error.issues, value, scenarioJsonSchema(options), 'scenario').join('; '))
  }
  const { world, description } = result.data
  const plan = checkedPlan(result.data.plan, rules)
  checkClients(plan, world)
  checkGrouping(plan, world)
  return { plan, world, ...(description === undefined ? {} : { description }) }
}

/** What does not go together in a plan is a matter of its privacy, its aggregation, or of its model and its data. */
function checkedPlan(parsed: Plan, rules: RuleTable | undefined): Plan {
  try {
    const plan = checkPlan(parsed, { rules })
    modelEnds(plan.model, plan.data)
    return plan
  } catch (failure) {
    const { code, message, details } = ParleyError.from(failure)
    const aggregation = details?.section === 'privacy' ? '' : `.aggregation${partOf(parsed, message)}`
    const where = code === 'plan.infeasible' ? `plan${aggregation}: ` : 'plan.'
    throw new ParleyError(code, `${where}${message}`, { cause: failure })
  }
}

/** Messages of the aggregation begin with the name of the rule or of the stage. */
function partOf({ aggregation }: Plan, message: string): string {
  const [name = ''] = message.split(' ')
  if (name in aggregation.rule) return '.rule'
  const stage = aggregation.before.findIndex((before) => name in before)
  return stage < 0 ? '' : `.before.${stage}`
}

function checkClients(plan: Plan, world: WorldPlan): void {
  const attackers = world.attackers?.count ?? 0
  if (attackers >= world.clients) {
    throw invalid(`world.attackers.count: ${attackers} of ${world.clients} clients are attackers`)
  }
  const training = membersOf(world).train.length
  const { min } = plan.window.count
  if (min <= training) return
  const who = world.holdOut === undefined ? 'clients (world.clients)' : 'clients that are not held out (world.holdOut)'
  throw invalid(`plan.window.count.min: ${min} updates are wanted of ${training} ${who}`)
}

/** By what rows belong together must come from a file, and must not be what the model learns from. */
function checkGrouping(plan: Plan, { partition, data }: WorldPlan): void {
  if (!('natural' in partition)) return
  const { natural } = partition
  if ('generated' in data)
    throw invalid('world.partition.natural: generated data have nothing to go by; give data.files')
  if (natural.file !== undefined) return
  if (!('csv' in plan.data)) throw invalid('world.partition.natural: images have no columns; give a file of client ids')
  const { columns } = plan.data.csv
  const column = groupingOf(natural)
  const at = columns.findIndex(({ name, type }) => name === column && (type === 'number' || type === 'category'))
  if (at < 0) return
  throw invalid(
    `world.partition.natural.column: ${column} is an input of the model (plan.data.csv.columns.${at}); give it type drop there`,
  )
}

function invalid(message: string): ParleyError {
  return new ParleyError('plan.invalid', message)
}

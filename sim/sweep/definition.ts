import { z } from 'zod'
import { ParleyError } from '../../core/errors/index.ts'
import { nameAndOptions, namedOf } from '../../core/plan/named.ts'
import { knownRules, type OwnRules, type RuleOptions } from '../rules/own-rules.ts'
import { type Axis, axisOf } from './axes.ts'
import { type Goal, type SweepMetric, sweepMetrics, usualGoal } from './metric.ts'
import { checkValues } from './values.ts'

const points = z.int().min(1).max(100_000)
const seed = z.int().min(0).max(0xffff_ffff)

const searches = {
  grid: { options: z.strictObject({}) },
  random: { options: z.strictObject({ points, seed: seed.default(1) }) },
  bayes: {
    options: z
      .strictObject({
        points: points.max(500),
        start: points.default(5).describe('points that are spread out before the model proposes any'),
        batch: z.int().min(1).max(64).default(1).describe('points that the model proposes at once'),
        seed: seed.default(1),
      })
      .refine(({ points, start }) => start <= points, { message: 'start is above points', path: ['start'] }),
  },
} as const

export type SearchOptions =
  | { readonly kind: 'grid' }
  | ({ readonly kind: 'random' } & z.output<typeof searches.random.options>)
  | ({ readonly kind: 'bayes' } & z.output<typeof searches.bayes.options>)

const sweepSchema = z.strictObject({
  /** Version of this format. */
  sweep: z.literal(1),
  description: z.string().max(10_000).optional(),
  scenario: z.record(z.string(), z.unknown()),
  vary: z.record(z.string().min(1).max(200), z.unknown()),
  labels: z.record(z.string(), z.array(z.string().min(1).max(200))).default({}),
  search: namedOf(searches).prefault('grid'),
  seeds: z.array(seed).min(1).max(1_000).optional(),
  metric: z.enum(sweepMetrics).default('accuracy'),
  /** Whether more of the metric is better; by default what somebody wants who defends the training. */
  goal: z.enum(['max', 'min']).optional(),
  /** Which round's figure counts: the last evaluated one's, or the best. */
  at: z.enum(['last', 'best']).default('last'),
  aggregate: z
    .union([z.literal('mean'), z.strictObject({ 'worst-over': z.string() })], {
      error: 'mean, or { worst-over: <axis> }',
    })
    .default('mean'),
})

/** Points of a space of scenarios, and how they are compared. */
export type Sweep = {
  readonly description?: string
  /** What every point starts from, as a person writes it, its plan inline. */
  readonly base: object
  /** Rules that its scenarios may name besides those of the registry. */
  readonly rules?: OwnRules | undefined
  readonly axes: readonly Axis[]
  readonly search: SearchOptions
  /** Each point is run with each of them, as the seed of its plan and of its world; absent: with the scenario's own. */
  readonly seeds?: readonly number[]
  readonly metric: SweepMetric
  readonly goal: Goal
  readonly at: 'last' | 'best'
  /** The axis over whose values the worst counts. */
  readonly worstOver?: string
}

/**
 * Checks a value that may be a sweep, its scenario inline. Throws `plan.invalid`, naming the field: also for a path that no
 * scenario has, and for a value that is wrong whatever the other axes say.
 *
 * - `rules`: rules of one's own that its scenarios may name besides those of the registry.
 */
export function checkSweep(value: unknown, options: RuleOptions = {}): Sweep {
  const result = sweepSchema.safeParse(value)
  if (!result.success) {
    const words = result.error.issues.map(({ path, message }) => `${path.join('.') || 'sweep'}: ${message}`)
    throw new ParleyError('plan.invalid', words.join('; '))
  }
  const { sweep: _sweep, scenario, vary, labels, search, seeds, metric, goal, at, aggregate, description } = result.data
  const stray = Object.keys(labels).find((name) => !Array.isArray(vary[name]))
  if (stray !== undefined) throw new ParleyError('plan.invalid', `labels.${stray}: vary has no list of values there`)
  const rules = knownRules(options.rules)
  const axes = Object.entries(vary).map(([name, written]) => axisOf(name, written, labels[name], options))
  if (axes.length === 0) throw new ParleyError('plan.invalid', 'vary: give at least one axis')
  checkOverlap(axes, seeds)
  const sweep: Sweep = {
    base: scenario,
    ...(rules === undefined ? {} : { rules: options.rules }),
    axes,
    search: searchOptions(search),
    metric,
    goal: goal ?? usualGoal(metric),
    at,
    ...(description === undefined ? {} : { description }),
    ...(seeds === undefined ? {} : { seeds: [...new Set(seeds)] }),
    ...(aggregate === 'mean' ? {} : { worstOver: aggregate['worst-over'] }),
  }
  checkAxes(sweep)
  checkValues(sweep)
  return sweep
}

function searchOptions(named: object): SearchOptions {
  const [kind, options] = nameAndOptions<SearchOptions['kind']>(named)
  // The schema has matched the options to the name.
  return { kind, ...(options as object) } as SearchOptions
}

function checkAxes({ axes, search, worstOver }: Sweep): void {
  const range = axes.find(({ kind }) => kind === 'range')
  if (search.kind === 'grid' && range !== undefined) {
    throw new ParleyError(
      'plan.invalid',
      `vary.${range.name}: a grid takes a list of values; a range is for search random or bayes`,
    )
  }
  if (worstOver === undefined) return
  const axis = axes.find(({ name }) => name === worstOver)
  if (axis?.kind !== 'choices') {
    throw new ParleyError(
      'plan.invalid',
      `aggregate.worst-over: ${worstOver} is no axis with a list of values in vary: ${axes.map(({ name }) => name).join(', ')}`,
    )
  }
  if (axes.length === 1) throw new ParleyError('plan.invalid', 'aggregate.worst-over: it is the only axis of vary')
}

/** No two axes may set the same field, or a part of what the other sets: the later one would win without a word. */
function checkOverlap(axes: readonly Axis[], seeds: readonly number[] | undefined): void {
  const set = axes.flatMap((axis) => pathsOf(axis).map((path) => ({ axis: `vary.${axis.name}`, path })))
  if (seeds !== undefined) {
    set.push({ axis: 'seeds', path: 'plan.seed' }, { axis: 'seeds', path: 'world.seed' })
  }
  for (const one of set) {
    const other = set.find(({ axis, path }) => axis !== one.axis && `${path}.`.startsWith(`${one.path}.`))
    if (other !== undefined) {
      throw new ParleyError('plan.invalid', `${other.axis}: it sets ${other.path}, and so does ${one.axis}`)
    }
  }
}

function pathsOf(axis: Axis): string[] {
  if (axis.kind === 'range') return [axis.name]
  return [...new Set(axis.choices.flatMap(({ settings }) => settings.map(([path]) => path)))]
}

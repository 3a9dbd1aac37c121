import { ParleyError } from '../../core/errors/index.ts'
import { headlineOf, type MetricName, type Metrics } from '../../core/metrics/metrics.ts'
import type { SimulationEvent, SimulationResult } from '../results.ts'
import type { RuleOptions } from '../rules/own-rules.ts'
import { type SimulateOptions, scenarioDigest, simulate } from '../simulate.ts'
import { membersOf } from '../world/hold-out.ts'
import { checkScenario, type Scenario } from '../world/scenario.ts'

export type CrossValidateOptions = Omit<SimulateOptions, 'onEvent'> & {
  /** From 2 to the number of honest clients; with as many as these, each of them is held out alone. */
  readonly folds: number
  /** What the simulation of a fold tells while it goes on. */
  readonly onEvent?: (event: SimulationEvent, fold: number) => void
  /** A fold is done; the next one begins when this resolves. */
  readonly onFold?: (fold: FoldResult) => Promise<void> | void
}

/** One simulation, in which the clients of one fold did not train. */
export type FoldResult = {
  /** From 1 on. */
  readonly fold: number
  readonly heldOut: readonly string[]
  /** Of the last evaluated round: on all rows of the clients that are held out, and on the held-out rows of those that trained. */
  readonly outside?: Metrics
  readonly inside?: Metrics
  /** The scenario by which `simulate` gives the same result. */
  readonly scenario: Scenario
  readonly result: SimulationResult
}

/** Mean and standard deviation of a sample of folds. */
export type FoldSpread = {
  /** Null where no fold has the metric. */
  readonly mean: number | null
  /** Absent for less than two folds; squares are divided by one less than there are folds. */
  readonly deviation?: number
  /** Folds that have it. */
  readonly folds: number
}

export type CrossValidation = {
  /** Digest of the scenario without any fold held out. */
  readonly scenario: string
  readonly description?: string
  readonly folds: readonly FoldResult[]
  /** How the model does at clients that had no part in its training, and at those that had. */
  readonly metrics: readonly {
    readonly metric: MetricName
    readonly outside: FoldSpread
    readonly inside: FoldSpread
  }[]
}

/**
 * Cross-validation over clients: each honest client is held out in exactly one of the folds, and evaluated there on all of its rows.
 * One simulation after the other; the result does not depend on the number of workers. Throws `plan.infeasible` where there are
 * fewer honest clients than folds, or where those that are left are too few for the plan's rule, and otherwise as `simulate` does.
 */
export async function crossValidate(scenario: Scenario, options: CrossValidateOptions): Promise<CrossValidation> {
  const { folds: count, onEvent, onFold, ...rest } = options
  // All of them before any is run: the last folds may be larger than the first.
  const scenarios = Array.from({ length: foldCount(count) }, (_, i) => withFold(scenario, count, i + 1, options))
  const folds: FoldResult[] = []
  for (const [i, own] of scenarios.entries()) {
    const fold = i + 1
    const done = foldOf(fold, own, await simulate(own, { ...rest, onEvent: (event) => onEvent?.(event, fold) }))
    folds.push(done)
    await onFold?.(done)
  }
  const { description } = scenario
  return {
    scenario: scenarioDigest(scenario),
    ...(description === undefined ? {} : { description }),
    folds,
    metrics: headlineOf(folds.flatMap(({ outside, inside }) => [outside, inside])).map((metric) => ({
      metric,
      outside: spreadOf(folds.map((fold) => fold.outside?.[metric])),
      inside: spreadOf(folds.map((fold) => fold.inside?.[metric])),
    })),
  }
}

function foldCount(folds: number): number {
  if (Number.isInteger(folds) && folds >= 2 && folds <= 100_000) return folds
  throw new ParleyError('plan.infeasible', `folds: ${folds} is not a whole number from 2 on`)
}

/**
 * A scenario with one of its folds held out, counted from 1. A window that asks for more clients than are left asks for all of them.
 * Throws `plan.infeasible` where these are too few.
 */
export function withFold(scenario: Scenario, folds: number, fold: number, { rules }: RuleOptions = {}): Scenario {
  const world = { ...scenario.world, holdOut: { folds, fold } }
  const left = membersOf(world).train.length
  const { plan } = scenario
  const atMost = <Count extends object>(count: Count) =>
    Object.fromEntries(Object.entries(count).map(([name, value]) => [name, Math.min(left, value as number)]))
  const window = { ...plan.window, count: atMost(plan.window.count) }
  const evaluation = {
    ...plan.evaluation,
    window: { ...plan.evaluation.window, count: atMost(plan.evaluation.window.count) },
  }
  return checkScenario({ scenario: 1, ...scenario, world, plan: { ...plan, window, evaluation } }, { rules })
}

function foldOf(fold: number, scenario: Scenario, result: SimulationResult): FoldResult {
  const { heldOut = [], outcome } = result
  // What a run had before it failed is not what it came to.
  const rounds = outcome.kind === 'failed' ? [] : result.rounds
  const outside = rounds.findLast(({ central }) => central !== undefined)?.central
  const inside = rounds.findLast(({ pooled }) => pooled !== undefined)?.pooled
  return {
    fold,
    heldOut,
    ...(outside === undefined ? {} : { outside }),
    ...(inside === undefined ? {} : { inside }),
    scenario,
    result,
  }
}

function spreadOf(figures: readonly (number | null | undefined)[]): FoldSpread {
  const known = figures.filter((figure) => typeof figure === 'number' && Number.isFinite(figure)) as number[]
  const folds = known.length
  if (folds === 0) return { mean: null, folds }
  const mean = known.reduce((sum, figure) => sum + figure, 0) / folds
  if (folds === 1) return { mean, folds }
  return {
    mean,
    deviation: Math.sqrt(known.reduce((sum, figure) => sum + (figure - mean) ** 2, 0) / (folds - 1)),
    folds,
  }
}

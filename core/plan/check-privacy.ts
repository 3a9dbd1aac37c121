import { checkFeasible } from '../aggregation/feasible.ts'
import { type Pipeline, pipelineOf } from '../aggregation/pipeline.ts'
import type { RuleTable } from '../aggregation/rule.ts'
import { ParleyError } from '../errors/index.ts'
import { ALWAYS_COMPLETE, chooseGraph } from '../secagg/graph.ts'
import { checkRecords } from './check-records.ts'
import { maskedEncodingOf } from './encoding.ts'
import { cohortSize, type Plan } from './plan.ts'
import { bucketSurvivors } from './privacy.ts'

/** An update in a sum of fewer has nobody to hide among. */
const FEWEST_IN_A_SUM = 3
/** The roster of a larger cohort would not fit into one frame. */
const MOST_MASKED = 1_000

/**
 * Throws `plan.infeasible` where the privacy of a plan does not go together with the rest of it, and says what would.
 * The aggregation of a sealed plan is checked for as many updates as the plan takes, of a masked one for its buckets.
 *
 * - `rules`: all that the plan may name; by default those of the registry.
 */
export function checkPrivacy(plan: Plan, rules?: RuleTable): void {
  const pipeline = pipelineOf(plan.aggregation, rules)
  checkPopulation(plan)
  checkRecords(plan)
  checkNoise(plan, pipeline)
  if (plan.privacy.mode === 'masked') checkMasked(plan, pipeline)
  else checkSealed(plan, pipeline)
}

function checkSealed(plan: Plan, pipeline: Pipeline): void {
  const { threshold, buckets, encoding, steps } = plan.privacy
  const masked = Object.entries({ threshold, buckets, encoding, steps }).find(([, value]) => value !== undefined)
  if (masked !== undefined) throw infeasible(`privacy.${masked[0]} belongs to mode masked; the plan’s mode is sealed`)
  checkFeasible(pipeline, plan.window.count.min)
}

function checkMasked(plan: Plan, pipeline: Pipeline): void {
  const { privacy, training, window } = plan
  const fewest = window.count.min
  if (fewest < FEWEST_IN_A_SUM) {
    throw infeasible(
      `mode masked needs window.count.min of at least ${FEWEST_IN_A_SUM}: a sum of ${fewest} hides nobody`,
    )
  }
  if (training.scaffold !== undefined) {
    throw infeasible('scaffold’s control variates cannot be masked with the update: use mode sealed, or train without')
  }
  const { rule, stages } = pipeline
  if (stages.some(({ name }) => name === 'fednova')) {
    throw infeasible('fednova needs the steps of each client, which mode masked does not show')
  }
  if (privacy.buckets === undefined) {
    if (rule.name !== 'mean' || stages.length > 0) {
      throw infeasible(
        `without privacy.buckets there is one sum, and a mean is all that can be had of it; the plan asks for ${[...stages, rule].map(({ name }) => name).join(' + ')}`,
      )
    }
  } else {
    checkBuckets(plan, pipeline, privacy.buckets)
  }
  if (cohortSize(plan) > MOST_MASKED) {
    throw infeasible(
      `mode masked takes cohorts of at most ${MOST_MASKED} clients; the plan asks for ${cohortSize(plan)}`,
    )
  }
  checkGraph(plan)
  const { bits, maxWeight } = maskedEncodingOf(plan, cohortSize(plan))
  if (cohortSize(plan) * maxWeight * (2 ** bits - 1) >= 2 ** 32 || bits < 4) {
    throw infeasible(
      `${cohortSize(plan)} clients of weight up to ${maxWeight} with ${bits} bits do not fit into sums below 2³²: lower privacy.encoding.bits or maxWeight`,
    )
  }
}

function checkBuckets(plan: Plan, pipeline: Pipeline, buckets: NonNullable<Plan['privacy']['buckets']>): void {
  const { rule } = pipeline
  const { size } = buckets
  if (bucketSurvivors(buckets) > size) throw infeasible('privacy.buckets.survivors is above the size of a bucket')
  const count = Math.floor(plan.window.count.min / size)
  if (count < 1)
    throw infeasible(`a round with ${plan.window.count.min} updates (window.count.min) has no bucket of ${size}`)
  if (rule.rule.perClient === true) {
    throw infeasible(`${rule.name} looks at each client by itself, which mode masked does not show`)
  }
  if ((rule.options as { readonly weights?: string }).weights === 'samples') {
    throw infeasible(`buckets weigh equally: let ${rule.name} weigh all of them equally`)
  }
  try {
    checkFeasible(pipeline, count)
  } catch (failure) {
    if (!(failure instanceof ParleyError)) throw failure
    const sums = `buckets of ${size} make ${count} sums of ${plan.window.count.min} updates, and each attacker may spoil one of them`
    throw infeasible(`${sums}: ${failure.message}`)
  }
}

/** Every cohort that the plan can draw has a threshold that is secure and can be reached. */
function checkGraph(plan: Plan): void {
  const { dropout: dropouts, corrupt: corrupted, server } = thresholdOf(plan)
  const [least, most] = [plan.window.count.min, cohortSize(plan)]
  const sizes = new Set([least, most, ...range(least, Math.min(most, ALWAYS_COMPLETE))])
  for (const clients of sizes) {
    const choice = chooseGraph({ clients, dropouts, corrupted, server })
    if (choice.ok) continue
    throw infeasible(
      `privacy.threshold cannot be had with a cohort of ${clients}: ${choice.why}; lower dropout or corrupt, or raise window.count.min`,
    )
  }
}

/** What a masked plan withstands, with its defaults. */
export function thresholdOf({ privacy }: Plan): {
  dropout: number
  corrupt: number
  server: 'semi-honest' | 'semi-malicious' | 'malicious'
} {
  return privacy.threshold ?? { dropout: 0.1, corrupt: 0, server: 'semi-malicious' }
}

function checkPopulation(plan: Plan): void {
  const { population } = plan.cohort
  if (population !== undefined && population < cohortSize(plan)) {
    throw new ParleyError(
      'plan.infeasible',
      `cohorts of ${cohortSize(plan)} cannot be drawn from a population of ${population}: raise cohort.population, or lower window.count.max or cohort.overselect`,
      { details: { section: 'cohort' } },
    )
  }
}

function checkNoise(plan: Plan, { rule, stages }: Pipeline): void {
  const { mode, clip, noise, budget } = plan.privacy
  if (budget !== undefined && noise === undefined)
    throw infeasible('privacy.budget counts noise, and the plan adds none')
  if (noise === undefined) return
  if (clip === undefined) throw infeasible('privacy.noise hides a bounded update: give privacy.clip')
  if ('distributed' in noise && mode !== 'masked')
    throw infeasible(
      'noise that clients share needs mode masked: a coordinator that sees single updates sees each with a part of it only',
    )
  if ('central' in noise && mode !== 'sealed')
    throw infeasible('in mode masked the clients add the noise: give privacy.noise.distributed')
  if ('distributed' in noise && 'adaptive' in clip && plan.privacy.encoding?.range !== undefined) {
    throw infeasible('with an adaptive norm the range of coordinates follows it: leave privacy.encoding.range out')
  }
  if ('local' in noise && 'adaptive' in clip)
    throw infeasible('with local noise nobody can learn how many updates were clipped: give privacy.clip.flat')
  const mean = rule.name === 'mean' && stages.length === 0
  if ('central' in noise && !mean)
    throw infeasible(`the noise is made for a sum, and ${rule.name} makes none: use the rule mean, or noise.local`)
  if ((rule.options as { readonly weights?: string }).weights === 'samples')
    throw infeasible(
      'with noise all clients weigh equally: what a client says of its rows would change what it may change',
    )
  if (budget !== undefined && budget.delta >= 1 / cohortSize(plan)) {
    throw infeasible(
      `privacy.budget.delta of ${budget.delta} would allow to publish one client of ${cohortSize(plan)}: it must be far below ${1 / cohortSize(plan)}`,
    )
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i)
}

function infeasible(message: string): ParleyError {
  return new ParleyError('plan.infeasible', message, { details: { section: 'privacy' } })
}

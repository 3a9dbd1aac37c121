import { pipelineOf } from '../../core/aggregation/pipeline.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { versionReference } from '../../core/plan/start.ts'
import type { Asked, Facts } from './facts.ts'
import type { Allow, Policy } from './schema.ts'

/** Why a study with `allow` does not allow a plan that bears one of its names, in words with the key that says so. */
export function planProblem(allow: Allow, asked: Asked): string | undefined {
  const { plan, task } = asked
  const [kind = ''] = Object.entries(plan.model).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  const counts = plan.evaluation.counts ?? 'clear'
  return (
    among(kind, allow.models, 'the model is a', 'models') ??
    above(task.parameters, allow.maxParameters, 'parameters', 'maxParameters') ??
    among(plan.privacy.mode, allow.modes, 'the mode is', 'modes') ??
    above(Math.max(plan.rounds, task.rounds), allow.maxRounds, 'rounds', 'maxRounds') ??
    cohortProblem(allow, asked) ??
    ruleProblem(allow, plan) ??
    among(counts, allow.counts, 'evaluation counts are', 'counts') ??
    groupsProblem(allow, plan) ??
    clipProblem(allow, asked) ??
    noiseProblem(allow, plan) ??
    recordsProblem(allow, plan) ??
    startProblem(allow, plan)
  )
}

/** Why a data set may not be used, or is not what the policy says. */
export function dataProblem(policy: Policy, name: string, { plan }: Asked, facts: Facts): string | undefined {
  const data = Object.hasOwn(policy.data, name) ? policy.data[name] : undefined
  if (data === undefined) return `the policy has no data set ${name}`
  const unnamed = data.columns === undefined ? undefined : columnsOf(plan).find((one) => !data.columns?.includes(one))
  if (unnamed !== undefined)
    return `the plan reads the column ${unnamed}, which is not one of those of ${name} (columns)`
  const { loaded } = facts
  if (loaded === undefined) return undefined
  const { train, heldOut } = data.rows
  if (loaded.rows === undefined) return `nothing says how many rows were loaded of ${name} (rows)`
  if (loaded.rows.train < train) return `${name} has fewer than ${train} training rows (rows.train)`
  if (loaded.rows.heldOut < heldOut) return `${name} has fewer than ${heldOut} held-out rows (rows.heldOut)`
  return undefined
}

/** Names of all columns that a plan reads. */
function columnsOf({ data, evaluation }: Plan): string[] {
  const own = 'csv' in data ? data.csv.columns.filter(({ type }) => type !== 'drop').map(({ name }) => name) : []
  return [...own, ...Object.values(evaluation.groups).map(({ column }) => column)]
}

function cohortProblem({ minCohort }: Allow, { plan, task }: Asked): string | undefined {
  if (task.cohort < minCohort) return `a cohort of ${task.cohort}, asked for are ${minCohort} (minCohort)`
  const { min } = plan.window.count
  return min < minCohort ? `${min} updates make a model, asked for are ${minCohort} (minCohort)` : undefined
}

function ruleProblem({ rules }: Allow, plan: Plan): string | undefined {
  const { rule } = pipelineOf(plan.aggregation)
  const names: readonly string[] = rules === 'robust' ? [] : rules
  if (rules !== 'robust') return among(rule.name, names, 'the rule is', 'rules')
  const { buckets, mode } = plan.privacy
  const sums =
    mode === 'sealed'
      ? plan.window.count.min
      : buckets === undefined
        ? 1
        : Math.floor(plan.window.count.min / buckets.size)
  const assumed = rule.rule.attackers(rule.options) ?? 1
  if (assumed >= 1 && rule.rule.breakdown(sums, rule.options) >= 1) return undefined
  return `the rule ${rule.name} withstands no attacker among ${sums} (rules: robust)`
}

function groupsProblem({ minGroup }: Allow, { evaluation }: Plan): string | undefined {
  if (Object.keys(evaluation.groups).length === 0) return undefined
  if (minGroup === undefined) return 'the plan counts groups of rows, which are not allowed (minGroup)'
  if (evaluation.minGroup >= minGroup) return undefined
  return `groups of ${evaluation.minGroup} rows are counted, asked for are ${minGroup} (minGroup)`
}

function clipProblem({ clip }: Allow, { plan, task }: Asked): string | undefined {
  if (clip === undefined) return undefined
  const clipping = plan.privacy.clip
  if (clipping === undefined) return 'the plan does not clip updates (clip)'
  const norm = Math.max('flat' in clipping ? clipping.flat.norm : clipping.adaptive.initial, task.clip ?? 0)
  return norm > clip.max ? `updates are clipped to a norm of ${norm}, allowed are ${clip.max} (clip)` : undefined
}

function noiseProblem({ noise: asked }: Allow, { privacy: { noise } }: Plan): string | undefined {
  if (asked === undefined) return undefined
  if (noise === undefined) return 'the plan adds no noise (noise)'
  const [[by, { multiplier }] = ['', { multiplier: 0 }]] = Object.entries(noise).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  )
  const wrong = among(by, asked.by, 'noise is', 'noise.by')
  if (wrong !== undefined || multiplier >= asked.multiplier) return wrong
  return `noise has a multiplier of ${multiplier}, asked for are ${asked.multiplier} (noise)`
}

function recordsProblem({ records: asked }: Allow, { privacy: { records } }: Plan): string | undefined {
  if (asked === undefined) return undefined
  if (records === undefined) return 'the plan hides no single rows (records)'
  if (records.multiplier >= asked.multiplier) return undefined
  return `rows are hidden by a multiplier of ${records.multiplier}, asked for are ${asked.multiplier} (records)`
}

function startProblem({ start: allowed }: Allow, { start }: Plan): string | undefined {
  if (start === undefined) return allowed.new ? undefined : 'the run starts from new weights (start.new)'
  if ('version' in start && start.version !== undefined) {
    const { model } = versionReference(start.version)
    return among(model, allowed.versions, 'the run starts from a version of', 'start.versions')
  }
  return among(start.sha256 ?? '', allowed.files, 'the run starts from the file with SHA-256', 'start.files')
}

function among(value: string, allowed: readonly string[], what: string, key: string): string | undefined {
  if (allowed.includes(value)) return undefined
  return `${what} ${value}, allowed ${allowed.length === 0 ? 'is none' : `are ${allowed.slice(0, 20).join(', ')}`} (${key})`
}

function above(value: number, most: number, what: string, key: string): string | undefined {
  return value > most ? `${value} ${what}, allowed are ${most} (${key})` : undefined
}

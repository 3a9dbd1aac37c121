import { dataProblem, planProblem } from './allowed.ts'
import type { Asked, Facts, Verdict } from './facts.ts'
import { parseHours, withinHours } from './hours.ts'
import { validityProblem } from './instants.ts'
import type { Policy, Study } from './schema.ts'
import { sizeBytes } from './size.ts'

type Named = readonly [name: string, study: Study]

/**
 * What a policy says to a task. A pure function: the same in every order of studies, and a policy that allows more never
 * refuses what was allowed. A plan is allowed as soon as one study allows it, held where none covers it or a study asks for a
 * review, and refused else, with the rules of all studies that cover it.
 */
export function evaluatePolicy(policy: Policy, asked: Asked, facts: Facts): Verdict {
  const problem = wholeProblem(policy, asked, facts)
  if (problem !== undefined) return { kind: 'refuse', why: problem }
  const { standing } = facts
  if (standing?.kind === 'refused') return { kind: 'refuse', why: `the site refused the plan: ${standing.reason}` }
  const covering = Object.entries(policy.studies)
    .filter(covers(policy, asked, facts))
    .sort(byName)
  const verdicts = [...covering.map((one) => ofStudy(policy, one, asked, facts)), ...ofApproval(policy, asked, facts)]
  const allowed = verdicts.find(({ kind }) => kind === 'allow')
  if (allowed !== undefined) return allowed
  const held = verdicts.find(({ kind }) => kind === 'hold')
  if (held !== undefined) return held
  const refusals = verdicts.flatMap((verdict) => (verdict.kind === 'refuse' ? [verdict.why] : []))
  if (refusals.length > 0) return { kind: 'refuse', why: refusals.join('; ') }
  return { kind: 'hold', why: `no study of the site’s policy covers the plan ${asked.plan.name}${waiting(facts)}` }
}

/** The name that the policy has for the coordinator; undefined for a key that is not in it. */
export function coordinatorName(policy: Policy, key: string): string | undefined {
  return Object.entries(policy.coordinators).find(([, known]) => known === key)?.[0]
}

function wholeProblem(policy: Policy, { plan, coordinator }: Asked, { now }: Facts): string | undefined {
  if (coordinatorName(policy, coordinator) === undefined) return 'the policy does not name this coordinator'
  const invalid = validityProblem(policy.valid, now)
  if (invalid !== undefined) return `the policy ${invalid}`
  if (policy.privacy !== undefined && plan.privacy.noise === undefined) {
    return `the policy allows ε = ${policy.privacy.epsilon} in all, and a plan without noise has no ε (privacy)`
  }
  if (policy.records !== undefined && plan.privacy.records === undefined) {
    return `the policy allows each row ε = ${policy.records.epsilon} in all, and a plan that hides no rows has no such ε (records)`
  }
  return undefined
}

function covers(policy: Policy, { plan, digest, coordinator }: Asked, { data }: Facts): (one: Named) => boolean {
  return ([, study]) =>
    (data === undefined || data === study.data) &&
    study.coordinators.some((name) => policy.coordinators[name] === coordinator) &&
    ('plans' in study && study.plans !== undefined
      ? study.plans.includes(digest)
      : 'allow' in study && study.allow.names.includes(plan.name))
}

function ofStudy(policy: Policy, [name, study]: Named, asked: Asked, facts: Facts): Verdict {
  const problem = studyProblem(policy, study, asked, facts)
  if (problem !== undefined) return { kind: 'refuse', why: `study ${name}: ${problem}` }
  const { data, engines } = study
  const verdict: Verdict = { kind: 'allow', data, study: name, ...(engines === undefined ? {} : { engines }) }
  if (study.review === 'never') return verdict
  const { standing } = facts
  if (standing?.kind === 'approved' && standing.study === name) return verdict
  return { kind: 'hold', why: `study ${name} has a person look at each plan${waiting(facts)}`, study: name }
}

/** A plan that people have approved by itself is a study of its own. */
function ofApproval(policy: Policy, asked: Asked, facts: Facts): Verdict[] {
  const { standing } = facts
  if (standing?.kind !== 'approved' || standing.study !== undefined || standing.data === undefined) return []
  if (facts.data !== undefined && facts.data !== standing.data) return []
  const { data } = standing
  const problem = dataProblem(policy, data, asked, facts)
  return [problem === undefined ? { kind: 'allow', data } : { kind: 'refuse', why: `the approved plan: ${problem}` }]
}

function studyProblem(policy: Policy, study: Study, asked: Asked, facts: Facts): string | undefined {
  const { now, moment, loaded } = facts
  const invalid = validityProblem(study.valid, now)
  if (invalid !== undefined) return `it ${invalid}`
  const unlike = 'allow' in study && study.allow !== undefined ? planProblem(study.allow, asked) : undefined
  if (unlike !== undefined) return unlike
  if (moment === 'begin' && study.hours?.some((hours) => isWithin(hours, now)) === false) {
    return `it is outside of its hours (${study.hours.join('; ')})`
  }
  const much = dayProblem(study, asked, facts)
  if (much !== undefined) return much
  const engines: readonly string[] | undefined = study.engines
  if (loaded !== undefined && engines?.includes(loaded.engine) === false) {
    return `the engine here is ${loaded.engine}, allowed are ${engines.join(', ')} (engines)`
  }
  return dataProblem(policy, study.data, asked, facts)
}

function isWithin(text: string, now: number): boolean {
  const hours = parseHours(text)
  return hours !== undefined && withinHours(hours, now)
}

function dayProblem(study: Study, { task }: Asked, { moment, today, leaving }: Facts): string | undefined {
  const { rounds, bytes } = study.perDay ?? {}
  if (rounds !== undefined && moment === 'begin' && task.kind === 'train' && today.rounds + 1 > rounds) {
    return `${rounds} rounds of today are done (perDay.rounds)`
  }
  if (bytes !== undefined && moment !== 'loaded' && today.bytes + leaving > sizeBytes(bytes)) {
    return `with this answer more than ${bytes} would leave the site today (perDay.bytes)`
  }
  return undefined
}

function waiting({ standing }: Facts): string {
  return standing?.kind === 'waiting' ? `; ${standing.approved} of ${standing.of} people approved it` : ''
}

function byName([a]: Named, [b]: Named): number {
  return a < b ? -1 : a > b ? 1 : 0
}

import { ParleyError } from '../errors/index.ts'
import type { Pipeline } from './pipeline.ts'
import { rules } from './registry.ts'
import type { Rule } from './rule.ts'

/**
 * Throws `plan.infeasible` unless the pipeline can withstand the attackers that it assumes among `n` updates; the message
 * says what would be possible with n. More updates than n are never worse.
 */
export function checkFeasible(pipeline: Pipeline, n: number): void {
  const { stages, rule, attackers } = pipeline
  checkAgreement(pipeline)
  let points = n
  let mixed: string | undefined
  for (const { name, stage, options } of stages) {
    if (stage.wantsAttackers && attackers === undefined) {
      throw infeasible(`${name} does not know how many attackers to expect: give it f, as in { ${name}: { f: 1 } }`)
    }
    const most = stage.breakdown(points, options)
    if (stage.wantsAttackers ? options.f > most : (attackers ?? 0) > most) {
      throw infeasible(beyond(name, stage.condition, options.f, most, points, n))
    }
    points = stage.count(points, options)
    if (stage.mixes) mixed = name
  }
  if (mixed !== undefined && rule.rule.perClient === true) {
    throw infeasible(
      `${rule.name} looks at each client by itself, and ${mixed} before it mixes them: leave ${mixed} out`,
    )
  }
  if (mixed !== undefined && weighsBySamples(rule.options)) {
    throw infeasible(`after ${mixed} an update is no longer one client's: let ${rule.name} weigh all of them equally`)
  }
  const f = rule.rule.attackers(rule.options) ?? 0
  const most = rule.rule.breakdown(points, rule.options)
  if (f > most) {
    throw infeasible(`${beyond(rule.name, rule.rule.condition, f, most, points, n)}${alternatives(f, points)}`)
  }
}

/** Stages and rule look at the same round: they cannot assume different numbers of attackers. */
function checkAgreement({ stages, rule, attackers }: Pipeline): void {
  const all = [
    ...stages.filter(({ stage }) => stage.wantsAttackers).map(({ name, options }) => ({ name, f: options.f })),
    ...[{ name: rule.name, f: rule.rule.attackers(rule.options) }],
  ]
  const other = attackers === undefined ? undefined : all.find(({ f }) => f !== undefined && f !== attackers)
  if (other === undefined) return
  throw infeasible(
    `${other.name} assumes f = ${other.f}, another part of the aggregation f = ${attackers}: give the same`,
  )
}

function beyond(name: string, condition: string, f: number, most: number, points: number, n: number): string {
  const among = points === n ? `${n} updates` : `${points} points, which the stages before it make of ${n} updates,`
  const possible =
    most >= 1 ? `at most f = ${most} of ${among} (${condition})` : `no attacker among ${among} (${condition})`
  return `${name} withstands ${possible}; the plan assumes f = ${f}, and takes a round with ${n} updates (window.count.min)`
}

/** The rules that withstand f of n, for a person who has to choose. */
function alternatives(f: number, n: number): string {
  const able = Object.keys(rules).filter((name) => {
    const rule = rules[name as keyof typeof rules] as Rule<unknown>
    const options = rule.options.safeParse({ f })
    return options.success && rule.attackers(options.data) === f && rule.breakdown(n, options.data) >= f
  })
  if (able.length === 0) return `; no rule withstands ${f} of ${n}: raise window.count.min or lower f`
  return `; ${able.join(', ')} would withstand it, or raise window.count.min`
}

function weighsBySamples(options: unknown): boolean {
  return (options as { readonly weights?: string }).weights === 'samples'
}

function infeasible(message: string): ParleyError {
  return new ParleyError('plan.infeasible', message)
}

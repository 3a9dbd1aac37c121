import type { Aggregation } from '../plan/aggregation.ts'
import { nameAndOptions } from '../plan/named.ts'
import { rules, type StageName, stages } from './registry.ts'
import type { Rule, RuleTable, Stage } from './rule.ts'

/** The stages and the rule of a plan, each with its options, in the order in which they are applied. */
export type Pipeline = {
  readonly stages: readonly PipelineStage[]
  readonly rule: { readonly name: string; readonly rule: Rule<unknown>; readonly options: unknown }
  /** Attackers that the plan assumes; undefined where nothing in it says so. */
  readonly attackers: number | undefined
}

export type PipelineStage = {
  readonly name: StageName
  readonly stage: Stage<unknown>
  /** With `f` filled in: the stage's own, else the rule's, else that of another stage, else 0. */
  readonly options: { readonly f: number }
}

/** `known`: all rules that the section was parsed with; by default those of the registry. */
export function pipelineOf(
  { before, rule: named }: Pick<Aggregation, 'before' | 'rule'>,
  known: RuleTable = rules,
): Pipeline {
  const [name, options] = nameAndOptions<string>(named)
  // The plan's schema has matched the options to the name.
  const rule = known[name] as Rule<unknown>
  const entries = before.map((entry) => {
    const [name, options] = nameAndOptions<StageName>(entry)
    const stage = stages[name] as Stage<unknown>
    return { name, stage, options: options as object, own: stage.attackers(options) }
  })
  const attackers = rule.attackers(options) ?? entries.find(({ own }) => own !== undefined)?.own
  return {
    stages: entries.map(({ name, stage, options, own }) => ({
      name,
      stage,
      options: { ...options, f: own ?? attackers ?? 0 },
    })),
    rule: { name, rule, options },
    attackers,
  }
}

/** Whether the pipeline looks at inner products at all. */
export function needsGram({ stages, rule: { rule } }: Pipeline): boolean {
  return rule.usesGram || stages.length > 0
}

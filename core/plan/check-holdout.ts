import { dataEnds } from './data.ts'
import type { Gate } from './gates.ts'
import type { Plan } from './plan.ts'
import type { ProbeGate } from './probe-gates.ts'
import { classNames, targetClass } from './probe-target.ts'
import { unknownWord } from './words.ts'

/** Whether a gate is decided on rows that the coordinator holds. */
export function isOnHoldout(gate: Gate): boolean {
  return 'probe' in gate || ('on' in gate && gate.on === 'holdout')
}

/** Whether it compares the candidate with the version in use on those rows. */
export function comparesOnHoldout(gate: Gate): boolean {
  if ('probe' in gate) return gate.probe === 'change'
  return 'maxDrop' in gate && gate.maxDrop !== undefined && gate.on === 'holdout'
}

/** What of a probe does not go together with the plan's data. */
export function probeProblems({ data }: Plan, gate: ProbeGate): string[] {
  if (gate.probe === 'perturbed') {
    if (!('csv' in data) || data.csv.standardise) return []
    return ['perturb: noise is in standard deviations of the inputs, and needs data.csv.standardise: true']
  }
  // A label without classes has no targets either: that is said of the probe as a whole.
  if (gate.probe === 'change' || dataEnds(data).numeric !== undefined || targetClass(data, gate.target) !== undefined)
    return []
  if (dataEnds(data).classes > 1 && typeof gate.target === 'number') return ['target: is no class of the label']
  return [`target: ${unknownWord(String(gate.target), classNames(data).map(String), 'class')}`]
}

/**
 * How often a run evaluates a model, where nothing but `rounds` ends it and its last model goes before the gates; undefined
 * where that cannot be foreseen.
 */
export function plannedEvaluations({ rounds, evaluation, stop, publish, privacy }: Plan): number | undefined {
  if (stop !== undefined || publish.select !== 'last' || privacy.budget !== undefined) return undefined
  return Math.ceil(rounds / evaluation.every)
}

/** A plan that looks more often than it allows itself could not have its last round judged. */
export function looksProblems(plan: Plan): string[] {
  const { holdoutLooks, every } = plan.evaluation
  const planned = plannedEvaluations(plan)
  if (holdoutLooks === undefined || planned === undefined || planned <= holdoutLooks) return []
  if (!plan.gates.some(isOnHoldout)) return []
  const why = `${plan.rounds} rounds with every: ${every} evaluate ${planned} times, and the last one would not be judged`
  return [`evaluation.holdoutLooks: never passes: ${why}`]
}

import type { GateProblem, WrittenGate } from './gate-shape.ts'
import type { ProbeName } from './probe-gates.ts'

type Key = keyof WrittenGate

/** What each probe has beside `probe`, `id`, `hard` and `confidence`. */
const members: Readonly<Record<ProbeName, readonly Key[]>> = {
  perturbed: ['perturb', 'metric', 'atPrecision', 'min', 'max', 'maxDrop'],
  trigger: ['target', 'max'],
  change: ['max'],
}

const common: readonly Key[] = ['probe', 'id', 'hard', 'confidence']

/** What of a probe does not go together. `given`: the members that were written. */
export function probeProblem(gate: WrittenGate, probe: ProbeName, given: readonly Key[]): GateProblem | undefined {
  const known = members[probe]
  const other = given.find((key) => !common.includes(key) && !known.includes(key))
  if (other === 'on') return { path: ['on'], message: 'a probe is of the coordinator’s own rows: leave `on` out' }
  if (other !== undefined) return { path: [other], message: `the probe ${probe} has only ${known.join(', ')}` }
  if (probe === 'perturbed') return perturbedProblem(gate)
  if (probe === 'trigger' && gate.target === undefined) {
    return { path: ['target'], message: 'the probe trigger needs the class that rows must not be steered to' }
  }
  return gate.max === undefined ? { path: ['max'], message: `the probe ${probe} is bounded by max` } : undefined
}

function perturbedProblem({ perturb, metric, min, max, maxDrop }: WrittenGate): GateProblem | undefined {
  if (perturb === undefined) return { path: ['perturb'], message: 'the probe perturbed needs perturb: { noise }' }
  if (metric === undefined) return { path: ['metric'], message: 'the probe perturbed needs metric' }
  const bounds = [min, max, maxDrop].filter((value) => value !== undefined)
  if (bounds.length === 1) return undefined
  return { path: [], message: 'the probe perturbed has exactly one of min, max and maxDrop' }
}

/** Members of a probe in a gate that is none. */
export function strayProblem({ perturb, target }: WrittenGate): GateProblem | undefined {
  if (perturb !== undefined) return { path: ['perturb'], message: 'perturb belongs to probe: perturbed' }
  if (target !== undefined) return { path: ['target'], message: 'target belongs to probe: trigger' }
  return undefined
}

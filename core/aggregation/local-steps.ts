import { plainSteps, stepsOf, type Training } from '../plan/training.ts'

/**
 * How far a client with `samples` training rows went in a round, in steps of plain descent. It follows from the plan and
 * the sample weight, which the screens bound: what a client says of its steps is not asked.
 */
export function localSteps(training: Training, samples: number): number {
  return plainSteps(training, stepsOf(training, samples).steps)
}

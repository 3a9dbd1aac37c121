import { plainSteps, stepsOf, type Training } from '../plan/training.ts'

/**
 * How far a client with `samples` training rows went in a round, in steps of plain descent. It follows from the plan and
 * the sample weight, which is bounded: a number of steps that a client could choose would let it scale the others' updates.
 */
export function localSteps(training: Training, samples: number): number {
  return plainSteps(training, stepsOf(training, samples).steps)
}

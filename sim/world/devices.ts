import { stepsOf } from '../../core/plan/training.ts'
import { randomOf } from '../../core/random/random.ts'
import type { Scenario } from './scenario.ts'

/** Virtual milliseconds in which a client of so many rows trains for one round. Of a range it draws its speed once and for all. */
export function trainingTime(
  { plan, world }: Scenario,
  client: number,
  rows: number,
  stepsPerSecond: number | readonly [number, number],
): number {
  const { steps } = stepsOf(plan.training, rows)
  if (typeof stepsPerSecond === 'number') return (1000 * steps) / stepsPerSecond
  const [low, high] = stepsPerSecond
  const speed = low + (high - low) * randomOf(world.seed, `speed/${client}`).uniform()
  return (1000 * steps) / speed
}

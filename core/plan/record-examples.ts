import { type Accountant, spent, timesRounds } from '../privacy/index.ts'
import type { Plan } from './plan.ts'
import { recordPrivacyOf } from './record-privacy.ts'

/** Rows of clients for which ε is told where nobody's are known. */
const USUAL_ROWS = [100, 1_000, 10_000, 100_000] as const

/** What a plan costs each row of a client with so many of them. */
export type RecordExample = {
  readonly rows: number
  readonly rate: number
  /** Steps of all rounds. */
  readonly steps: number
  readonly epsilonOfRound: number
  /** After all rounds of the plan, whatever it allows. */
  readonly epsilon: number
}

/**
 * What all rounds of a plan cost each row, at the plan's δ, of clients with so many training rows; of the usual numbers those
 * for which δ is far enough below one over them. Empty where the plan hides no rows.
 */
export function recordExamples(
  plan: Plan,
  parameters: number,
  rows: readonly number[] = USUAL_ROWS,
  accountant: Accountant = 'tightest',
): RecordExample[] {
  const { records } = plan.privacy
  if (records === undefined) return []
  return rows
    .filter((count) => count * records.delta < 1)
    .flatMap((count) => {
      const privacy = recordPrivacyOf(plan, parameters, count)
      if (privacy === undefined) return []
      const epsilonAfter = (rounds: number) =>
        spent([timesRounds(privacy.spend, rounds * privacy.steps)], records.delta, accountant).epsilon
      return {
        rows: count,
        rate: privacy.rate,
        steps: plan.rounds * privacy.steps,
        epsilonOfRound: epsilonAfter(1),
        epsilon: epsilonAfter(plan.rounds),
      }
    })
}

/** The same in words. */
export function recordExampleText({ rows, epsilonOfRound, epsilon }: RecordExample): string {
  return `${rows} rows: ε ${epsilonOfRound.toPrecision(3)} a round, ${epsilon.toPrecision(3)} in all`
}

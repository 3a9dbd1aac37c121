import type { ErrorCode } from '../errors/index.ts'
import type { RunView } from './view.ts'

/** How one client took part in one run. */
export type Participation = Pick<RunView, 'run' | 'model' | 'createdAt' | 'phase'> & {
  /** Rounds that it was asked in, the open one too, and those that its update was taken in. */
  readonly asked: number
  readonly accepted: number
  /** What was refused of it, or it declined, the newest first, at most `MOST_REFUSALS`. */
  readonly refusals: readonly { readonly round: number; readonly code: ErrorCode; readonly message: string }[]
  /** In how many of its last rounds its update stood out, where that was often. */
  readonly suspect?: { readonly marked: number; readonly of: number }
}

export const MOST_REFUSALS = 20

/** Undefined where the client was never asked. */
export function participationOf(view: RunView, client: string): Participation | undefined {
  const { run, model, createdAt, phase, history, engaged, suspects } = view
  const rounds = history.filter(({ cohort }) => cohort.includes(client))
  const open = engaged.some((one) => one.client === client)
  if (rounds.length === 0 && !open) return undefined
  const refusals = rounds.flatMap(({ round, refused }) =>
    refused.filter((one) => one.client === client).map(({ code, message }) => ({ round, code, message })),
  )
  const suspect = suspects.find((one) => one.client === client)
  return {
    run,
    model,
    createdAt,
    phase,
    asked: rounds.length + (open ? 1 : 0),
    accepted: rounds.filter(({ accepted }) => accepted.includes(client)).length,
    refusals: refusals.reverse().slice(0, MOST_REFUSALS),
    ...(suspect === undefined ? {} : { suspect: { marked: suspect.marked, of: suspect.of } }),
  }
}

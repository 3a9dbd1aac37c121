import { type ErrorCode, isErrorCode, ParleyError } from '../../core/errors/index.ts'
import { systemClock } from '../../core/system-clock.ts'
import type { SimulationEvent } from '../results.ts'
import type { OwnRules } from '../rules/own-rules.ts'
import { simulate } from '../simulate.ts'
import type { Scenario } from '../world/scenario.ts'
import { type Figures, figuresOf } from './metric.ts'

/** One simulation of a sweep. */
export type PointJob = {
  readonly scenario: Scenario
  /** From which paths of data files are counted. */
  readonly folder: string
  /** Only for a job that is not sent to another thread. */
  readonly rules?: OwnRules | undefined
}

/** What is kept of it. */
export type PointResult = {
  readonly figures: Figures
  /** Digest of the last model file. */
  readonly weights?: string
  /** Real time that it took. */
  readonly seconds: number
  /** Why its run failed. */
  readonly failure?: { readonly code: ErrorCode; readonly message: string }
}

/** What a worker thread says of the job that it was given. */
export type PointMessage =
  | { readonly type: 'round'; readonly round: number; readonly of: number }
  | { readonly type: 'done'; readonly result: PointResult }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }

/** Runs a job on the calling thread. Fails as `simulate` does. */
export async function runPoint(
  { scenario, folder, rules }: PointJob,
  onRound: (round: number, of: number) => void,
  signal?: AbortSignal,
): Promise<PointResult> {
  const started = systemClock.monotonic()
  const onEvent = (event: SimulationEvent) => {
    if (event.type === 'round') onRound(event.round.round, event.of)
  }
  const result = await simulate(scenario, {
    folder,
    rules,
    workers: 0,
    onEvent,
    ...(signal === undefined ? {} : { signal }),
  })
  const { outcome, weights } = result
  return {
    figures: figuresOf(result),
    seconds: Number(((systemClock.monotonic() - started) / 1000).toPrecision(3)),
    ...(weights === undefined ? {} : { weights }),
    ...(outcome.kind === 'failed' ? { failure: { code: outcome.code, message: outcome.message } } : {}),
  }
}

export function failureOf({ code, message }: Extract<PointMessage, { type: 'failed' }>): ParleyError {
  return new ParleyError(isErrorCode(code) ? code : 'internal', message)
}

import type { ParleyError } from '../../core/errors/index.ts'
import type { GateVerdict, RunPhase } from '../../core/run/view.ts'

/** What a coordinator tells whoever runs it. Each is called synchronously and must not throw. */
export type CoordinatorObserver = {
  readonly sessionOpened: (client: string, carrier: string, remote: string) => void
  readonly sessionClosed: (client: string, carrier: string, error: ParleyError | undefined) => void
  readonly sessionRefused: (carrier: string, remote: string, error: ParleyError) => void
  /** The first bytes of an update came. */
  readonly uploadStarted: (upload: { client: string; run: string }) => void
  readonly updateDecided: (update: {
    client: string
    run: string
    round: number
    bytes: number
    /** SHA-256 of the sealed update in lower-case hex; of the message, where one of a masked round was refused. */
    digest: string
    code: string | undefined
  }) => void
  readonly runStarted: (run: { run: string; model: string; restored: boolean }) => void
  /** Also of a run that goes on from its journal, once it is known where it stands. */
  readonly phaseChanged: (change: { run: string; model: string; round: number; phase: RunPhase }) => void
  /** A client’s counts on the new model came. */
  readonly evaluated: (evaluation: { client: string; run: string; round: number }) => void
  readonly roundClosed: (round: {
    run: string
    round: number
    seconds: number
    accepted: number
    /** Members of the cohort of whom nothing came, neither an update nor a refusal. */
    silent: number
    made: boolean
  }) => void
  readonly runEnded: (run: {
    run: string
    model: string
    outcome: 'published' | 'rejected' | 'failed' | 'stopped'
    /** None where the run came to no result. */
    gates: readonly GateVerdict[]
  }) => void
  /** The coordinator cannot go on; whoever runs it should end the process, and start it again once the cause is mended. */
  readonly fatal: (error: ParleyError) => void
}

/** All but what is fatal, which must be dealt with. */
export type Told = Omit<CoordinatorObserver, 'fatal'>

/** Tells nobody anything. */
export const silentObserver: Told = {
  sessionOpened: () => {},
  sessionClosed: () => {},
  sessionRefused: () => {},
  uploadStarted: () => {},
  updateDecided: () => {},
  runStarted: () => {},
  phaseChanged: () => {},
  evaluated: () => {},
  roundClosed: () => {},
  runEnded: () => {},
}

/** Tells each of them, in this order, what it wants to know. */
export function everyone(...observers: readonly Partial<Told>[]): Told {
  const each = (tell: (one: Partial<Told>) => void) => {
    for (const one of observers) tell(one)
  }
  return {
    sessionOpened: (...args) => each((one) => one.sessionOpened?.(...args)),
    sessionClosed: (...args) => each((one) => one.sessionClosed?.(...args)),
    sessionRefused: (...args) => each((one) => one.sessionRefused?.(...args)),
    uploadStarted: (upload) => each((one) => one.uploadStarted?.(upload)),
    updateDecided: (update) => each((one) => one.updateDecided?.(update)),
    runStarted: (run) => each((one) => one.runStarted?.(run)),
    phaseChanged: (change) => each((one) => one.phaseChanged?.(change)),
    evaluated: (evaluation) => each((one) => one.evaluated?.(evaluation)),
    roundClosed: (round) => each((one) => one.roundClosed?.(round)),
    runEnded: (run) => each((one) => one.runEnded?.(run)),
  }
}

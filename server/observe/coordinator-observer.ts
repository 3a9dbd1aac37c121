import type { ParleyError } from '../../core/errors/index.ts'

/** What a coordinator tells whoever runs it. Each is called synchronously and must not throw. */
export type CoordinatorObserver = {
  readonly sessionOpened: (client: string, carrier: string, remote: string) => void
  readonly sessionClosed: (client: string, carrier: string, error: ParleyError | undefined) => void
  readonly sessionRefused: (carrier: string, remote: string, error: ParleyError) => void
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
  readonly roundClosed: (round: {
    run: string
    round: number
    seconds: number
    accepted: number
    made: boolean
  }) => void
  readonly runEnded: (run: {
    run: string
    model: string
    outcome: 'published' | 'rejected' | 'failed' | 'stopped'
  }) => void
  /** The coordinator cannot go on; whoever runs it should end the process, and start it again once the cause is mended. */
  readonly fatal: (error: ParleyError) => void
}

/** Tells nobody anything but what is fatal, which must be dealt with. */
export const silentObserver: Omit<CoordinatorObserver, 'fatal'> = {
  sessionOpened: () => {},
  sessionClosed: () => {},
  sessionRefused: () => {},
  updateDecided: () => {},
  runStarted: () => {},
  roundClosed: () => {},
  runEnded: () => {},
}

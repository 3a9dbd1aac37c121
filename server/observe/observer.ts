import { ParleyError } from '../../core/errors/index.ts'
import type { RunPhase } from '../../core/run/view.ts'
import type { Told } from './coordinator-observer.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'

/** Writes what a coordinator does into its log and its metrics. `monotonic` is in milliseconds. */
export function observing(logger: Logger, metrics: Metrics, monotonic: () => number): Told {
  const phases = new Map<string, { readonly phase: RunPhase; readonly since: number }>()
  const leavePhase = (run: string) => {
    const left = phases.get(run)
    if (left === undefined) return
    phases.delete(run)
    metrics.observe('phaseSeconds', { phase: left.phase }, (monotonic() - left.since) / 1_000)
  }
  return {
    sessionOpened(client, carrier, remote) {
      metrics.move('sessionsOpen', { carrier }, 1)
      logger.info({ client, carrier, remote }, 'a client connected')
    },
    sessionClosed(client, carrier, error) {
      metrics.move('sessionsOpen', { carrier }, -1)
      if (error !== undefined && error.code !== 'session.closed') metrics.add('framesRefused', { code: error.code })
      logger.info({ client, carrier, ...(error === undefined ? {} : { err: error }) }, 'a client disconnected')
    },
    sessionRefused(carrier, remote, error) {
      metrics.add('framesRefused', { code: error.code })
      countAuthRefusal(metrics, carrier, error)
      logger.warn({ carrier, remote, err: error }, 'a connection was refused')
    },
    uploadStarted: () => {},
    updateDecided({ client, run, round, bytes, code }) {
      if (code === undefined) {
        metrics.add('updatesAccepted', {})
        logger.info({ client, run, round, bytes }, 'an update was accepted')
      } else {
        metrics.add('updatesRefused', { code })
        logger.warn({ client, run, round, code }, 'an update was refused')
      }
    },
    runStarted({ run, model, restored }) {
      metrics.move('runsActive', {}, 1)
      logger.info({ run, model }, restored ? 'a run goes on from its journal' : 'a run was started')
    },
    phaseChanged({ run, round, phase }) {
      leavePhase(run)
      if (phase === 'over') return
      phases.set(run, { phase, since: monotonic() })
      logger.debug({ run, round, phase }, 'a run is in another phase')
    },
    evaluated: () => {},
    roundClosed({ run, round, seconds, accepted, silent, made }) {
      if (silent > 0) metrics.add('stragglers', {}, silent)
      metrics.add('rounds', { outcome: made ? 'done' : 'failed' })
      metrics.observe('roundSeconds', {}, seconds)
      logger.info({ run, round, seconds, accepted }, made ? 'a round is done' : 'a round failed')
    },
    runEnded({ run, model, outcome, gates }) {
      leavePhase(run)
      for (const { verdict } of gates) metrics.add('gateVerdicts', { verdict })
      metrics.move('runsActive', {}, -1)
      metrics.add('runs', { outcome })
      if (outcome === 'published') metrics.add('versionsPublished', {})
      logger.info({ run, model, outcome }, 'a run is over')
    },
  }
}

/** Counts what was refused for who asked. */
export function countAuthRefusal(metrics: Metrics, carrier: string, thrown: unknown): void {
  if (!(thrown instanceof ParleyError) || !thrown.code.startsWith('auth.')) return
  metrics.add('authRefused', { code: thrown.code, carrier })
}

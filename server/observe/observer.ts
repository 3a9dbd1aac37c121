import type { CoordinatorObserver } from './coordinator-observer.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'

/** Writes what a coordinator does into its log and its metrics. */
export function observing(logger: Logger, metrics: Metrics): Omit<CoordinatorObserver, 'fatal'> {
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
      logger.warn({ carrier, remote, err: error }, 'a connection was refused')
    },
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
    roundClosed({ run, round, seconds, accepted, made }) {
      metrics.add('rounds', { outcome: made ? 'done' : 'failed' })
      metrics.observe('roundSeconds', seconds)
      logger.info({ run, round, seconds, accepted }, made ? 'a round is done' : 'a round failed')
    },
    runEnded({ run, model, outcome }) {
      metrics.move('runsActive', {}, -1)
      metrics.add('runs', { outcome })
      if (outcome === 'published') metrics.add('versionsPublished', {})
      logger.info({ run, model, outcome }, 'a run is over')
    },
  }
}

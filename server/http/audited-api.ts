import { createHash } from 'node:crypto'
import { act } from '../../core/audit/act.ts'
import { type Actor, actorOfId, HOST } from '../../core/audit/actor.ts'
import type { AuditSink } from '../../core/audit/sink.ts'
import type { RunView } from '../../core/run/view.ts'
import type { CoordinatorApi } from '../api.ts'

/** The operators’ interface, in which nothing is done before the request is on record. Runs record what they do themselves. */
export function auditedApi(api: CoordinatorApi, audit: AuditSink): CoordinatorApi {
  type Action = 'run.start' | 'run.pause' | 'run.resume' | 'run.end' | 'round.recompute'
  const of = (action: Action, actor: Actor = actorOfId(HOST), kind: string, id: string, details = {}) =>
    ({ action, actor, object: { kind, id }, details }) as const
  const ofRun = ({ run }: RunView) => ({ object: { kind: 'run', id: run }, details: {} })
  return {
    startRun: (planText, by) => {
      const sha256 = createHash('sha256').update(planText).digest('hex')
      return act(audit, of('run.start', by, 'plan', sha256), () => api.startRun(planText))
    },
    stopRun: (id, reason, by) => act(audit, of('run.end', by, 'run', id, { reason }), () => api.stopRun(id, reason)),
    pauseRun: (id, reason, by) =>
      act(audit, of('run.pause', by, 'run', id, { reason }), () => api.pauseRun(id, reason), ofRun),
    resumeRun: (id, reason, by) =>
      act(audit, of('run.resume', by, 'run', id, { reason }), () => api.resumeRun(id, reason), ofRun),
    recompute: (id, round, request, by) => {
      const object = { kind: 'round', id: `${id}/${round}` }
      return act(
        audit,
        of('round.recompute', by, object.kind, object.id),
        () => api.recompute(id, round, request),
        ({ identical, recomputed, without }) => ({
          object,
          details: { identical, recomputed, without: without.length },
        }),
      )
    },
    dryRun: (planText) => api.dryRun(planText),
    runs: () => api.runs(),
    run: (id) => api.run(id),
    watch: (id, signal) => api.watch(id, signal),
    seenClients: () => api.seenClients(),
    watchAll: (signal) => api.watchAll(signal),
    ready: () => api.ready(),
  }
}

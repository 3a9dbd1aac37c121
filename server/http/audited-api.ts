import { createHash } from 'node:crypto'
import { act } from '../../core/audit/act.ts'
import type { AuditSink } from '../../core/audit/sink.ts'
import type { CoordinatorApi } from '../api.ts'

/** Whoever bears the admin token, until people have names here. */
const operator = { kind: 'member', id: 'operator' } as const

/** The operators’ interface, in which nothing is done before the request is on record. Runs record what they do themselves. */
export function auditedApi(api: CoordinatorApi, audit: AuditSink): CoordinatorApi {
  const of = (action: 'run.start' | 'run.end' | 'round.recompute', kind: string, id: string, details = {}) =>
    ({ action, actor: operator, object: { kind, id }, details }) as const
  return {
    startRun: (planText) => {
      const sha256 = createHash('sha256').update(planText).digest('hex')
      return act(audit, of('run.start', 'plan', sha256), () => api.startRun(planText))
    },
    stopRun: (id, reason) => act(audit, of('run.end', 'run', id, { reason }), () => api.stopRun(id, reason)),
    recompute: (id, round, request) => {
      const object = { kind: 'round', id: `${id}/${round}` }
      return act(
        audit,
        of('round.recompute', object.kind, object.id),
        () => api.recompute(id, round, request),
        ({ identical, recomputed, without }) => ({
          object,
          details: { identical, recomputed, without: without.length },
        }),
      )
    },
    runs: () => api.runs(),
    run: (id) => api.run(id),
    watch: (id, signal) => api.watch(id, signal),
    ready: () => api.ready(),
  }
}

import type { AuditEntry } from '../../core/audit/sink.ts'
import type { ParleyError } from '../../core/errors/index.ts'

/** What the coordinator records of itself. */
export function ownRecord(
  action: 'coordinator.start' | 'coordinator.stop' | 'coordinator.fail' | 'store.damage',
  error: ParleyError | undefined,
  details: AuditEntry['details'] = {},
): AuditEntry {
  const self = { kind: 'system', id: 'coordinator' } as const
  if (error === undefined) return { action, actor: self, object: self, details }
  return { action, actor: self, object: self, outcome: 'failed', code: error.code, details: { message: error.message } }
}

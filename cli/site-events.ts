import type { AuditLog } from '../audit/index.ts'
import type { ClientEvent } from '../client/index.ts'
import type { AuditEntry } from '../core/audit/sink.ts'
import { Throttle } from '../core/audit/throttle.ts'
import { toHex } from '../core/encoding/bytes.ts'
import { systemClock } from '../core/system-clock.ts'
import { version } from './version.ts'

/** Whom a client does not work for. */
const refusing: ReadonlySet<string> = new Set(['node.untrusted-coordinator', 'audit.fork'])

const self = { kind: 'system', id: 'client' } as const

/** Records what a client’s program does and whom it met; what the node does it records itself. Closes the log at the end. */
export function siteEvents(log: AuditLog, coordinatorKey: Uint8Array) {
  const coordinator = { kind: 'coordinator', id: toHex(coordinatorKey) }
  const throttle = new Throttle()
  const record = (action: AuditEntry['action'], more: Partial<AuditEntry>) => {
    // Where the log fails no task is taken any more: that is where it is told.
    log.append({ action, actor: self, object: coordinator, ...more }).catch(() => {})
  }
  return {
    started: () => log.append({ action: 'client.start', actor: self, object: coordinator, details: { version } }),
    take(event: ClientEvent): void {
      if (event.type === 'connected') {
        const { client, carrier, remote } = event
        record('coordinator.connect', { actor: { kind: 'client', id: client }, details: { carrier, remote } })
      } else if (event.type === 'disconnected' && refusing.has(event.error?.code ?? '')) {
        const more = throttle.take('coordinator.refuse', systemClock.now())
        if (more === undefined) return
        const { code, message } = event.error ?? {}
        record('coordinator.refuse', { outcome: 'denied', code, details: { message } })
      }
    },
    async stopped(): Promise<void> {
      await log.append({ action: 'client.stop', actor: self, object: coordinator }).catch(() => {})
      await log.close()
    },
  }
}

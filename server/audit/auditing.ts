import type { AuditEntry, AuditSink } from '../../core/audit/sink.ts'
import { Throttle } from '../../core/audit/throttle.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { silentObserver, type Told } from '../observe/coordinator-observer.ts'

/** Records sessions and updates. Refusals are many where somebody wants them to be: beyond a number they are counted. */
export function auditing(audit: AuditSink, now: () => number, fatal: (error: ParleyError) => void): Told {
  const throttle = new Throttle()
  const record = (entry: AuditEntry) => {
    audit.append(entry).catch((failure: unknown) => fatal(ParleyError.from(failure)))
  }
  const refused = (kind: string, entry: AuditEntry) => {
    const more = throttle.take(kind, now())
    if (more === undefined) return
    record(more === 0 ? entry : { ...entry, details: { ...entry.details, leftOut: more } })
  }
  return {
    ...silentObserver,
    sessionOpened(client, carrier, remote) {
      const who = { kind: 'client', id: client } as const
      record({ action: 'client.connect', actor: who, object: who, details: { carrier, remote } })
    },
    sessionClosed(client, _carrier, error) {
      if (error?.code !== 'audit.fork') return
      const who = { kind: 'client', id: client } as const
      const { code, message } = error
      refused(`audit.fork ${client}`, {
        action: 'audit.fork',
        actor: who,
        object: who,
        outcome: 'failed',
        code,
        details: { message },
      })
    },
    sessionRefused(carrier, remote, { code }) {
      // Nobody is refused: whoever comes while the coordinator stops comes again.
      if (code === 'server.draining') return
      refused('client.refuse', {
        action: 'client.refuse',
        actor: { kind: 'system', id: 'coordinator' },
        object: { kind: 'address', id: remote },
        outcome: 'denied',
        code,
        details: { carrier },
      })
    },
    updateDecided({ client, run, round, bytes, digest, code }) {
      const actor = { kind: 'client', id: client } as const
      const object = { kind: 'round', id: `${run}/${round}` }
      if (code === undefined) {
        record({ action: 'update.accept', actor, object, details: { sha256: digest, bytes } })
        return
      }
      const action = code === 'masking.refused' ? 'masking.refuse' : 'update.refuse'
      refused(client, { action, actor, object, outcome: 'denied', code, details: { sha256: digest } })
    },
  }
}

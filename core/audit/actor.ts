import type { AuditRecord } from './record.ts'

export type Actor = AuditRecord['actor']

/** What histories call whoever has the key of the machine’s owner. */
export const HOST = 'host'

/** Who acted, by the id that histories have. */
export function actorOfId(id: string): Actor {
  return { kind: id === HOST ? 'system' : 'member', id }
}

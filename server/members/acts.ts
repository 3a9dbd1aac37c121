import type { AuditAction } from '../../core/audit/actions.ts'
import type { Caller } from './caller.ts'

export type ActValue = string | number | boolean

/** What somebody did, or tried to: one record of an audit log. */
export type Act = {
  readonly actor: { readonly kind: 'member' | 'client' | 'system'; readonly id: string }
  /** `noun.verb`. */
  readonly action: AuditAction
  readonly object: { readonly kind: string; readonly id: string }
  readonly outcome: 'ok' | 'denied' | 'failed'
  /** Of the catalogue, when the outcome is not `ok`. */
  readonly code?: string
  readonly details: Readonly<Record<string, ActValue>>
}

/** Takes the record of an act. What rejects here fails the act: nothing is answered that is not recorded. */
export type OnAct = (act: Act) => Promise<void>

export function actorOf(caller: Caller): Act['actor'] {
  switch (caller.kind) {
    case 'member':
      return { kind: 'member', id: caller.id }
    case 'host':
      return { kind: 'system', id: caller.id }
    case 'anonymous':
      return { kind: 'system', id: 'anonymous' }
    default:
      return caller satisfies never
  }
}

import type { AuditRecord } from './record.ts'

/** Which records are asked for; all members must fit. */
export type AuditFilter = {
  /** `kind:id`, or the id alone. */
  readonly actor?: string | undefined
  /** `noun.verb`, or `noun` for all of its verbs. */
  readonly action?: string | undefined
  /** `kind:id`, or the id alone; what is below it too: `run_1` finds `run_1/3`. */
  readonly object?: string | undefined
  /** Milliseconds since the epoch; both inclusive. */
  readonly from?: number | undefined
  readonly to?: number | undefined
}

export function matchesFilter(filter: AuditFilter, { actor, action, object, at }: AuditRecord): boolean {
  const time = Date.parse(at)
  return (
    (filter.actor === undefined || filter.actor === actor.id || filter.actor === `${actor.kind}:${actor.id}`) &&
    (filter.action === undefined || filter.action === action || action.startsWith(`${filter.action}.`)) &&
    (filter.object === undefined ||
      within(filter.object, object.id) ||
      within(filter.object, `${object.kind}:${object.id}`)) &&
    (filter.from === undefined || time >= filter.from) &&
    (filter.to === undefined || time <= filter.to)
  )
}

function within(asked: string, id: string): boolean {
  return id === asked || id.startsWith(`${asked}/`)
}

/** Whether a record is of one client: what it did, or what was done to it. */
export function isOfClient(client: string, { actor, object }: AuditRecord): boolean {
  return [actor, object].some(({ kind, id }) => kind === 'client' && id === client)
}

import type { AuditRecord } from '../../core/audit/record.ts'

/** What an audit log has of runs and versions already, by `factKey`: a crash may have come between a store and the log. */
export type RecordedFacts = ReadonlySet<string>

/** Collects them from the records that are there when a log is opened. */
export function collectFacts(): { readonly facts: RecordedFacts; readonly seen: (record: AuditRecord) => void } {
  const facts = new Set<string>()
  const seen = ({ action, object, outcome, details }: AuditRecord) => {
    if (ofRuns.test(action)) facts.add(factKey(action, object.id))
    if (action === 'model.publish' && outcome === 'ok') facts.add(factKey(action, object.id))
    if (action === 'alias.move' && outcome === 'ok') facts.add(factKey(action, `${object.id} ${details.sequence}`))
  }
  return { facts, seen }
}

const ofRuns = /^(run|round|evaluation|gate|model)\.(start|end|open|close|fail|decide|candidate)$/

/** An id is that of the record’s object; of a move of an alias with its number behind it. */
export function factKey(action: string, id: string): string {
  return `${action} ${id}`
}

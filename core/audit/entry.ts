import { type AuditDetails, type AuditRecord, instantOf } from './record.ts'
import type { AuditEntry } from './sink.ts'

/** Longest text of a detail, in UTF-16 units: what is longer is cut, so that no text from outside keeps an event unrecorded. */
export const DETAIL_TEXT = 500

/** The record of an entry. `at` in milliseconds since the epoch, `salt` of 16 bytes in lower-case hex. */
export function recordOf(
  { action, actor, object, outcome = 'ok', code, details = {} }: AuditEntry,
  { seq, at, salt }: { readonly seq: number; readonly at: number; readonly salt: string },
): AuditRecord {
  const kept: AuditDetails = {}
  for (const [name, value] of Object.entries(details)) {
    if (value === undefined) continue
    kept[name] = typeof value === 'string' ? cut(value) : value
  }
  return {
    action,
    actor: { id: idOf(actor.id), kind: actor.kind },
    at: instantOf(at),
    ...(code === undefined ? {} : { code }),
    details: kept,
    object: { id: idOf(object.id), kind: object.kind },
    outcome,
    salt,
    seq,
    v: 1,
  }
}

function cut(text: string): string {
  // Cutting may halve a pair of surrogates.
  return text.slice(0, DETAIL_TEXT).toWellFormed()
}

/** An id as it may stand in a record, whoever made it. */
function idOf(text: string): string {
  const plain = text.replace(/[^\x21-\x7e]/g, '?').slice(0, 200)
  return plain === '' ? '?' : plain
}

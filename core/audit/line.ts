import { ParleyError } from '../errors/index.ts'
import { type AuditRecord, readAuditRecord } from './record.ts'

/** Longest line of a log in bytes; the longest record has less than half of it. */
export const AUDIT_LINE_BYTES = 32 * 1024

/** A line of a log: canonical JSON of head and leaf (lower-case hex), and of the record where it is not redacted. */
export type AuditLine = {
  readonly head: string
  readonly leaf: string
  readonly record?: AuditRecord
  /** The record as it is hashed. */
  readonly recordText?: string
}

/** `s`: JSON leaves U+2028 and U+2029 as they are, which a dot would not take. */
const form = /^\{"head":"([0-9a-f]{64})","leaf":"([0-9a-f]{64})"(?:,"record":(\{.*\}))?\}$/s

/** The line without its newline; without `recordText` the record is redacted. */
export function auditLineText(head: string, leaf: string, recordText?: string): string {
  return `{"head":"${head}","leaf":"${leaf}"${recordText === undefined ? '' : `,"record":${recordText}`}}`
}

/** Reads a line without its newline. Throws `verify.failed` unless it is one, byte for byte; hashes are not looked at. */
export function readAuditLine(text: string): AuditLine {
  const [, head, leaf, recordText] = form.exec(text) ?? []
  if (head === undefined || leaf === undefined) throw new ParleyError('verify.failed', 'this is not a line of a log')
  if (recordText === undefined) return { head, leaf }
  return { head, leaf, record: readAuditRecord(recordText), recordText }
}

/** The line with its leaf only: the chain stays whole, and nothing is told of the record. */
export function redactedLine(text: string): string {
  const { head, leaf } = readAuditLine(text)
  return auditLineText(head, leaf)
}

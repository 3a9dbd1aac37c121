import type { AuditAction } from './actions.ts'
import type { AuditDetails, AuditRecord } from './record.ts'

/** What is to be recorded. The log adds number, time and salt. */
export type AuditEntry = {
  readonly action: AuditAction
  readonly actor: AuditRecord['actor']
  readonly object: AuditRecord['object']
  /** `ok` by default; `code` says why not where it is not. */
  readonly outcome?: AuditRecord['outcome']
  readonly code?: string | undefined
  /** Undefined members are left out, long texts cut. */
  readonly details?: { readonly [name: string]: AuditDetails[string] | undefined }
}

/** Where records go. */
export interface AuditSink {
  /** Resolves with the record's number once it is on the disk, and everything before it. Rejects with `audit.unavailable`. */
  append(entry: AuditEntry): Promise<number>
  /** Resolves once everything that was appended is on the disk. Rejects with `audit.unavailable`. */
  settled(): Promise<void>
  /** Signs a checkpoint of what is there. */
  checkpoint(): Promise<void>
}

/** Keeps nothing: for simulations, and for programs that embed a coordinator without a log. */
export const noAudit: AuditSink = {
  append: async () => -1,
  settled: async () => {},
  checkpoint: async () => {},
}

/** The face of the audit log in files: what coordinator and client write, and what anybody verifies. */

export type { AuditAction } from '../core/audit/actions.ts'
export type { AuditFilter } from '../core/audit/filter.ts'
export type { AuditRecord } from '../core/audit/record.ts'
export { type AuditEntry, type AuditSink, noAudit } from '../core/audit/sink.ts'
export { type Exported, type ExportRequest, exportBundle } from './bundle.ts'
export { type Comparison, compareHistories, type Side } from './compare.ts'
export * from './evidence/index.ts'
export type { AuditFiles } from './files.ts'
export { AUDIT_FOLDER, auditFolderOf, auditSourcesIn, type FolderReport, queryFolder, verifyFolder } from './folder.ts'
export { isLogInUse } from './lock.ts'
export { AuditLog, type AuditLogOptions, type LogSnapshot } from './log.ts'
export { type AuditPublicKey, parsePublicKey, publicKeyText } from './public-key.ts'

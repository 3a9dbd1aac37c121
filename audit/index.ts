/** The face of the audit log in files: what coordinator and client write, and what anybody verifies. */
export { type Exported, type ExportRequest, exportBundle } from './bundle.ts'
export type { AuditFiles } from './files.ts'
export { AUDIT_FOLDER, auditFolderOf, type FolderReport, queryFolder, verifyFolder } from './folder.ts'
export { AuditLog, type AuditLogOptions } from './log.ts'

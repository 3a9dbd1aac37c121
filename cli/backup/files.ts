import type { Home } from '../home.ts'
import { homeOf } from '../home.ts'

/** The keys of a coordinator by the names of their files: who has them is that coordinator, or opens what it keeps. */
export const keyFiles = [
  'identity.key',
  'sealing.key',
  'release.key',
  'audit.key',
  'authority.key',
  'admin.token',
] as const
export type KeyFile = (typeof keyFiles)[number]

/** Lists, and the certificate of the authority; the coordinator's own for TLS is made anew. */
export const plainFiles = ['clients.json', 'approvers.json', 'consumers.json', 'authority.crt'] as const

export const DATABASE = 'store/parley.sqlite'
/** Keys under a passphrase. */
export const SEALED_KEYS = 'keys.sealed'
/** Says what is in the archive; the last file of it. */
export const MANIFEST = 'backup.json'

export const auditFile = /^audit\/(audit-(0|[1-9]\d{0,14})\.jsonl|checkpoints\.jsonl|audit-key\.json)$/
const blobFile = /^store\/(?:spool\/)?blobs\/([0-9a-f]{2})\/\1[0-9a-f]{62}$/

/** Whether a file of this name belongs into a backup: nothing else is ever written by restoring one. */
export function isKnownFile(name: string): boolean {
  const others: readonly string[] = [...keyFiles, ...plainFiles, DATABASE, SEALED_KEYS]
  return others.includes(name) || auditFile.test(name) || blobFile.test(name)
}

/** Whether a folder is that of a client: what it must not do twice would be undone by an older copy. */
export function clientFilesOf(folder: string): readonly string[] {
  const { rounds, ledger, recordLedger, federation }: Home = homeOf(folder)
  return [rounds, ledger, recordLedger, federation]
}

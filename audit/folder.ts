import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type AuditFilter, matchesFilter } from '../core/audit/filter.ts'
import { type AuditLine, readAuditLine } from '../core/audit/line.ts'
import type { FileLine } from '../core/audit/problem.ts'
import type { AuditRecord } from '../core/audit/record.ts'
import { type AuditReport, type AuditSources, verifyAudit } from '../core/audit/verify.ts'
import type { Crypto } from '../core/crypto/primitives.ts'
import { fromHex, toHex } from '../core/encoding/bytes.ts'
import { ParleyError } from '../core/errors/index.ts'
import { checkpointLines, logFiles, logLines } from './files.ts'
import { type AuditPublicKey, readPublicKey } from './public-key.ts'

/** Where the log of a coordinator’s or client’s folder lies in it. */
export const AUDIT_FOLDER = 'audit'

/**
 * The folder with the log that a path means: itself, or `audit` in it where it is a coordinator’s or a client’s. Throws
 * `object.not-found`.
 */
export async function auditFolderOf(path: string): Promise<string> {
  for (const folder of [path, join(path, AUDIT_FOLDER)]) {
    if ((await isFolder(folder)) && (await logFiles(folder)).length > 0) return folder
  }
  throw new ParleyError('object.not-found', `there is no audit log in ${path}`)
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

export type FolderReport = AuditReport & {
  /** The Ed25519 key that the checkpoints were held against, lower-case hex. */
  readonly publicKey: string
  /** Whether it was given, or is what the folder itself says: then it proves nothing against whoever wrote the folder. */
  readonly pinned: boolean
  /** Bytes of a last line that has no end: a write was cut, or is under way. */
  readonly torn?: number
}

/**
 * Verifies the log in a folder, beside whoever writes it, up to the first thing that is wrong. Checkpoints are read first: the log
 * only grows. Throws `object.not-found` where there is no key, `audit.corrupt` where the folder’s cannot be read.
 */
export async function verifyFolder(
  crypto: Pick<Crypto, 'sha256' | 'verify'>,
  folder: string,
  { publicKey, kept }: { readonly publicKey?: Uint8Array | undefined; readonly kept?: readonly FileLine[] } = {},
  take?: (line: AuditLine) => void,
): Promise<FolderReport> {
  const found = await readPublicKey(folder)
  const key = publicKey ?? keyIn(folder, found)
  let torn: number | undefined
  const log = logLines(folder, ({ bytes }) => {
    torn = bytes.length
  })
  const { federation } = found ?? {}
  const sources = { federation, log, checkpoints: checkpointLines(folder), ...(kept === undefined ? {} : { kept }) }
  const report = await verifyAudit(crypto, key, sources, take)
  const end = torn === undefined ? {} : { torn }
  return { ...report, publicKey: toHex(key), pinned: publicKey !== undefined, ...end }
}

/** What a folder has of a log, to be verified. */
export async function auditSourcesIn(folder: string): Promise<AuditSources> {
  const { federation } = (await readPublicKey(folder)) ?? {}
  return { federation, log: logLines(folder), checkpoints: checkpointLines(folder) }
}

function keyIn(folder: string, found: AuditPublicKey | undefined): Uint8Array {
  const key = fromHex(found?.publicKey ?? '')
  if (key?.length !== 32) throw new ParleyError('object.not-found', `${folder} has no public key of its log`)
  return key
}

/** The records of a folder that fit, oldest first; nothing is verified but their form. Throws `AuditFault`. */
export async function* queryFolder(folder: string, filter: AuditFilter): AsyncGenerator<AuditRecord> {
  for await (const { text } of logLines(folder)) {
    const { record } = readAuditLine(text)
    if (record !== undefined && matchesFilter(filter, record)) yield record
  }
}

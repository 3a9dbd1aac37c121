import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { auditIdField } from '../core/audit/record.ts'
import { canonicalJson } from '../core/encoding/canonical-json.ts'
import { ParleyError } from '../core/errors/index.ts'
import { keyField } from '../core/run/fields.ts'
import { type AuditFiles, FILE_MODE, syncFolder, systemCode } from './files.ts'

export const PUBLIC_KEY_FILE = 'audit-key.json'

const schema = z.strictObject({
  /** Whose log it is. */
  federation: auditIdField,
  /** The Ed25519 key that its checkpoints are signed with. */
  publicKey: keyField,
})
export type AuditPublicKey = z.output<typeof schema>

/** What a folder says of its log; it is as trustworthy as the folder. Throws `audit.corrupt`. */
export async function readPublicKey(folder: string): Promise<AuditPublicKey | undefined> {
  const path = join(folder, PUBLIC_KEY_FILE)
  const text = await readFile(path, 'utf8').catch((failure: unknown) => {
    if (systemCode(failure) === 'ENOENT') return undefined
    throw new ParleyError('audit.corrupt', `${path} cannot be read`, { cause: failure })
  })
  return text === undefined ? undefined : parsePublicKey(text, path)
}

/** What such a file says, and what `GET /v1/audit/key` answers. Throws `audit.corrupt`, which names `what`. */
export function parsePublicKey(text: string, what: string): AuditPublicKey {
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new ParleyError('audit.corrupt', `${what} is not the public key of a log`, { cause })
  }
}

/** The text of such a file. */
export function publicKeyText(key: AuditPublicKey): string {
  return `${canonicalJson(key)}\n`
}

/** Writes it where it is not there. Throws `audit.corrupt` where another one is. */
export async function keepPublicKey(files: AuditFiles, folder: string, key: AuditPublicKey): Promise<void> {
  const found = await readPublicKey(folder)
  if (found === undefined) return await writePublicKey(files, folder, key)
  if (found.federation !== key.federation) {
    throw new ParleyError('audit.corrupt', `${folder} has the log of ${found.federation}, not of ${key.federation}`)
  }
  if (found.publicKey !== key.publicKey) {
    throw new ParleyError('audit.corrupt', `the log in ${folder} is signed with another audit key: ${found.publicKey}`)
  }
}

/** Whole or not at all, whenever the process ends. */
export async function writePublicKey(files: AuditFiles, folder: string, key: AuditPublicKey): Promise<void> {
  const path = join(folder, PUBLIC_KEY_FILE)
  const file = await files.open(`${path}.tmp`, 'w', FILE_MODE)
  try {
    await file.writeFile(publicKeyText(key))
    await file.sync()
  } finally {
    await file.close()
  }
  await files.rename(`${path}.tmp`, path)
  await syncFolder(files, folder)
}

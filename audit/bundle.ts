import { type FileHandle, mkdir, open, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ChainReader } from '../core/audit/chain-reader.ts'
import { auditLineText } from '../core/audit/line.ts'
import { readCheckpoints } from '../core/audit/read-checkpoints.ts'
import type { AuditRecord } from '../core/audit/record.ts'
import type { Crypto } from '../core/crypto/primitives.ts'
import { fromHex } from '../core/encoding/bytes.ts'
import { ParleyError } from '../core/errors/index.ts'
import { CHECKPOINTS, checkpointLines, FILE_MODE, FOLDER_MODE, logFileName, logLines, nodeFiles } from './files.ts'
import { type AuditPublicKey, readPublicKey, writePublicKey } from './public-key.ts'

export type ExportRequest = {
  /** The folder with the log. */
  readonly from: string
  /** Made where it is not there; it must be empty. */
  readonly to: string
  /** Records that do not fit are redacted: their leaves stay, so that the bundle verifies. By default all fit. */
  readonly shown?: (record: AuditRecord) => boolean
}

export type Exported = {
  readonly records: number
  readonly redacted: number
  readonly checkpoints: number
  readonly publicKey: string
}

/**
 * Writes a folder that can be verified without the coordinator: records, checkpoints, the public key, and how to check them. The
 * log is verified on the way. Throws `audit.corrupt`, `config.invalid` where the folder is not empty.
 */
export async function exportBundle(
  crypto: Pick<Crypto, 'sha256' | 'verify'>,
  { from, to, shown = () => true }: ExportRequest,
): Promise<Exported> {
  const key = await readPublicKey(from)
  const publicKey = fromHex(key?.publicKey ?? '')
  if (key === undefined || publicKey === undefined) {
    throw new ParleyError('object.not-found', `${from} has no public key of its log`)
  }
  await emptyFolder(to)
  const marks: string[] = []
  for await (const { text } of checkpointLines(from)) marks.push(text)
  const placed = marks.map((text, index) => ({ file: CHECKPOINTS, line: index + 1, text }))
  const checkpoints = await readCheckpoints(crypto, publicKey, placed)
  const reader = new ChainReader(crypto, { federation: key.federation, checkpoints })
  const redacted = await copy(reader, from, join(to, logFileName(0)), shown)
  await writeFile(join(to, CHECKPOINTS), marks.map((line) => `${line}\n`).join(''), { mode: FILE_MODE })
  await writePublicKey(nodeFiles, to, key)
  await writeFile(join(to, 'README.md'), readme(key), { mode: FILE_MODE })
  return { records: reader.next, redacted, checkpoints: marks.length, publicKey: key.publicKey }
}

const PIECE = 2 ** 20

/** Copies every line that verifies; returns how many are redacted. */
async function copy(
  reader: ChainReader,
  from: string,
  path: string,
  shown: (record: AuditRecord) => boolean,
): Promise<number> {
  const file = await open(path, 'wx', FILE_MODE)
  let redacted = 0
  let text = ''
  let last = { file: CHECKPOINTS, line: 0 }
  try {
    for await (const line of logLines(from)) {
      const { head, leaf, record } = reader.take(line)
      const hidden = record === undefined || !shown(record)
      if (hidden) redacted++
      text += `${hidden ? auditLineText(head, leaf) : line.text}\n`
      if (text.length > PIECE) text = await flush(file, text)
      last = { file: line.file, line: line.line }
    }
    reader.end(last)
    await flush(file, text)
    return redacted
  } finally {
    await file.close()
  }
}

async function flush(file: FileHandle, text: string): Promise<string> {
  await file.writeFile(text)
  return ''
}

async function emptyFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: FOLDER_MODE })
    if ((await readdir(path)).length === 0) return
  } catch (cause) {
    throw new ParleyError('config.invalid', `${path} cannot be made: ${ParleyError.from(cause).message}`, { cause })
  }
  throw new ParleyError('config.invalid', `${path} is not empty`)
}

/** How a log is checked without the coordinator. */
function readme({ federation, publicKey }: AuditPublicKey): string {
  return `# Audit log of ${federation}

| file | what is in it |
| --- | --- |
| \`audit-0.jsonl\` | one record a line, with its leaf and the head of the chain after it; redacted records have only these |
| \`checkpoints.jsonl\` | signed heads: DSSE envelopes, \`application/vnd.parley.audit-checkpoint+json\`, Ed25519 |
| \`audit-key.json\` | whose log it is, and the public key of the checkpoints |

Check it with \`parley audit verify . --key ${publicKey}\`. Take the key from somewhere else than this folder: from the
coordinator’s operator, or from \`GET /v1/audit/key\`. A checkpoint that you kept from earlier goes in with \`--checkpoint FILE\`.

Without Parley (\`‖\`: bytes one after the other; \`\\n\`: one byte; hashes are SHA-256):

    head before the first record = SHA-256("parley.audit.genesis.v1\\n" ‖ "${federation}")
    leaf = SHA-256("parley.audit.record.v1\\n" ‖ the bytes of "record" as they stand in the line)
    head = SHA-256("parley.audit.head.v1\\n" ‖ the head before, 32 bytes ‖ leaf, 32 bytes)

A checkpoint’s payload names \`seq\` and the \`head\` after that record; its signature is over DSSE’s encoding
\`DSSEv1 <length of type> <type> <length of payload> <payload>\`. \`previous\` is SHA-256 of the payload before it.
`
}

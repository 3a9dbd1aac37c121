import { genesisHead, leafOf, nextHead } from '../../core/audit/chain.ts'
import { type Checkpoint, checkpointSigner } from '../../core/audit/checkpoint.ts'
import { auditLineText } from '../../core/audit/line.ts'
import type { FileLine } from '../../core/audit/problem.ts'
import { type AuditRecord, auditRecordText, instantOf } from '../../core/audit/record.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { toHex } from '../../core/encoding/bytes.ts'

export const FEDERATION = 'fed_01HZX4T6Q8'
export const auditKey = nodeCrypto.signingKey(Uint8Array.from({ length: 32 }, (_, i) => i))

export function recordAt(seq: number, changes: Partial<AuditRecord> = {}): AuditRecord {
  return {
    action: 'client.connect',
    actor: { id: `cli_${seq % 3}`, kind: 'client' },
    at: instantOf(1_000 * seq),
    details: { n: seq },
    object: { id: `run_${seq % 2}`, kind: 'run' },
    outcome: 'ok',
    salt: seq.toString(16).padStart(32, '0'),
    seq,
    v: 1,
    ...changes,
  }
}

/** Lines and checkpoints of a log, without newlines: one checkpoint after each of `after`. */
export async function logOf(
  records: readonly AuditRecord[],
  after: readonly number[],
  federation = FEDERATION,
): Promise<{ lines: string[]; checkpoints: string[] }> {
  const signer = checkpointSigner(auditKey)
  let head = genesisHead(nodeCrypto, federation)
  const lines: string[] = []
  const checkpoints: string[] = []
  let previous: string | undefined
  for (const record of records) {
    const text = auditRecordText(record)
    const leaf = leafOf(nodeCrypto, text)
    head = nextHead(nodeCrypto, head, leaf)
    lines.push(auditLineText(toHex(head), toHex(leaf), text))
    if (!after.includes(record.seq)) continue
    const at = instantOf(1_000 * record.seq)
    const named = previous === undefined ? {} : { previous }
    const checkpoint: Checkpoint = { at, federation, head: toHex(head), seq: record.seq, v: 1, ...named }
    const line = await signer.sign(checkpoint)
    checkpoints.push(line)
    const payload = Buffer.from((JSON.parse(line) as { payload: string }).payload, 'base64')
    previous = toHex(nodeCrypto.sha256(payload))
  }
  return { lines, checkpoints }
}

export function placed(file: string, lines: readonly string[]): FileLine[] {
  return lines.map((text, index) => ({ file, line: index + 1, text }))
}

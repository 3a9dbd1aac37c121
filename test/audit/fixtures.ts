import { genesisHead, leafOf, nextHead } from '../../core/audit/chain.ts'
import { type Checkpoint, checkpointSigner } from '../../core/audit/checkpoint.ts'
import { auditLineText } from '../../core/audit/line.ts'
import type { FileLine } from '../../core/audit/problem.ts'
import { type AuditRecord, auditRecordText, instantOf } from '../../core/audit/record.ts'
import type { Clock } from '../../core/clock.ts'
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

/** A clock that goes on when it is told to. */
export class HandClock implements Clock {
  #now = Date.UTC(2026, 0, 1)
  readonly #timers = new Set<{ readonly at: number; readonly action: () => void }>()

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#now
  }

  after(ms: number, action: () => void): () => void {
    const timer = { at: this.#now + ms, action }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  advance(ms: number): void {
    this.#now += ms
    for (const timer of this.#timers) {
      if (timer.at > this.#now) continue
      this.#timers.delete(timer)
      timer.action()
    }
  }
}

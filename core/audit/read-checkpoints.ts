import type { Crypto } from '../crypto/primitives.ts'
import { ParleyError } from '../errors/index.ts'
import { checkpointFault, readCheckpoint, type SeenCheckpoint } from './checkpoint.ts'
import { AuditFault, type AuditProblemKind, type FileLine } from './problem.ts'

/** A checkpoint, and where it stands. */
export type PlacedCheckpoint = SeenCheckpoint & { readonly file: string; readonly line: number }

/** Reads all checkpoints of a file, each by the key and after the one before. Throws `AuditFault`. */
export async function readCheckpoints(
  crypto: Pick<Crypto, 'sha256' | 'verify'>,
  publicKey: Uint8Array,
  lines: Iterable<FileLine> | AsyncIterable<FileLine>,
): Promise<PlacedCheckpoint[]> {
  const found: PlacedCheckpoint[] = []
  for await (const { file, line, text } of lines) {
    const last = found.at(-1)
    const fault = (kind: AuditProblemKind, message: string) =>
      new AuditFault({ kind, seq: last?.checkpoint.seq ?? 0, file, line, message: `a checkpoint: ${message}` })
    let seen: SeenCheckpoint
    try {
      seen = await readCheckpoint(crypto, publicKey, text)
    } catch (failure) {
      throw fault('malformed', ParleyError.from(failure).message)
    }
    const wrong = checkpointFault(last, seen)
    if (wrong !== undefined) throw fault('order', wrong)
    found.push({ ...seen, file, line })
  }
  return found
}

import { ChainReader } from '../core/audit/chain-reader.ts'
import { type PlacedCheckpoint, readCheckpoints } from '../core/audit/read-checkpoints.ts'
import type { AuditRecord } from '../core/audit/record.ts'
import type { Crypto } from '../core/crypto/primitives.ts'
import { CHECKPOINTS, checkpointLines, logLines, type Torn } from './files.ts'

/** What was found of a log on the disk. */
export type Found = {
  readonly reader: ChainReader
  readonly newest: PlacedCheckpoint | undefined
  /** Heads that were signed, by their records. */
  readonly heads: Map<number, string>
  /** What crashes cut in the middle of a line. */
  readonly torn: readonly Torn[]
}

/**
 * Reads and verifies a whole log before it is gone on with. Throws `AuditFault` for everything that is wrong with it but a last
 * line without its end, which was never acknowledged. `seen` is shown every record.
 */
export async function recover(
  crypto: Pick<Crypto, 'sha256' | 'verify'>,
  folder: string,
  { federation, publicKey }: { readonly federation: string; readonly publicKey: Uint8Array },
  seen: (record: AuditRecord) => void,
): Promise<Found> {
  const torn: Torn[] = []
  const note = (one: Torn) => void torn.push(one)
  const checkpoints = await readCheckpoints(crypto, publicKey, checkpointLines(folder, note))
  const reader = new ChainReader(crypto, { federation, checkpoints })
  let last = { file: CHECKPOINTS, line: checkpoints.length }
  for await (const line of logLines(folder, note)) {
    const { record } = reader.take(line)
    if (record !== undefined) seen(record)
    last = { file: line.file, line: line.line }
  }
  reader.end(last)
  const heads = new Map(checkpoints.map(({ checkpoint }) => [checkpoint.seq, checkpoint.head]))
  return { reader, newest: checkpoints.at(-1), heads, torn }
}

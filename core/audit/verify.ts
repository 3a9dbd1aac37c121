import type { Crypto } from '../crypto/primitives.ts'
import { ParleyError } from '../errors/index.ts'
import { ChainReader, type ChainReport } from './chain-reader.ts'
import { readCheckpoint } from './checkpoint.ts'
import type { AuditLine } from './line.ts'
import { AuditFault, type AuditProblem, type FileLine } from './problem.ts'
import { type PlacedCheckpoint, readCheckpoints } from './read-checkpoints.ts'

/** What was verified, up to the first thing that is wrong. */
export type AuditReport = ChainReport & { readonly problem?: AuditProblem }

export type AuditSources = {
  /** Whose log it should be; without it the checkpoints say so, or the first record. */
  readonly federation?: string | undefined
  /** Every line of the log, in order. */
  readonly log: Iterable<FileLine> | AsyncIterable<FileLine>
  /** Every line of its checkpoints. */
  readonly checkpoints: Iterable<FileLine> | AsyncIterable<FileLine>
  /** Checkpoints that somebody else has kept: they must be in the history too. */
  readonly kept?: readonly FileLine[]
}

/**
 * Verifies a log with its checkpoints by the public audit key, up to the first thing that is wrong. What it cannot see:
 * records after the newest checkpoint that were taken off the end, and what whoever has the key wrote anew from a point on that
 * no checkpoint kept elsewhere is of. `take` is shown every verified line.
 */
export async function verifyAudit(
  crypto: Pick<Crypto, 'sha256' | 'verify'>,
  publicKey: Uint8Array,
  { federation, log, checkpoints, kept = [] }: AuditSources,
  take: (line: AuditLine) => void = () => {},
): Promise<AuditReport> {
  let reader: ChainReader | undefined
  try {
    const placed = await readCheckpoints(crypto, publicKey, checkpoints)
    const elsewhere: PlacedCheckpoint[] = []
    // Each by itself: whoever keeps some need not have all.
    for (const one of kept) {
      const seen = await readCheckpoint(crypto, publicKey, one.text).catch((failure: unknown) => {
        const { message } = ParleyError.from(failure)
        throw new AuditFault({ kind: 'malformed', seq: 0, file: one.file, line: one.line, message })
      })
      elsewhere.push({ ...seen, file: one.file, line: one.line })
    }
    const all = [...placed, ...elsewhere].sort((a, b) => a.checkpoint.seq - b.checkpoint.seq)
    const whose = federation ?? placed[0]?.checkpoint.federation
    reader = new ChainReader(crypto, { federation: whose, checkpoints: all })
    let last: Omit<FileLine, 'text'> = { file: 'the log', line: 0 }
    for await (const line of log) {
      take(reader.take(line))
      last = { file: line.file, line: line.line }
    }
    reader.end(last)
    return reader.report()
  } catch (fault) {
    if (!(fault instanceof AuditFault)) throw fault
    return { ...(reader?.report() ?? { records: 0, redacted: 0, checkpoints: 0 }), problem: fault.problem }
  }
}

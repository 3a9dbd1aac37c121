import { ChainReader, type ChainReport } from '../core/audit/chain-reader.ts'
import type { AuditLine } from '../core/audit/line.ts'
import { readAuditLine } from '../core/audit/line.ts'
import { AuditFault, type AuditProblem } from '../core/audit/problem.ts'
import { portableCrypto } from '../core/crypto/portable.ts'

/** A line and the number of its record. */
export type ReadLine = AuditLine & { readonly seq: number }

/** What was fetched of a log, what of it is verified, and the first thing that is wrong. */
export type ReadLog = {
  readonly lines: readonly ReadLine[]
  readonly report: ChainReport
  readonly problem: AuditProblem | undefined
  /** There is more than was fetched. */
  readonly more: boolean
}

/** Lines of one answer, and most of all. */
export const PAGE_LINES = 5_000
export const MOST_LINES = 200_000

/**
 * Reads a log from its first record on, and follows its chain. `fetchLines` gives up to `limit` lines from record `from` on. Lines after the
 * first thing that is wrong are read too, and shown as not verified.
 */
export async function readLog(
  federation: string,
  fetchLines: (from: number, limit: number) => Promise<readonly string[]>,
  progress: (lines: number) => void = () => {},
): Promise<ReadLog> {
  const reader = new ChainReader(portableCrypto, { federation })
  const lines: ReadLine[] = []
  let problem: AuditProblem | undefined
  for (let from = 0; from < MOST_LINES; from += PAGE_LINES) {
    const texts = await fetchLines(from, PAGE_LINES)
    for (const [i, text] of texts.entries()) {
      const seq = from + i
      problem ??= faultOf(() => reader.take({ file: 'the log', line: seq + 1, text }))
    }
    lines.push(...readLines(texts, from))
    progress(from + texts.length)
    if (texts.length < PAGE_LINES) return { lines, report: reader.report(), problem, more: false }
  }
  return { lines, report: reader.report(), problem, more: true }
}

/** Lines as they are, of which nothing is verified; what is no line is left out. `from`: the record of the first. */
export function readLines(texts: readonly string[], from: number): readonly ReadLine[] {
  return texts.flatMap((text, i) => {
    const line = attempt(() => readAuditLine(text))
    return line === undefined ? [] : [{ ...line, seq: from + i }]
  })
}

function faultOf(work: () => unknown): AuditProblem | undefined {
  try {
    work()
    return undefined
  } catch (fault) {
    if (fault instanceof AuditFault) return fault.problem
    throw fault
  }
}

function attempt<Value>(work: () => Value): Value | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

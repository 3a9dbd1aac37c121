import type { Crypto } from '../crypto/primitives.ts'
import { equalBytes, fromHex, toHex } from '../encoding/bytes.ts'
import { ParleyError } from '../errors/index.ts'
import { genesisHead, leafOf, nextHead } from './chain.ts'
import { type AuditLine, readAuditLine } from './line.ts'
import { AuditFault, type AuditProblemKind, type FileLine } from './problem.ts'
import type { PlacedCheckpoint } from './read-checkpoints.ts'

/** What was verified of a log. */
export type ChainReport = {
  /** Whose log it is; undefined where it is empty. */
  readonly federation?: string
  /** Lines that were verified, redacted ones included. */
  readonly records: number
  readonly redacted: number
  readonly checkpoints: number
  /** The newest record that a checkpoint vouches for; undefined where there is none. */
  readonly covered?: number
  /** After the last line that was verified, lower-case hex. */
  readonly head?: string
}

/** Follows a log line by line, from its first record on. Holds nothing of it but the head. */
export class ChainReader {
  readonly #crypto: Pick<Crypto, 'sha256'>
  readonly #checkpoints: readonly PlacedCheckpoint[]
  #federation: string | undefined
  #head: Uint8Array | undefined
  #records = 0
  #redacted = 0
  #passed = 0

  /** `checkpoints` in the order of their records. Without `federation` the checkpoints say whose log it is, or its first record. */
  constructor(
    crypto: Pick<Crypto, 'sha256'>,
    options: { readonly federation?: string | undefined; readonly checkpoints?: readonly PlacedCheckpoint[] } = {},
  ) {
    this.#crypto = crypto
    this.#checkpoints = options.checkpoints ?? []
    const signed = this.#checkpoints[0]
    this.#federation = options.federation ?? signed?.checkpoint.federation
    for (const one of this.#checkpoints) {
      const { federation } = one.checkpoint
      if (federation === this.#federation) continue
      throw faultAt(one, 'fork', `it is of the log of ${federation}, not of ${this.#federation}`)
    }
  }

  get federation(): string | undefined {
    return this.#federation
  }

  /** The number of the next record. */
  get next(): number {
    return this.#records
  }

  /** 32 bytes; undefined before the first record of a log that nobody has named. */
  get head(): Uint8Array | undefined {
    return this.#head ?? (this.#federation === undefined ? undefined : genesisHead(this.#crypto, this.#federation))
  }

  /** Takes the next line. Throws `AuditFault`. */
  take(at: FileLine): AuditLine {
    const seq = this.#records
    const fault = (kind: AuditProblemKind, message: string) =>
      new AuditFault({ kind, seq, file: at.file, line: at.line, message })
    let line: AuditLine
    try {
      line = readAuditLine(at.text)
    } catch (failure) {
      throw fault('malformed', ParleyError.from(failure).message)
    }
    this.#checkRecord(line, fault)
    const head = this.#checkHead(line, fault)
    this.#checkCheckpoint(seq, line)
    this.#head = head
    this.#records++
    if (line.record === undefined) this.#redacted++
    return line
  }

  /** After the last line: no checkpoint speaks of more. `at`: where the log ends. Throws `AuditFault`. */
  end(at: Omit<FileLine, 'text'>): void {
    const beyond = this.#checkpoints[this.#passed]
    if (beyond === undefined) return
    const { file, line, checkpoint } = beyond
    const message = `the log ends here, and ${file}, line ${line} is a checkpoint of record ${checkpoint.seq}`
    throw new AuditFault({ kind: 'truncated', seq: this.#records, ...at, message })
  }

  report(): ChainReport {
    const covered = this.#checkpoints[this.#passed - 1]?.checkpoint.seq
    return {
      ...(this.#federation === undefined ? {} : { federation: this.#federation }),
      records: this.#records,
      redacted: this.#redacted,
      checkpoints: this.#passed,
      ...(covered === undefined ? {} : { covered }),
      ...(this.#head === undefined ? {} : { head: toHex(this.#head) }),
    }
  }

  #checkRecord({ record, recordText, leaf }: AuditLine, fault: MakeFault): void {
    if (record === undefined || recordText === undefined) return
    const next = this.#records
    if (record.seq > next) throw fault('gap', `record ${record.seq} stands here: ${missing(next, record.seq)} missing`)
    if (record.seq < next) throw fault('order', `record ${record.seq} stands here, after record ${next - 1}`)
    if (toHex(leafOf(this.#crypto, recordText)) !== leaf) throw fault('edited', 'the record does not have its leaf')
    if (next === 0 && record.object.kind === 'federation') this.#federation ??= record.object.id
  }

  #checkHead({ head, leaf }: AuditLine, fault: MakeFault): Uint8Array {
    const before = this.head
    if (before === undefined) throw fault('chain', 'nothing says whose log this is: its first record is redacted')
    const computed = nextHead(this.#crypto, before, fromHex(leaf) ?? new Uint8Array(0))
    if (!equalBytes(computed, fromHex(head) ?? new Uint8Array(0))) {
      throw fault('chain', 'the head does not follow from the lines before it')
    }
    return computed
  }

  #checkCheckpoint(seq: number, { head }: AuditLine): void {
    for (;;) {
      const due = this.#checkpoints[this.#passed]
      if (due === undefined || due.checkpoint.seq > seq) return
      if (due.checkpoint.head !== head) {
        throw faultAt(due, 'fork', `it says another head of record ${due.checkpoint.seq} than the log has`)
      }
      this.#passed++
    }
  }
}

type MakeFault = (kind: AuditProblemKind, message: string) => AuditFault

function faultAt({ file, line, checkpoint }: PlacedCheckpoint, kind: AuditProblemKind, message: string): AuditFault {
  return new AuditFault({ kind, seq: checkpoint.seq, file, line, message: `a checkpoint: ${message}` })
}

function missing(from: number, to: number): string {
  return to - from === 1 ? `record ${from} is` : `records ${from} to ${to - 1} are`
}

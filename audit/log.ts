import { leafOf, nextHead } from '../core/audit/chain.ts'
import {
  type Checkpoint,
  type CheckpointSigner,
  checkpointSigner,
  readCheckpoint,
  type SeenCheckpoint,
} from '../core/audit/checkpoint.ts'
import { recordOf } from '../core/audit/entry.ts'
import { type AuditFilter, matchesFilter } from '../core/audit/filter.ts'
import { auditLineText, readAuditLine } from '../core/audit/line.ts'
import { type AuditRecord, auditRecordText, instantOf, SALT_BYTES } from '../core/audit/record.ts'
import type { AuditEntry, AuditSink } from '../core/audit/sink.ts'
import type { Clock } from '../core/clock.ts'
import type { Crypto, SigningKey } from '../core/crypto/primitives.ts'
import { toHex, utf8 } from '../core/encoding/bytes.ts'
import { ParleyError } from '../core/errors/index.ts'
import { AppendFile } from './append-file.ts'
import {
  type AuditFiles,
  CHECKPOINTS,
  checkpointLines,
  FOLDER_MODE,
  logFileName,
  logFiles,
  logLines,
  nodeFiles,
} from './files.ts'
import { keepPublicKey } from './public-key.ts'
import { type Found, recover } from './recovery.ts'

export type AuditLogOptions = {
  /** Whose log it is: it stands in the first head, and no other log can be put in its place. */
  readonly federation: string
  /** Ed25519; it signs checkpoints and nothing else. */
  readonly key: SigningKey
  readonly crypto: Crypto
  readonly clock: Clock
  /** By default the operating system's. */
  readonly files?: AuditFiles
  /** A file that is longer is followed by a new one; 64 MiB by default. */
  readonly fileBytes?: number
  /** Records between checkpoints at most, and milliseconds while there is something new; 1,000 and 10 minutes by default. */
  readonly checkpointRecords?: number
  readonly checkpointMs?: number
  /** Shown every record that is there already. */
  readonly seen?: (record: AuditRecord) => void
}

/** A log up to a checkpoint, which is the last of its lines. */
export type LogSnapshot = { readonly records: number; readonly checkpoints: readonly string[] }

/** What the coordinator says of its log to those who keep its checkpoints. */
export type LogState = { readonly publicKey: Uint8Array; readonly newest: string; readonly held?: string }

type Waiting = { readonly seq: number; readonly line: string; readonly resolve: () => void; readonly reject: Reject }
type Reject = (error: ParleyError) => void

/**
 * An audit log in a folder: lines are appended and synced before whoever appended them goes on; many that wait share one sync.
 * After a failure nothing more is written: what is on the disk then is found out at the next start.
 */
export class AuditLog implements AuditSink {
  readonly #folder: string
  readonly #options: AuditLogOptions
  readonly #files: AuditFiles
  readonly #signer: CheckpointSigner
  readonly #unlock: () => void
  #file: AppendFile
  readonly #checkpoints: AppendFile
  /** Of the last line that was made, whether it is on the disk or not. */
  #head: Uint8Array
  #next: number
  /** Records that are on the disk, and the head after them. */
  #durable: { readonly records: number; readonly head: Uint8Array }
  #newest: SeenCheckpoint | undefined
  /** Heads that were signed, by their records. */
  readonly #heads: Map<number, string>
  #waiting: Waiting[] = []
  /** The newest line that waits, or waited, for the disk. */
  #last: Promise<void> = Promise.resolve()
  #writing: Promise<void> | undefined
  #marking: Promise<unknown> = Promise.resolve()
  #failure: ParleyError | undefined
  #closed: Promise<void> | undefined
  #cancel: (() => void) | undefined

  private constructor(folder: string, options: AuditLogOptions, unlock: () => void, found: Found, opened: Opened) {
    this.#folder = folder
    this.#options = options
    this.#files = options.files ?? nodeFiles
    this.#signer = checkpointSigner(options.key)
    this.#unlock = unlock
    this.#file = opened.file
    this.#checkpoints = opened.checkpoints
    this.#newest = found.newest
    this.#heads = found.heads
    this.#next = found.reader.next
    this.#head = found.reader.head ?? new Uint8Array(0)
    this.#durable = { records: this.#next, head: this.#head }
  }

  /**
   * Opens the log in a folder, which is made where it is not there (0700, files 0600), and verifies all of it. A last line that
   * a crash cut is removed and noted (`audit.recover`). Throws `audit.corrupt` for any other damage, with file and line,
   * `audit.locked` where another process writes it, `audit.unavailable` where the disk fails.
   */
  static async open(folder: string, options: AuditLogOptions): Promise<AuditLog> {
    const { crypto, federation, key, files = nodeFiles, seen = () => {} } = options
    const who = { federation, publicKey: toHex(key.publicKey) }
    await failing(`making ${folder}`, () => files.mkdir(folder, { recursive: true, mode: FOLDER_MODE }))
    // Loaded when it is needed: the database is most of what there is to load here.
    const { lockFolder } = await import('./lock.ts')
    const unlock = await lockFolder(folder)
    try {
      return await failing(`opening ${folder}`, async () => {
        await keepPublicKey(files, folder, who)
        const found = await recover(crypto, folder, { federation, publicKey: key.publicKey }, seen)
        const opened = await openFiles(files, folder, found)
        const log = new AuditLog(folder, options, unlock, found, opened)
        await log.#begin(found).catch(async (failure: unknown) => {
          await log.close()
          throw failure
        })
        return log
      })
    } catch (failure) {
      unlock()
      throw failure
    }
  }

  get publicKey(): Uint8Array {
    return this.#signer.publicKey
  }

  get federation(): string {
    return this.#options.federation
  }

  /** Records that are on the disk. */
  get records(): number {
    return this.#durable.records
  }

  async append(entry: AuditEntry): Promise<number> {
    if (this.#failure !== undefined) throw this.#failure
    const { crypto, clock } = this.#options
    const seq = this.#next
    const salt = toHex(crypto.randomBytes(SALT_BYTES))
    const text = auditRecordText(recordOf(entry, { seq, at: clock.now(), salt }))
    const leaf = leafOf(crypto, text)
    this.#head = nextHead(crypto, this.#head, leaf)
    this.#next++
    const line = `${auditLineText(toHex(this.#head), toHex(leaf), text)}\n`
    const head = this.#head
    const written = new Promise<void>((resolve, reject) => {
      const done = () => {
        this.#durable = { records: seq + 1, head }
        resolve()
      }
      this.#waiting.push({ seq, line, resolve: done, reject })
      this.#writing ??= this.#write()
    })
    this.#last = written
    await written
    return seq
  }

  async settled(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    await this.#last
  }

  /** Resolves when the checkpoint is on the disk; at once where there is nothing new. Rejects with `audit.unavailable`. */
  async checkpoint(): Promise<void> {
    await this.settled()
    await this.#mark()
  }

  /** Lines on the disk from record `from` on, without their newlines: at most `limit`. */
  async *lines(from = 0, limit = Number.POSITIVE_INFINITY): AsyncGenerator<string> {
    const end = Math.min(this.#durable.records, from + limit)
    if (from >= end) return
    for await (const { text, seq } of logLines(this.#folder, () => {}, from)) {
      if (seq >= end) return
      if (seq >= from) yield text
    }
  }

  /** Signs a checkpoint, and gives how many records the newest covers, with the lines of all checkpoints up to it. */
  async snapshot(): Promise<LogSnapshot> {
    await this.checkpoint()
    const newest = this.#newest?.checkpoint.seq ?? -1
    const checkpoints: string[] = []
    for await (const { text } of checkpointLines(this.#folder)) {
      checkpoints.push(text)
      const { checkpoint } = await readCheckpoint(this.#options.crypto, this.publicKey, text)
      if (checkpoint.seq >= newest) break
    }
    return { records: newest + 1, checkpoints }
  }

  /**
   * What a client is told of the log, as lines: the newest checkpoint; and a new one of as many records as it names, where one of
   * so many was signed before. It stands in no file, and has no `previous`.
   */
  async state(records: number): Promise<LogState> {
    if (this.#newest === undefined) await this.checkpoint()
    const { publicKey } = this
    const newest = this.#newest
    if (newest === undefined) throw new ParleyError('audit.unavailable', 'the log is empty')
    const head = this.#heads.get(records - 1)
    const { clock, federation } = this.#options
    const sign = (checkpoint: Omit<Checkpoint, 'at' | 'federation' | 'v'>) =>
      this.#signer.sign({ at: instantOf(clock.now()), federation, v: 1, ...checkpoint })
    const held = head === undefined ? {} : { held: await sign({ head, seq: records - 1 }) }
    return { publicKey, newest: await this.#signer.sign(newest.checkpoint), ...held }
  }

  /** The records on the disk that fit, oldest first. */
  async *query(filter: AuditFilter): AsyncGenerator<AuditRecord> {
    for await (const text of this.lines()) {
      const { record } = readAuditLine(text)
      if (record !== undefined && matchesFilter(filter, record)) yield record
    }
  }

  /** Writes what waits, signs a last checkpoint, and gives the folder back. May be called twice. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #begin({ torn }: Found): Promise<void> {
    const actor = { kind: 'system', id: 'parley' } as const
    const object = { kind: 'federation', id: this.#options.federation }
    if (this.#next === 0) {
      await this.append({ action: 'audit.create', actor, object, details: { key: toHex(this.publicKey) } })
    }
    for (const { file, bytes } of torn) {
      const details = { file, bytes: bytes.length, sha256: toHex(this.#options.crypto.sha256(bytes)) }
      await this.append({ action: 'audit.recover', actor, object, details })
    }
  }

  /** Writes all that waits, and what comes meanwhile. Never rejects. */
  async #write(): Promise<void> {
    while (this.#waiting.length > 0 && this.#failure === undefined) {
      // Whoever appends in this turn of the event loop shares the sync.
      await Promise.resolve()
      const batch = this.#waiting.splice(0)
      try {
        await this.#writeBatch(batch)
        for (const { resolve } of batch) resolve()
        await this.#markInTime()
      } catch (failure) {
        this.#fail(failure, batch)
      }
    }
    this.#writing = undefined
  }

  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    const { fileBytes = FILE_BYTES } = this.#options
    let pieces: Uint8Array[] = []
    let size = this.#file.size
    for (const { seq, line } of batch) {
      const bytes = utf8(line)
      if (size > 0 && size + bytes.length > fileBytes) {
        if (pieces.length > 0) await this.#file.append(Buffer.concat(pieces))
        await this.#file.close()
        this.#file = await AppendFile.open(this.#files, this.#folder, logFileName(seq))
        pieces = []
        size = 0
      }
      pieces.push(bytes)
      size += bytes.length
    }
    await this.#file.append(Buffer.concat(pieces))
  }

  async #markInTime(): Promise<void> {
    const { clock, checkpointRecords = CHECKPOINT_RECORDS, checkpointMs = CHECKPOINT_MS } = this.#options
    const news = this.#durable.records - 1 - (this.#newest?.checkpoint.seq ?? -1)
    if (news >= checkpointRecords) await this.#mark()
    else if (news > 0 && this.#cancel === undefined) {
      this.#cancel = clock.after(checkpointMs, () => {
        this.#cancel = undefined
        // A failure is kept: whoever appends next is told.
        this.checkpoint().catch(() => {})
      })
    }
  }

  /** One after the other: each names the one before. */
  #mark(): Promise<void> {
    const marked = this.#marking.then(() => this.#markNow())
    this.#marking = marked.catch(() => {})
    return marked
  }

  async #markNow(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    const { crypto, clock, federation } = this.#options
    const { records, head } = this.#durable
    const seq = records - 1
    if (seq < 0 || this.#newest?.checkpoint.seq === seq) return
    this.#cancel?.()
    this.#cancel = undefined
    const previous = this.#newest === undefined ? {} : { previous: this.#newest.sha256 }
    const at = instantOf(clock.now())
    try {
      const line = await this.#signer.sign({ at, federation, head: toHex(head), seq, v: 1, ...previous })
      await this.#checkpoints.append(utf8(`${line}\n`))
      this.#newest = await readCheckpoint(crypto, this.publicKey, line)
      this.#heads.set(seq, toHex(head))
    } catch (failure) {
      this.#fail(failure, [])
      throw this.#failure
    }
  }

  #fail(failure: unknown, batch: readonly Waiting[]): void {
    this.#failure ??= unavailable(`writing to ${this.#folder}`, failure)
    for (const { reject } of [...batch, ...this.#waiting.splice(0)]) reject(this.#failure)
  }

  async #close(): Promise<void> {
    try {
      if (this.#failure === undefined) await this.checkpoint()
    } finally {
      this.#cancel?.()
      this.#failure ??= new ParleyError('audit.unavailable', 'the log is closed')
      await this.#file.close()
      await this.#checkpoints.close()
      this.#unlock()
    }
  }
}

const FILE_BYTES = 64 * 2 ** 20
const CHECKPOINT_RECORDS = 1_000
const CHECKPOINT_MS = 10 * 60_000

type Opened = { readonly file: AppendFile; readonly checkpoints: AppendFile }

/** Opens both files at their ends, without what a crash cut. */
async function openFiles(files: AuditFiles, folder: string, { torn, reader }: Found): Promise<Opened> {
  const name = (await logFiles(folder)).at(-1)?.name ?? logFileName(reader.next)
  const end = (file: string) => {
    const cut = torn.find((one) => one.file === file)
    return cut === undefined ? undefined : cut.size - cut.bytes.length
  }
  const file = await AppendFile.open(files, folder, name, end(name))
  try {
    return { file, checkpoints: await AppendFile.open(files, folder, CHECKPOINTS, end(CHECKPOINTS)) }
  } catch (failure) {
    await file.close()
    throw failure
  }
}

async function failing<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (failure) {
    throw unavailable(what, failure)
  }
}

function unavailable(what: string, failure: unknown): ParleyError {
  if (failure instanceof ParleyError) return failure
  const message = failure instanceof Error ? failure.message : String(failure)
  return new ParleyError('audit.unavailable', `${what}: ${message}`, { cause: failure })
}

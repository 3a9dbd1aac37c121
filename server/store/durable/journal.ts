import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers'
import type Database from 'better-sqlite3'
import { ParleyError } from '../../../core/errors/index.ts'
import type { Journal } from '../ports.ts'
import { sequenceConflict } from '../sequence.ts'
import { storeFailure } from './failures.ts'

type Row = { readonly sequence: number; readonly entry: string; readonly chain: Uint8Array }
type Head = { readonly next: number; readonly chain: Uint8Array }
type Waiting = {
  readonly run: string
  readonly sequence: number
  readonly entry: string
  readonly resolve: () => void
  readonly reject: (error: ParleyError) => void
}

/** Rows that are read and checked at a stretch. */
const READ_ROWS = 500

/**
 * The journal in SQLite. Appends that come while others are being handled are written in one transaction, with one sync
 * of the disk for all. Each entry carries SHA-256(the chain before it ‖ entry), and the head of each run is kept beside
 * it, so that an entry which was altered, dropped or cut off is found when the run is read.
 */
export class SqliteJournal implements Journal {
  readonly #database: Database.Database
  readonly #heads = new Map<string, Head>()
  readonly #insert: Database.Statement<[string, number, string, Uint8Array]>
  readonly #saveHead: Database.Statement<[string, number, Uint8Array]>
  readonly #findHead: Database.Statement<[string], Head>
  readonly #rows: Database.Statement<[string, number, number], Row>
  #waiting: Waiting[] = []

  constructor(database: Database.Database) {
    this.#database = database
    this.#insert = database.prepare('INSERT INTO journal (run, sequence, entry, chain) VALUES (?, ?, ?, ?)')
    this.#saveHead = database.prepare(
      `INSERT INTO journal_heads (run, next, chain) VALUES (?, ?, ?)
       ON CONFLICT (run) DO UPDATE SET next = excluded.next, chain = excluded.chain`,
    )
    this.#findHead = database.prepare('SELECT next, chain FROM journal_heads WHERE run = ?')
    this.#rows = database.prepare(
      'SELECT sequence, entry, chain FROM journal WHERE run = ? AND sequence >= ? AND sequence < ? ORDER BY sequence',
    )
  }

  append(run: string, sequence: number, entry: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ run, sequence, entry, resolve, reject })
      if (this.#waiting.length === 1) setImmediate(() => this.flush())
    })
  }

  async read(run: string): Promise<readonly string[]> {
    const what = `reading the journal of ${run}`
    const head = this.#attempt(what, () => this.#findHead.get(run)) ?? start(run)
    const entries: string[] = []
    let chain = start(run).chain
    for (let from = 0; from < head.next; from += READ_ROWS) {
      const to = Math.min(from + READ_ROWS, head.next)
      const rows = this.#attempt(what, () => this.#rows.all(run, from, to))
      for (let sequence = from; sequence < to; sequence++) {
        const row = rows[sequence - from]
        if (row === undefined || row.sequence !== sequence) throw corrupt(run, sequence, 'is missing')
        chain = link(chain, row.entry)
        if (!sameBytes(chain, row.chain)) throw corrupt(run, sequence, 'was altered')
        entries.push(row.entry)
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
    if (!sameBytes(chain, head.chain)) throw corrupt(run, head.next, 'is not where the journal should end')
    const now = this.#attempt(what, () => this.#findHead.get(run)) ?? head
    const beyond = this.#attempt(what, () => this.#rows.get(run, now.next, Number.MAX_SAFE_INTEGER))
    if (beyond !== undefined) throw corrupt(run, beyond.sequence, 'is one too many')
    return entries
  }

  /** Writes what waits, now. Called by itself after each append, and before closing. */
  flush(): void {
    const batch = this.#waiting
    this.#waiting = []
    if (batch.length === 0) return
    const heads = new Map<string, Head>()
    const refused = new Map<Waiting, ParleyError>()
    try {
      this.#database.transaction(() => this.#write(batch, heads, refused)).immediate()
    } catch (failure) {
      const error = storeFailure(failure, 'writing the journal')
      for (const waiting of batch) waiting.reject(error)
      return
    }
    for (const [run, head] of heads) this.#heads.set(run, head)
    for (const waiting of batch) {
      const error = refused.get(waiting)
      if (error === undefined) waiting.resolve()
      else waiting.reject(error)
    }
  }

  #write(batch: readonly Waiting[], heads: Map<string, Head>, refused: Map<Waiting, ParleyError>): void {
    for (const waiting of batch) {
      const { run, sequence, entry } = waiting
      const head = heads.get(run) ?? this.#heads.get(run) ?? this.#findHead.get(run) ?? start(run)
      if (sequence !== head.next) {
        refused.set(waiting, sequenceConflict(run, sequence, head.next))
        continue
      }
      const chain = link(head.chain, entry)
      this.#insert.run(run, sequence, entry, chain)
      heads.set(run, { next: sequence + 1, chain })
    }
    for (const [run, { next, chain }] of heads) this.#saveHead.run(run, next, chain)
  }

  #attempt<Result>(what: string, work: () => Result): Result {
    try {
      return work()
    } catch (failure) {
      throw storeFailure(failure, what)
    }
  }
}

function start(run: string): Head {
  return { next: 0, chain: createHash('sha256').update('parley.journal.v1\n').update(run).digest() }
}

function link(chain: Uint8Array, entry: string): Uint8Array {
  return createHash('sha256').update(chain).update(entry, 'utf8').digest()
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

function corrupt(run: string, sequence: number, what: string): ParleyError {
  return new ParleyError('store.corrupt', `entry ${sequence} of the journal of ${run} ${what}`, {
    details: { run, sequence },
  })
}

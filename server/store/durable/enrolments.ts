import type Database from 'better-sqlite3'
import { ParleyError } from '../../../core/errors/index.ts'
import type { EnrolmentRecord, EnrolmentRecords } from '../enrolment-ports.ts'
import { inTransaction } from './database.ts'
import { attempting } from './failures.ts'

export const enrolmentsSchema = `
  CREATE TABLE enrolments (
    client TEXT PRIMARY KEY,
    publicKey TEXT UNIQUE,
    record TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
`

const WHAT = 'the enrolments'

/** Who belongs to the federation, in SQLite. */
export class SqliteEnrolments implements EnrolmentRecords {
  readonly #database: Database.Database

  constructor(database: Database.Database) {
    this.#database = database
  }

  async enrolments(): Promise<readonly EnrolmentRecord[]> {
    const rows = attempting(WHAT, () => this.#database.prepare('SELECT record FROM enrolments ORDER BY client').all())
    return rows.map((row) => JSON.parse((row as { record: string }).record) as EnrolmentRecord)
  }

  async saveEnrolment(record: EnrolmentRecord): Promise<void> {
    const { client, publicKey = null } = record
    const sql = `INSERT INTO enrolments (client, publicKey, record) VALUES (?, ?, ?)
      ON CONFLICT (client) DO UPDATE SET publicKey = excluded.publicKey, record = excluded.record`
    inTransaction(this.#database, WHAT, () => {
      const other = this.#database.prepare('SELECT 1 FROM enrolments WHERE publicKey = ? AND client <> ?')
      if (publicKey !== null && other.get(publicKey, client) !== undefined) {
        throw new ParleyError('run.conflict', 'another client has this key')
      }
      this.#database.prepare(sql).run(client, publicKey, JSON.stringify(record))
    })
  }
}

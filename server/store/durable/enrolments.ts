import type Database from 'better-sqlite3'
import { ParleyError } from '../../../core/errors/index.ts'
import type { EnrolmentChange, EnrolmentRecord, EnrolmentRecords } from '../enrolment-ports.ts'
import { inTransaction } from './database.ts'
import { attempting } from './failures.ts'

export const enrolmentsSchema = `
  CREATE TABLE enrolments (
    client TEXT PRIMARY KEY,
    publicKey TEXT UNIQUE,
    record TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
`

/** What was done, beside what is so; of clients from before, what was so when this began to be kept. */
export const enrolmentChangesSchema = `
  CREATE TABLE enrolment_changes (
    position INTEGER PRIMARY KEY,
    client TEXT NOT NULL,
    change TEXT NOT NULL
  ) STRICT;
  CREATE INDEX enrolment_changes_of_client ON enrolment_changes (client, position);
  INSERT INTO enrolment_changes (client, change)
    SELECT client, json_object(
      'client', client, 'at', record ->> 'since', 'step', 'kept', 'state', record ->> 'state',
      'actor', record ->> 'actor', 'reason', record ->> 'reason'
    ) FROM enrolments ORDER BY client;
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

  async saveEnrolment(record: EnrolmentRecord, change: EnrolmentChange): Promise<void> {
    const { client, publicKey = null } = record
    const sql = `INSERT INTO enrolments (client, publicKey, record) VALUES (?, ?, ?)
      ON CONFLICT (client) DO UPDATE SET publicKey = excluded.publicKey, record = excluded.record`
    inTransaction(this.#database, WHAT, () => {
      const other = this.#database.prepare('SELECT 1 FROM enrolments WHERE publicKey = ? AND client <> ?')
      if (publicKey !== null && other.get(publicKey, client) !== undefined) {
        throw new ParleyError('run.conflict', 'another client has this key')
      }
      this.#database.prepare(sql).run(client, publicKey, JSON.stringify(record))
      const add = this.#database.prepare('INSERT INTO enrolment_changes (client, change) VALUES (?, ?)')
      add.run(client, JSON.stringify(change))
    })
  }

  async enrolmentChanges(client: string, limit: number): Promise<readonly EnrolmentChange[]> {
    const sql = 'SELECT change FROM enrolment_changes WHERE client = ? ORDER BY position DESC LIMIT ?'
    const rows = attempting(WHAT, () => this.#database.prepare(sql).all(client, limit))
    return rows.map((row) => JSON.parse((row as { change: string }).change) as EnrolmentChange)
  }
}

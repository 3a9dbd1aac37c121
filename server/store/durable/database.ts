import { open } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { ParleyError } from '../../../core/errors/index.ts'
import { storeFailure } from './failures.ts'
import { FILE_MODE } from './files.ts'
import { migrations } from './schema.ts'

/** How long a statement waits while another program, for instance a backup, holds the database. */
const BUSY_MS = 5_000

/**
 * Opens `parley.sqlite` in the folder and brings its tables up to date. Write-ahead log with `synchronous=FULL`: a
 * transaction that has returned survives a power cut. Fails with `store.corrupt` when SQLite finds damage, and with
 * `store.newer` when a newer Parley has been here.
 */
export async function openDatabase(folder: string): Promise<Database.Database> {
  const path = join(folder, 'parley.sqlite')
  let database: Database.Database | undefined
  try {
    // SQLite gives its log the rights of the database file, so the file is made first.
    await (await open(path, 'a', FILE_MODE)).close()
    database = new Database(path, { timeout: BUSY_MS })
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    database.pragma('foreign_keys = ON')
    database.pragma('trusted_schema = OFF')
    const damage = database.pragma('quick_check(1)', { simple: true })
    if (damage !== 'ok') throw new ParleyError('store.corrupt', `${path}: ${String(damage)}`)
    migrate(database, path)
    return database
  } catch (failure) {
    database?.close()
    throw storeFailure(failure, `opening ${path}`)
  }
}

/**
 * Takes the folder for this process: an exclusive transaction on an empty database, which the operating system drops
 * when the process ends, however it ends. The returned function gives it back. Fails with `store.locked` at once when
 * another process has it. The records themselves stay readable for backups.
 */
export function lockFolder(folder: string): Promise<() => void> {
  return lockFile(join(folder, 'lock'), `another coordinator uses ${folder}`)
}

/**
 * Keeps the blobs of a folder where they are: whoever removes some that nothing needs, and whoever copies those that are needed, has
 * this first. Fails with `store.locked` at once when another process has it.
 */
export function holdBlobs(folder: string): Promise<() => void> {
  return lockFile(join(folder, 'hold'), `a backup of ${folder} is made, or files that nothing needs are removed`)
}

async function lockFile(path: string, otherwise: string): Promise<() => void> {
  let lock: Database.Database | undefined
  try {
    await (await open(path, 'a', FILE_MODE)).close()
    lock = new Database(path, { timeout: 0 })
    lock.exec('BEGIN EXCLUSIVE')
  } catch (failure) {
    lock?.close()
    const error = storeFailure(failure, `locking ${path}`)
    throw error.code === 'store.locked' ? new ParleyError('store.locked', otherwise, { cause: failure }) : error
  }
  const held = lock
  return () => held.close()
}

/** All of it or nothing. What `work` itself throws is handed on as it is; what SQLite does not do fails as `what`. */
export function inTransaction<Result>(database: Database.Database, what: string, work: () => Result): Result {
  let own: unknown
  try {
    return database
      .transaction(() => {
        try {
          return work()
        } catch (failure) {
          own = failure
          throw failure
        }
      })
      .immediate()
  } catch (failure) {
    throw failure === own ? failure : storeFailure(failure, what)
  }
}

function migrate(database: Database.Database, path: string): void {
  const found = Number(database.pragma('user_version', { simple: true }))
  if (found > migrations.length) {
    throw new ParleyError('store.newer', `${path} has schema ${found}; this version knows ${migrations.length}`)
  }
  for (const [index, statements] of migrations.entries()) {
    if (index < found) continue
    database.transaction(() => {
      database.exec(statements)
      database.pragma(`user_version = ${index + 1}`)
    })()
  }
}

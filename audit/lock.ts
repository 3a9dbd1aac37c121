import { access, open } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { ParleyError } from '../core/errors/index.ts'
import { FILE_MODE } from './files.ts'

/**
 * Takes the folder for this process: an exclusive transaction on an empty database, which the operating system drops when the
 * process ends, however it ends. The returned function gives it back. Throws `audit.locked`.
 */
export async function lockFolder(folder: string): Promise<() => void> {
  const path = join(folder, 'lock')
  let lock: Database.Database | undefined
  try {
    await (await open(path, 'a', FILE_MODE)).close()
    lock = new Database(path, { timeout: 0 })
    lock.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    lock?.close()
    const held = cause instanceof Error && 'code' in cause && String(cause.code).startsWith('SQLITE_BUSY')
    if (held) throw new ParleyError('audit.locked', `another process writes the log in ${folder}`, { cause })
    throw new ParleyError('audit.unavailable', `${folder} cannot be locked: ${ParleyError.from(cause).message}`, {
      cause,
    })
  }
  const held = lock
  return () => held.close()
}

/** Whether another process writes the log of a folder now. */
export async function isLogInUse(folder: string): Promise<boolean> {
  try {
    await access(join(folder, 'lock'))
  } catch {
    return false
  }
  try {
    const unlock = await lockFolder(folder)
    unlock()
    return false
  } catch (failure) {
    return ParleyError.from(failure).code === 'audit.locked'
  }
}

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Store } from '../ports.ts'
import { FileBlobs } from './blobs.ts'
import { holdBlobs, lockFolder, openDatabase } from './database.ts'
import { SqliteEnrolments } from './enrolments.ts'
import { storeFailure } from './failures.ts'
import { type FileSystem, FOLDER_MODE, makeFolder, nodeFiles } from './files.ts'
import { SqliteJournal } from './journal.ts'
import { SqliteMembers } from './members.ts'
import { SqliteRecords } from './records.ts'
import { freeBytes, usedBytes } from './usage.ts'

export type DurableStoreOptions = {
  /** Made when it is not there. Everything in it is for the user of this process only (0600, 0700). */
  readonly folder: string
  /** By default the operating system's. */
  readonly files?: FileSystem
}

/**
 * A store in a folder: `parley.sqlite` with journal and records, `blobs/` and `partial/` for what is served, the same
 * under `spool/` for sealed updates, and `lock`. Fails with `store.locked` when another coordinator uses the folder,
 * `store.corrupt` when the database is damaged, `store.newer` when a newer Parley has written it.
 */
export async function openDurableStore({ folder, files = nodeFiles }: DurableStoreOptions): Promise<Store> {
  const spoolFolder = join(folder, 'spool')
  try {
    await mkdir(folder, { recursive: true, mode: FOLDER_MODE })
    await makeFolder(files, spoolFolder)
  } catch (failure) {
    throw storeFailure(failure, `making ${folder}`)
  }
  const unlock = await lockFolder(folder)
  const opened: (() => void)[] = [unlock]
  const giveBack = () => {
    for (const close of opened.splice(0).reverse()) close()
  }
  try {
    const database = await openDatabase(folder)
    opened.push(() => database.close())
    const journal = new SqliteJournal(database)
    const blobs = await FileBlobs.open(folder, files)
    const spool = await FileBlobs.open(spoolFolder, files)
    const records = new SqliteRecords(database)
    const members = new SqliteMembers(database)
    let closed: Promise<void> | undefined
    const close = async () => {
      await blobs.close()
      await spool.close()
      journal.flush()
      giveBack()
    }
    return {
      blobs,
      spool,
      journal,
      records,
      members,
      enrolments: new SqliteEnrolments(database),
      room: { used: () => usedBytes(folder), free: () => freeBytes(folder) },
      holdBlobs: () => holdBlobs(folder),
      close: () => {
        closed ??= close()
        return closed
      },
    }
  } catch (failure) {
    giveBack()
    throw failure
  }
}

import * as realFiles from 'node:fs/promises'
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FileBlobs } from '../../server/store/durable/blobs.ts'
import { openDatabase } from '../../server/store/durable/database.ts'
import { enrolmentChangesSchema } from '../../server/store/durable/enrolments.ts'
import type { FileSystem } from '../../server/store/durable/files.ts'
import { SqliteJournal } from '../../server/store/durable/journal.ts'
import { migrations } from '../../server/store/durable/schema.ts'
import { openDurableStore } from '../../server/store/durable/store.ts'
import { digestOf, pattern } from '../contract/blobs.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-store-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const change = (statement: string, ...values: unknown[]) => {
  const database = new Database(join(folder, 'parley.sqlite'))
  database.prepare(statement).run(...values)
  database.close()
}

describe('a durable store', () => {
  it('has everything after closing and opening again', async () => {
    const first = await openDurableStore({ folder })
    const digest = await first.blobs.put(pattern(5_000))
    const spooled = digestOf(pattern(3_000))
    const writer = await first.spool.resume(spooled, 3_000, 1_000)
    await writer.write(pattern(3_000).slice(0, 2_500))
    await first.journal.append('run-1', 0, '"a"')
    const record = { id: 'run-1', model: 'm', plan: digest, createdAt: '2026-01-01', status: 'active' as const }
    await first.records.saveRun(record)
    const unwaited = first.journal.append('run-1', 1, '"b"')
    await first.close()
    await first.close()
    await unwaited

    const second = await openDurableStore({ folder })
    expect(await second.blobs.read(digest, 0, 5_000)).toEqual(pattern(5_000))
    expect((await second.spool.resume(spooled, 3_000, 1_000)).written).toBe(2_000)
    expect(await second.journal.read('run-1')).toEqual(['"a"', '"b"'])
    expect(await second.records.runs()).toEqual([record])
    await second.close()
  })

  it('changes nothing any more once it is closed', async () => {
    const store = await openDurableStore({ folder })
    const digest = await store.blobs.put(pattern(10))
    const writer = await store.blobs.create()
    await store.close()
    const closed = { code: 'store.failed' }
    await expect(store.blobs.put(pattern(11))).rejects.toMatchObject(closed)
    await expect(store.blobs.remove(digest)).rejects.toMatchObject(closed)
    await expect(store.blobs.resume(digest, 10, 1)).rejects.toMatchObject(closed)
    await expect(writer.write(pattern(1))).rejects.toThrow()
    await expect(store.journal.append('run', 0, '1')).rejects.toMatchObject(closed)
    await expect(store.records.runs()).rejects.toMatchObject(closed)
    expect(await readdir(join(folder, 'partial'))).toEqual([])
  })

  it('keeps what is served and what is spooled apart', async () => {
    const store = await openDurableStore({ folder })
    const digest = await store.spool.put(pattern(10))
    expect(await store.blobs.size(digest)).toBeUndefined()
    await store.close()
  })

  it('is for one coordinator at a time', async () => {
    const first = await openDurableStore({ folder })
    await expect(openDurableStore({ folder })).rejects.toMatchObject({ code: 'store.locked' })
    await first.blobs.put(pattern(10))
    await first.close()
    await (await openDurableStore({ folder })).close()
  })

  it('is readable for its own user only', async () => {
    const inner = join(folder, 'home')
    const store = await openDurableStore({ folder: inner })
    await store.journal.append('run', 0, '1')
    await store.blobs.put(pattern(10))
    await (await store.spool.resume(digestOf(pattern(1)), 1, 1)).write(pattern(1))
    const entries = await readdir(inner, { recursive: true, withFileTypes: true })
    expect(entries.length).toBeGreaterThan(8)
    for (const entry of entries) {
      const { mode } = await stat(join(entry.parentPath, entry.name))
      expect([entry.name, (mode & 0o777).toString(8)]).toEqual([entry.name, entry.isDirectory() ? '700' : '600'])
    }
    expect((await stat(inner)).mode & 0o777).toBe(0o700)
    await store.close()
  })

  it('removes nameless leftovers of a dead process', async () => {
    const store = await openDurableStore({ folder })
    await store.close()
    await writeFile(join(folder, 'partial', 'new-0'), 'half')
    const again = await openDurableStore({ folder })
    expect(await readdir(join(folder, 'partial'))).toEqual([])
    await (await again.blobs.create()).release()
    await again.close()
  })

  it('does not open what a newer version has written', async () => {
    await (await openDurableStore({ folder })).close()
    const database = new Database(join(folder, 'parley.sqlite'))
    database.pragma('user_version = 99')
    database.close()
    await expect(openDurableStore({ folder })).rejects.toMatchObject({ code: 'store.newer' })
    // The failed attempt left no lock behind.
    await expect(openDurableStore({ folder })).rejects.toMatchObject({ code: 'store.newer' })
  })

  it('begins the history of clients that were there before it was kept with where they stand', async () => {
    const before = migrations.indexOf(enrolmentChangesSchema)
    const database = new Database(join(folder, 'parley.sqlite'))
    for (const statements of migrations.slice(0, before)) database.exec(statements)
    database.pragma(`user_version = ${before}`)
    const at = '2026-01-01T00:00:00.000Z'
    const record = { client: 'a', state: 'suspended', label: 'A', since: at, actor: 'anna', reason: 'moves house' }
    database.prepare('INSERT INTO enrolments VALUES (?, ?, ?)').run('a', null, JSON.stringify(record))
    database.close()
    const store = await openDurableStore({ folder })
    expect(await store.enrolments.enrolmentChanges('a', 10)).toEqual([
      { client: 'a', at, step: 'kept', state: 'suspended', actor: 'anna', reason: 'moves house' },
    ])
    await store.close()
  })

  it('does not open a damaged database', async () => {
    await writeFile(
      join(folder, 'parley.sqlite'),
      'this is not a database, and long enough to look like one'.repeat(100),
    )
    await expect(openDurableStore({ folder })).rejects.toMatchObject({ code: 'store.corrupt' })
  })
})

describe('an altered journal', () => {
  beforeEach(async () => {
    const store = await openDurableStore({ folder })
    await Promise.all(Array.from({ length: 700 }, (_, i) => store.journal.append('run-1', i, `{"n":${i}}`)))
    await store.journal.append('run-2', 0, '"whole"')
    await store.close()
  })

  const readAgain = async (run: string) => {
    const store = await openDurableStore({ folder })
    try {
      return await store.journal.read(run)
    } finally {
      await store.close()
    }
  }
  const corruptAt = (sequence: number) => ({ code: 'store.corrupt', details: { run: 'run-1', sequence } })

  it('is found where an entry was changed, and other runs are still readable', async () => {
    change(`UPDATE journal SET entry = '{"n":7}' WHERE run = 'run-1' AND sequence = 600`)
    await expect(readAgain('run-1')).rejects.toMatchObject(corruptAt(600))
    expect(await readAgain('run-2')).toEqual(['"whole"'])
  })

  it('is found where two entries changed places', async () => {
    change(`UPDATE journal SET sequence = 9999 WHERE run = 'run-1' AND sequence = 3`)
    change(`UPDATE journal SET sequence = 3 WHERE run = 'run-1' AND sequence = 4`)
    change(`UPDATE journal SET sequence = 4 WHERE run = 'run-1' AND sequence = 9999`)
    await expect(readAgain('run-1')).rejects.toMatchObject(corruptAt(3))
  })

  it('is found where an entry was dropped', async () => {
    change(`DELETE FROM journal WHERE run = 'run-1' AND sequence = 20`)
    await expect(readAgain('run-1')).rejects.toMatchObject(corruptAt(20))
  })

  it('is found where the end was cut off', async () => {
    change(`DELETE FROM journal WHERE run = 'run-1' AND sequence >= 690`)
    await expect(readAgain('run-1')).rejects.toMatchObject(corruptAt(690))
  })

  it('is found where entries were added', async () => {
    change(`INSERT INTO journal VALUES ('run-1', 700, '1', x'00')`)
    await expect(readAgain('run-1')).rejects.toMatchObject(corruptAt(700))
  })

  it('is found where the head was removed', async () => {
    change(`DELETE FROM journal_heads WHERE run = 'run-1'`)
    await expect(readAgain('run-1')).rejects.toMatchObject({ code: 'store.corrupt' })
  })
})

describe('an altered blob', () => {
  const path = (digest: string) => join(folder, 'blobs', digest.slice(0, 2), digest)

  it('is found by a read of the whole and by verify', async () => {
    const store = await openDurableStore({ folder })
    const digest = await store.blobs.put(pattern(2_500_000))
    const bytes = await readFile(path(digest))
    bytes[2_400_000] = (bytes[2_400_000] ?? 0) ^ 1
    await writeFile(path(digest), bytes)
    const corrupt = { code: 'store.corrupt', details: { digest } }
    await expect(store.blobs.verify(digest)).rejects.toMatchObject(corrupt)
    await expect(store.blobs.read(digest, 0, 2_500_000)).rejects.toMatchObject(corrupt)
    await store.close()
  })

  it('is found when it was cut off', async () => {
    const store = await openDurableStore({ folder })
    const digest = await store.blobs.put(pattern(5_000))
    await truncate(path(digest), 4_000)
    await expect(store.blobs.verify(digest)).rejects.toMatchObject({ code: 'store.corrupt' })
    await expect(store.blobs.read(digest, 0, 4_000)).rejects.toMatchObject({ code: 'store.corrupt' })
    await store.close()
  })
})

describe('a full disk', () => {
  /** The operating system's files, with room for `left` more bytes. */
  function limited(left: number): FileSystem {
    const noRoom = () => Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    return {
      ...realFiles,
      open: async (...args: Parameters<typeof realFiles.open>) => {
        const handle = await realFiles.open(...args)
        const write = handle.write.bind(handle) as (...args: unknown[]) => Promise<{ bytesWritten: number }>
        const limitedWrite = async (bytes: Uint8Array, offset: number, length: number, position: number) => {
          if (left === 0) throw noRoom()
          const taken = Math.min(left, length)
          left -= taken
          return write(bytes, offset, taken, position)
        }
        return Object.assign(handle, { write: limitedWrite })
      },
    }
  }

  it('is said as such, and shows nothing half of a blob', async () => {
    const blobs = await FileBlobs.open(folder, limited(1_500_000))
    await expect(blobs.put(pattern(2_000_000))).rejects.toMatchObject({ code: 'store.full' })
    expect(await readdir(join(folder, 'partial'))).toEqual([])
    const blobFiles = await readdir(join(folder, 'blobs'), { recursive: true, withFileTypes: true })
    expect(blobFiles.filter((entry) => entry.isFile())).toEqual([])
  })

  it('leaves a resumable writer where it got to, for when there is room again', async () => {
    const bytes = pattern(2_000_000)
    const digest = digestOf(bytes)
    const full = await FileBlobs.open(folder, limited(1_200_000))
    const first = await full.resume(digest, bytes.length, 1_000)
    await first.write(bytes.slice(0, 1_000_000))
    await expect(first.write(bytes.slice(1_000_000))).rejects.toMatchObject({ code: 'store.full' })
    await expect(first.commit()).rejects.toMatchObject({ code: 'store.failed' })
    await first.release()
    const roomy = await FileBlobs.open(folder)
    const second = await roomy.resume(digest, bytes.length, 1_000)
    expect(second.written).toBe(1_200_000)
    await second.write(bytes.slice(1_200_000))
    expect(await second.commit()).toBe(digest)
    await roomy.verify(digest)
  })

  it('leaves the journal as it was', async () => {
    const database = await openDatabase(folder)
    const journal = new SqliteJournal(database)
    await journal.append('run', 0, '"first"')
    database.pragma(`max_page_count = ${database.pragma('page_count', { simple: true })}`)
    const long = JSON.stringify('x'.repeat(100_000))
    const both = [journal.append('run', 1, '"second"'), journal.append('run', 2, long)]
    for (const { status } of await Promise.allSettled(both)) expect(status).toBe('rejected')
    await expect(journal.append('run', 1, long)).rejects.toMatchObject({ code: 'store.full' })
    database.pragma('max_page_count = 1000000')
    await journal.append('run', 1, long)
    expect(await journal.read('run')).toEqual(['"first"', long])
    database.close()
  })
})

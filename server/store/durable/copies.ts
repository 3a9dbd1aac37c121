import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { utf8 } from '../../../core/encoding/bytes.ts'
import { ParleyError } from '../../../core/errors/index.ts'
import { parseEnvelope } from '../../../core/release/envelope-json.ts'
import { parseManifest } from '../../../core/release/verify.ts'
import { storeFailure, systemCode } from './failures.ts'
import { openDurableStore } from './store.ts'

/** What a copy of the database says of itself: up to where each run has come. */
export type DatabaseFacts = {
  readonly schema: number
  readonly runs: readonly { readonly id: string; readonly status: string; readonly entries: number }[]
}

/** A complete blob by its name within the store's folder: `blobs/aa/<digest>`, or the same under `spool/`. */
export type BlobFile = { readonly name: string; readonly path: string; readonly bytes: number }

/**
 * Copies the database of a store, also while a coordinator writes it, to a file that is empty or not there: all of it as it was at
 * one instant. Fails with `store.corrupt`, `store.full`, `store.failed`, and `object.not-found` where there is no store.
 */
export async function copyDatabase(folder: string, to: string): Promise<DatabaseFacts> {
  const path = join(folder, 'parley.sqlite')
  if ((await stat(path).catch(() => undefined)) === undefined)
    throw new ParleyError('object.not-found', `there is no store of a coordinator in ${folder}`)
  const source = opened(path, false)
  try {
    // One reading transaction: it neither waits for writers, nor do they wait for it.
    source.prepare('VACUUM INTO ?').run(to)
  } catch (failure) {
    throw storeFailure(failure, `copying ${path}`)
  } finally {
    source.close()
  }
  return readFacts(to)
}

function readFacts(path: string): DatabaseFacts {
  const database = opened(path, true)
  try {
    const damage = database.pragma('quick_check(1)', { simple: true })
    if (damage !== 'ok') throw new ParleyError('store.corrupt', `${path}: ${String(damage)}`)
    const sql = `SELECT id, status, coalesce(next, 0) AS entries FROM runs LEFT JOIN journal_heads ON run = id ORDER BY id`
    const runs = database.prepare(sql).all() as DatabaseFacts['runs']
    return { schema: Number(database.pragma('user_version', { simple: true })), runs }
  } catch (failure) {
    throw storeFailure(failure, `reading ${path}`)
  } finally {
    database.close()
  }
}

/**
 * The blobs, by their names as `blobFiles` gives them, without which a coordinator that starts on this copy could not go on: all
 * files of versions, plans of active runs, and of these what their rounds since the last aggregation have come to.
 */
export function neededBlobs(path: string): ReadonlySet<string> {
  const database = opened(path, true)
  try {
    const needed = new Set<string>()
    const column = (sql: string) => database.prepare(sql).pluck().all() as string[]
    for (const envelope of column('SELECT envelope FROM versions'))
      for (const { payload } of parseEnvelope(utf8(envelope)))
        for (const { sha256 } of parseManifest(payload).files) needed.add(nameOf('blobs', sha256))
    for (const plan of column(`SELECT plan FROM runs WHERE status = 'active'`)) needed.add(nameOf('blobs', plan))
    const entries = database.prepare('SELECT entry FROM journal WHERE run = ? ORDER BY sequence DESC').pluck()
    for (const run of column(`SELECT id FROM runs WHERE status = 'active'`)) {
      for (const text of entries.iterate(run) as Iterable<string>) {
        const entry = JSON.parse(text) as { type: string; update?: { header: { sha256: string } } }
        for (const digest of digestsIn(entry)) needed.add(nameOf('blobs', digest))
        if (entry.type === 'aggregated') break
        if (entry.update !== undefined) needed.add(nameOf('spool/blobs', entry.update.header.sha256))
      }
    }
    return needed
  } catch (failure) {
    throw storeFailure(failure, `reading ${path}`)
  } finally {
    database.close()
  }
}

/** References to models and vectors: `digest` with the number of its bytes. */
function* digestsIn(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return
  if ('digest' in value && 'bytes' in value && typeof value.digest === 'string') yield value.digest
  for (const member of Object.values(value)) yield* digestsIn(member)
}

/** All complete blobs of a store, models and sealed updates. */
export async function* blobFiles(folder: string): AsyncGenerator<BlobFile> {
  for (const kind of ['blobs', 'spool/blobs'] as const) {
    for (const shard of await namesIn(join(folder, kind))) {
      for (const digest of await namesIn(join(folder, kind, shard))) {
        if (!/^[0-9a-f]{64}$/.test(digest)) continue
        const name = nameOf(kind, digest)
        const found = await stat(join(folder, name)).catch(() => undefined)
        // A round has removed it meanwhile.
        if (found !== undefined) yield { name, path: join(folder, name), bytes: found.size }
      }
    }
  }
}

/**
 * Looks through a store that nobody uses: the database, the chain of every journal, and whether all blobs are there that it cannot do
 * without. Fails with `store.corrupt`, and with `store.newer` where a newer Parley has written it.
 */
export async function checkStore(folder: string): Promise<DatabaseFacts> {
  const store = await openDurableStore({ folder })
  try {
    const facts = readFacts(join(folder, 'parley.sqlite'))
    for (const { id } of facts.runs) await store.journal.read(id)
    for (const name of neededBlobs(join(folder, 'parley.sqlite'))) {
      if ((await stat(join(folder, name)).catch(() => undefined)) !== undefined) continue
      throw new ParleyError('store.corrupt', `${name} is missing`)
    }
    return facts
  } finally {
    await store.close()
  }
}

function nameOf(kind: 'blobs' | 'spool/blobs', digest: string): string {
  return `${kind}/${digest.slice(0, 2)}/${digest}`
}

async function namesIn(folder: string): Promise<string[]> {
  return (
    await readdir(folder).catch((failure: unknown) => {
      if (systemCode(failure) === 'ENOENT') return []
      throw storeFailure(failure, `reading ${folder}`)
    })
  ).sort()
}

function opened(path: string, readonly: boolean): Database.Database {
  try {
    return new Database(path, { readonly, fileMustExist: true, timeout: 5_000 })
  } catch (failure) {
    throw storeFailure(failure, `opening ${path}`)
  }
}

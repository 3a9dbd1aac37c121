import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AUDIT_FOLDER, verifyFolder } from '../../audit/index.ts'
import { AuditFault } from '../../core/audit/problem.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { fromHex, fromUtf8, toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { storeCopies } from '../../server/index.ts'
import { type ArchiveEntry, archiveEntries, damaged } from './archive.ts'
import { diskFailure, secretOf } from './create.ts'
import { isKnownFile, type KeyFile, keyFiles, MANIFEST, SEALED_KEYS } from './files.ts'
import { checksOf, type Keys, keysIn, openKeys } from './keys.ts'
import { type BackupManifest, MANIFEST_BYTES, readManifest } from './manifest.ts'

/** Bytes of a file that is held in memory: of keys. */
const KEY_BYTES = 64 * 1024

export type Checked = { readonly manifest: BackupManifest; readonly sha256: string; readonly bytes: number }

type Take = (entry: ArchiveEntry, pieces: AsyncIterable<Uint8Array>) => Promise<void>

/**
 * Reads a whole archive: every file has the length and the digest that the signed manifest says, none is missing and none is too
 * many. `trusted`: the coordinator's key, got over another channel; by default the one that the backup names. Throws `backup.damaged` with
 * the file of the archive that it is about.
 */
export async function checkBackup(
  path: string,
  {
    trusted,
    onProgress,
    take,
  }: { readonly trusted?: Uint8Array | undefined; readonly onProgress: (bytes: number) => void; readonly take?: Take },
): Promise<Checked> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new ParleyError('config.invalid', `${path} cannot be read: ${ParleyError.from(cause).message}`, { cause })
  })
  try {
    const found = new Map<string, { readonly bytes: number; readonly sha256: string }>()
    let envelope: Uint8Array | undefined
    for await (const entry of archiveEntries(file, path)) {
      const { name, bytes } = entry
      if (envelope !== undefined) throw damaged(`${path} has ${name} after ${MANIFEST}, which is the last`)
      if (name === MANIFEST) {
        envelope = await gathered(entry, MANIFEST_BYTES)
        continue
      }
      if (!isKnownFile(name) || found.has(name)) throw damaged(`${path} has a file ${name} that does not belong there`)
      const hash = createHash('sha256')
      await (take ?? drain)(entry, hashing(entry, hash))
      found.set(name, { bytes, sha256: hash.digest('hex') })
      onProgress(bytes)
    }
    if (envelope === undefined) throw damaged(`${path} ends without ${MANIFEST}`)
    const manifest = await readManifest(envelope, trusted)
    compare(path, manifest, found)
    return { manifest, ...(await digestOf(file)) }
  } finally {
    await file.close()
  }
}

function compare(
  path: string,
  { files }: BackupManifest,
  found: ReadonlyMap<string, { readonly bytes: number; readonly sha256: string }>,
): void {
  for (const { name, bytes, sha256 } of files) {
    const one = found.get(name)
    if (one === undefined) throw damaged(`${name} is missing in ${path}`)
    if (one.bytes !== bytes || one.sha256 !== sha256) throw damaged(`${name} in ${path} is not what was written`)
  }
  const listed = new Set(files.map(({ name }) => name))
  const strange = [...found.keys()].find((name) => !listed.has(name))
  if (strange !== undefined) throw damaged(`${strange} in ${path} was not written with it`)
}

export type RestoreRequest = {
  readonly path: string
  /** Made where it is not there; nothing may be in it. */
  readonly home: string
  readonly passphrase?: string | undefined
  /** Folder with the keys, where the backup has none. */
  readonly keys?: string | undefined
  readonly trusted?: Uint8Array | undefined
  readonly onProgress: (bytes: number) => void
  /** Does the last thing before the folder is taken into use: what it throws keeps it from that. */
  readonly finish: (folder: string, checked: Checked) => Promise<void>
}

/**
 * Makes the folder of a coordinator out of a backup. All of it is checked first: the archive, the database and its journals, the audit
 * log, and that the keys belong to it. Until then, and where anything fails, the folder stays empty. Throws `backup.*`, `store.corrupt`,
 * `audit.corrupt`, `config.invalid` where something is in the folder.
 */
export async function restoreBackup(request: RestoreRequest): Promise<Checked> {
  const { path, home } = request
  await emptyFolder(home)
  const staged = join(home, '.restoring')
  try {
    await mkdir(staged, { mode: 0o700 })
    const inArchive: { sealed?: Uint8Array; clear: Partial<Record<KeyFile, string>> } = { clear: {} }
    const checked = await checkBackup(path, {
      trusted: request.trusted,
      onProgress: request.onProgress,
      take: async (entry, pieces) => {
        const key = keyFiles.find((name) => name === entry.name)
        if (key !== undefined) inArchive.clear[key] = fromUtf8(await gatheredFrom(entry, pieces, KEY_BYTES))
        else if (entry.name === SEALED_KEYS) inArchive.sealed = await gatheredFrom(entry, pieces, KEY_BYTES)
        else await writeEntry(join(staged, entry.name), pieces)
      },
    })
    const keys = await keysFor(checked.manifest, request, inArchive)
    for (const [name, text] of Object.entries(keys)) await writeEntry(join(staged, name), [Buffer.from(text)])
    await (await storeCopies()).checkStore(join(staged, 'store'))
    await checkAudit(join(staged, AUDIT_FOLDER), checked.manifest)
    await request.finish(staged, checked)
    await moveUp(staged, home)
    return checked
  } catch (failure) {
    await rm(staged, { recursive: true, force: true })
    throw diskFailure(failure, home)
  }
}

async function keysFor(
  manifest: BackupManifest,
  { passphrase, keys: folder }: RestoreRequest,
  { sealed, clear }: { readonly sealed?: Uint8Array; readonly clear: Keys },
): Promise<Keys> {
  const found =
    folder !== undefined
      ? await keysIn(folder)
      : sealed !== undefined && passphrase !== undefined
        ? await openKeys(sealed, passphrase)
        : clear
  const checks = checksOf(found)
  const { coordinator, at } = manifest
  for (const name of keyFiles) {
    if (manifest.keys.checks[name] === undefined) continue
    if (found[name] === undefined)
      throw new ParleyError('backup.keys-missing', `${name} of coordinator ${coordinator} is needed`)
    if (checks[name] === manifest.keys.checks[name]) continue
    throw new ParleyError('backup.keys-wrong', `${name} is not the one that coordinator ${coordinator} had at ${at}`)
  }
  const identity = nodeCrypto.signingKey(secretOf(found['identity.key'], 'identity.key'))
  if (toHex(identity.publicKey) !== coordinator)
    throw new ParleyError('backup.keys-wrong', `identity.key is not that of coordinator ${coordinator}`)
  return Object.fromEntries(
    Object.entries(found).filter(([name]) => manifest.keys.checks[name as KeyFile] !== undefined),
  )
}

async function checkAudit(folder: string, { auditKey }: BackupManifest): Promise<void> {
  const publicKey = fromHex(auditKey) ?? new Uint8Array(0)
  const { problem } = await verifyFolder(nodeCrypto, folder, { publicKey })
  if (problem !== undefined) throw new AuditFault(problem)
}

async function emptyFolder(home: string): Promise<void> {
  await mkdir(home, { recursive: true, mode: 0o700 })
  const [first] = await readdir(home)
  if (first !== undefined)
    throw new ParleyError('config.invalid', `${home} is not empty: a backup is restored into a new folder`)
}

/** The identity last: without it there is no coordinator in the folder. */
async function moveUp(staged: string, home: string): Promise<void> {
  const names = (await readdir(staged)).filter((name) => name !== 'identity.key')
  for (const name of [...names, 'identity.key']) await rename(join(staged, name), join(home, name))
  await rmdir(staged)
  const folder = await open(home, 'r')
  await folder.sync()
  await folder.close()
}

async function writeEntry(path: string, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const piece of pieces) await file.writeFile(piece)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function* hashing(entry: ArchiveEntry, hash: ReturnType<typeof createHash>): AsyncGenerator<Uint8Array> {
  for await (const piece of entry.read()) {
    hash.update(piece)
    yield piece
  }
}

async function drain(_entry: ArchiveEntry, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _piece of pieces);
}

function gathered(entry: ArchiveEntry, most: number): Promise<Uint8Array> {
  return gatheredFrom(entry, entry.read(), most)
}

async function gatheredFrom(
  { name, bytes }: ArchiveEntry,
  pieces: AsyncIterable<Uint8Array>,
  most: number,
): Promise<Uint8Array> {
  if (bytes > most) throw damaged(`${name} has more than ${most} bytes`)
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}

async function digestOf(file: FileHandle): Promise<{ readonly sha256: string; readonly bytes: number }> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const piece of file.createReadStream({ start: 0, autoClose: false, highWaterMark: 2 ** 20 })) {
    hash.update(piece as Uint8Array)
    bytes += (piece as Uint8Array).length
  }
  return { sha256: hash.digest('hex'), bytes }
}

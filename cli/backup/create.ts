import { createReadStream } from 'node:fs'
import { mkdtemp, open, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AUDIT_FOLDER } from '../../audit/index.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { fromHex, toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { storeCopies } from '../../server/index.ts'
import { homeOf } from '../home.ts'
import { existing } from '../secret-files.ts'
import { ArchiveWriter } from './archive.ts'
import { auditFile, clientFilesOf, DATABASE, keyFiles, MANIFEST, plainFiles, SEALED_KEYS } from './files.ts'
import { checksOf, type Keys, keysIn, sealKeys } from './keys.ts'
import { type BackupManifest, writeManifest } from './manifest.ts'

export type BackupRequest = {
  readonly home: string
  /** Not there yet; what is written carries `.partial` until it is whole. */
  readonly file: string
  /** Whether keys go along: not at all, under a passphrase, or as they are. */
  readonly keys: 'apart' | 'clear' | { readonly passphrase: string }
  readonly parley: string
  readonly now: () => number
  readonly onProgress: (bytes: number) => void
}

export type BackupMade = {
  readonly sha256: string
  readonly bytes: number
  readonly files: number
  readonly manifest: BackupManifest
}

/** How often it is tried again where rounds removed what had not been copied yet. */
const ATTEMPTS = 3

/**
 * Writes the folder of a coordinator, which may be running, into `FILE.partial`: first the database as it is at one instant, then all
 * blobs, then the audit log, which thus knows of everything that the database has. Whoever calls gives it its name. Throws
 * `store.locked` while another backup is made, `backup.moving`, `object.not-found`, `config.invalid`, `store.*`.
 */
export async function createBackup(request: BackupRequest): Promise<BackupMade> {
  const { home, file } = request
  const keys = await coordinatorKeys(home)
  if ((await stat(file).catch(() => undefined)) !== undefined)
    throw new ParleyError('config.invalid', `${file} is there already`)
  const { holdBlobs } = await storeCopies()
  if ((await stat(join(homeOf(home).store, 'parley.sqlite')).catch(() => undefined)) === undefined)
    throw new ParleyError('object.not-found', `there is no store of a coordinator in ${home}`)
  const release = await holdBlobs(homeOf(home).store)
  const scratch = await mkdtemp(join(dirname(file), `.${basename(file)}-`)).catch((cause: unknown) => {
    throw new ParleyError('config.invalid', `${dirname(file)} cannot be written: ${ParleyError.from(cause).message}`, {
      cause,
    })
  })
  try {
    for (let attempt = 1; ; attempt++) {
      const made = await attemptBackup(request, keys, join(scratch, 'copy'))
      if (made !== undefined) return made
      if (attempt === ATTEMPTS) throw new ParleyError('backup.moving')
    }
  } catch (failure) {
    await rm(`${file}.partial`, { force: true })
    throw diskFailure(failure, file)
  } finally {
    await rm(scratch, { recursive: true, force: true })
    release()
  }
}

/** The keys of a coordinator's folder. Throws `config.invalid` for a client's, `object.not-found` where it is none. */
export async function coordinatorKeys(home: string): Promise<Keys> {
  const ofClient = await Promise.all(clientFilesOf(home).map(existing))
  if (ofClient.some((text) => text !== undefined))
    throw new ParleyError(
      'config.invalid',
      `${home} is the folder of a client: an older copy of it would spend privacy and answer rounds twice`,
    )
  const keys = await keysIn(home)
  const missing = (['identity.key', 'audit.key'] as const).find((name) => keys[name] === undefined)
  if (missing === undefined) return keys
  throw new ParleyError(
    'object.not-found',
    `${join(home, missing)} is missing: no coordinator was ever started in ${home}`,
  )
}

/** Undefined where something that is needed went away before it was copied. */
async function attemptBackup(request: BackupRequest, keys: Keys, copy: string): Promise<BackupMade | undefined> {
  const { home, file, onProgress } = request
  const { copyDatabase, neededBlobs, blobFiles } = await storeCopies()
  const folder = homeOf(home)
  await rm(`${file}.partial`, { force: true })
  await rm(copy, { force: true })
  await writeFile(copy, '', { mode: 0o600 })
  const at = new Date(request.now()).toISOString()
  const facts = await copyDatabase(folder.store, copy)
  const archive = await ArchiveWriter.create(`${file}.partial`)
  try {
    await addFile(archive, DATABASE, copy)
    onProgress(archive.bytes)
    for await (const { name, path } of blobFiles(folder.store)) {
      await addFile(archive, `store/${name}`, path)
      onProgress(archive.bytes)
    }
    const names = new Set(archive.files.map(({ name }) => name))
    if ([...neededBlobs(copy)].some((name) => !names.has(`store/${name}`))) return undefined
    await addAudit(archive, home)
    for (const name of plainFiles) {
      const text = await existing(join(home, name))
      if (text !== undefined) await archive.put(name, Buffer.from(text))
    }
    await addKeys(archive, keys, request.keys)
    const identity = nodeCrypto.signingKey(secretOf(keys['identity.key'], 'identity.key'))
    const manifest: BackupManifest = {
      format: 1,
      parley: request.parley,
      at,
      coordinator: toHex(identity.publicKey),
      auditKey: toHex(nodeCrypto.signingKey(secretOf(keys['audit.key'], 'audit.key')).publicKey),
      schema: facts.schema,
      runs: facts.runs.map(({ id, status, entries }) => ({ id, status, entries })),
      keys: { kept: typeof request.keys === 'string' ? request.keys : 'sealed', checks: checksOf(keys) },
      files: [...archive.files],
    }
    await archive.put(MANIFEST, await writeManifest(identity, manifest))
    const sha256 = await archive.end()
    return { sha256, bytes: archive.bytes, files: manifest.files.length, manifest }
  } finally {
    await archive.close()
  }
}

/** A file that does not change any more; one that went away meanwhile is left out. */
async function addFile(archive: ArchiveWriter, name: string, path: string): Promise<void> {
  const handle = await open(path, 'r').catch((failure: unknown) => {
    if (failure instanceof Error && 'code' in failure && failure.code === 'ENOENT') return undefined
    throw failure
  })
  if (handle === undefined) return
  const { size } = await handle.stat()
  await archive.add(name, size, handle.createReadStream({ highWaterMark: 2 ** 20 }))
}

/** Checkpoints first: the log that is read after them has every record that they are of. Lines that are being written stay out. */
async function addAudit(archive: ArchiveWriter, home: string): Promise<void> {
  const names = (await readdir(join(home, AUDIT_FOLDER))).map((name) => `${AUDIT_FOLDER}/${name}`)
  const checkpoints = `${AUDIT_FOLDER}/checkpoints.jsonl`
  const others = names.filter((name) => auditFile.test(name) && name !== checkpoints).sort()
  for (const name of names.includes(checkpoints) ? [checkpoints, ...others] : others) {
    const path = join(home, name)
    const bytes = name.endsWith('.jsonl') ? await wholeLines(path) : (await stat(path)).size
    await archive.add(name, bytes, bytes === 0 ? [] : createReadStream(path, { end: bytes - 1 }))
  }
}

/** Bytes of a file up to the end of its last whole line. */
async function wholeLines(path: string): Promise<number> {
  const handle = await open(path, 'r')
  try {
    const piece = Buffer.alloc(2 ** 16)
    for (let end = (await handle.stat()).size; end > 0; ) {
      const from = Math.max(0, end - piece.length)
      const { bytesRead } = await handle.read(piece, 0, end - from, from)
      const last = piece.subarray(0, bytesRead).lastIndexOf('\n')
      if (last >= 0) return from + last + 1
      end = from
    }
    return 0
  } finally {
    await handle.close()
  }
}

async function addKeys(archive: ArchiveWriter, keys: Keys, how: BackupRequest['keys']): Promise<void> {
  if (how === 'apart') return
  if (typeof how === 'object') return await archive.put(SEALED_KEYS, await sealKeys(keys, how.passphrase))
  for (const name of keyFiles) {
    const text = keys[name]
    if (text !== undefined) await archive.put(name, Buffer.from(text))
  }
}

/** 32 bytes in hex, as key files have them. Throws `config.invalid`. */
export function secretOf(text: string | undefined, name: string): Uint8Array {
  const bytes = fromHex(text?.trim() ?? '')
  if (bytes?.length !== 32) throw new ParleyError('config.invalid', `${name} does not hold 32 bytes in hex`)
  return bytes
}

/** What the system says of a disk, in words of the catalogue. */
export function diskFailure(failure: unknown, path: string): ParleyError {
  if (failure instanceof ParleyError) return failure
  const code = failure instanceof Error && 'code' in failure ? String(failure.code) : ''
  const full = ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code)
  const message = failure instanceof Error ? failure.message : String(failure)
  return new ParleyError(full ? 'store.full' : 'store.failed', `writing ${path}: ${message}`, { cause: failure })
}

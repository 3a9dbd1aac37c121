import type { Crypto } from '../../crypto/primitives.ts'
import { toHex } from '../../encoding/bytes.ts'
import type { FolderReader } from '../ports.ts'
import { caseTwins, pathProblem } from './names.ts'
import type { SignedFile, SignedFolder } from './rules.ts'

/** What is wrong with the folder; anything else that is thrown comes from reading it. */
export class FolderProblem extends Error {}

/** A folder may hold so many entries more than were signed before its listing is given up. */
const EXTRA_ENTRIES = 10_000

/**
 * The paths of the folder's files. Throws a `FolderProblem` on what may not be there at all (links, devices, names that are
 * one on some file systems) and on a signed file that is missing. Files that were not signed are in the answer.
 */
export async function listFolder(
  reader: FolderReader,
  folder: Pick<SignedFolder, 'ignored'> & { readonly files: readonly Pick<SignedFile, 'path'>[] },
): Promise<ReadonlySet<string>> {
  const most = EXTRA_ENTRIES + 2 * folder.files.length
  const files = new Set<string>()
  const directories = new Set<string>()
  for await (const { path, kind } of reader.list(folder.ignored)) {
    if (folder.ignored(path)) continue
    const problem = pathProblem(path)
    if (problem !== undefined) throw new FolderProblem(`the name ${shown(path)}: ${problem}`)
    if (kind === 'symlink') throw new FolderProblem(`${shown(path)} is a symbolic link`)
    if (kind === 'other') throw new FolderProblem(`${shown(path)} is neither file nor folder`)
    if (files.has(path) || directories.has(path)) throw new FolderProblem(`${shown(path)} is listed twice`)
    ;(kind === 'file' ? files : directories).add(path)
    if (files.size + directories.size > most) throw new FolderProblem(`the folder has more than ${most} entries`)
  }
  const missing = folder.files.find(({ path }) => !files.has(path))
  if (missing !== undefined) throw new FolderProblem(`${shown(missing.path)} is not there`)
  const twins = caseTwins([...files, ...directories])
  if (twins !== undefined) throw new FolderProblem(`${shown(twins[0])} and ${shown(twins[1])} differ in case only`)
  return files
}

/** Takes what was hashed, as it is read; it is to be used only once everything is verified. */
export type HandOn = (path: string, piece: Uint8Array) => void | Promise<void>

export type ReadFile = { readonly path: string; readonly bytes: number }

/** Reads each signed file once, from beginning to end. Throws a `FolderProblem` on the first digest that is another. */
export async function checkFiles(
  crypto: Pick<Crypto, 'hasher'>,
  reader: FolderReader,
  files: readonly SignedFile[],
  handOn: HandOn | undefined,
): Promise<readonly ReadFile[]> {
  const read: ReadFile[] = []
  for (const file of files) {
    const check = new FileCheck(crypto, file)
    for await (const piece of reader.open(file.path)) {
      check.add(piece)
      await handOn?.(file.path, piece)
    }
    read.push({ path: file.path, bytes: check.finish() })
  }
  return read
}

/** The first file that was not signed. With shards, empty files are not, and may be there. */
export async function unlistedFile(
  reader: FolderReader,
  folder: SignedFolder,
  found: ReadonlySet<string>,
): Promise<string | undefined> {
  const signed = new Set(folder.files.map(({ path }) => path))
  for (const path of found) {
    if (!signed.has(path) && (folder.emptyFilesSigned || !(await isEmpty(reader, path)))) return shown(path)
  }
  return undefined
}

async function isEmpty(reader: FolderReader, path: string): Promise<boolean> {
  for await (const piece of reader.open(path)) if (piece.length > 0) return false
  return true
}

/** Takes a file piece by piece and holds each part of it to its digest. */
class FileCheck {
  readonly #crypto: Pick<Crypto, 'hasher'>
  readonly #file: SignedFile
  #hasher: ReturnType<Crypto['hasher']>
  #part = 0
  #bytes = 0

  constructor(crypto: Pick<Crypto, 'hasher'>, file: SignedFile) {
    this.#crypto = crypto
    this.#file = file
    this.#hasher = crypto.hasher()
  }

  add(piece: Uint8Array): void {
    let rest = piece
    while (rest.length > 0) {
      const part = this.#file.parts[this.#part]
      if (part === undefined) throw new FolderProblem(`${shown(this.#file.path)} is longer than it was signed`)
      const taken = part.end === undefined ? rest : rest.subarray(0, part.end - this.#bytes)
      this.#hasher.update(taken)
      this.#bytes += taken.length
      rest = rest.subarray(taken.length)
      if (this.#bytes === part.end) this.#close()
    }
  }

  /** The file's length in bytes. */
  finish(): number {
    const part = this.#file.parts[this.#part]
    if (part?.end === undefined) {
      if (part !== undefined) this.#close()
    } else {
      throw new FolderProblem(`${shown(this.#file.path)} is shorter than it was signed`)
    }
    return this.#bytes
  }

  #close(): void {
    const found = toHex(this.#hasher.digest())
    const expected = this.#file.parts[this.#part]?.digest
    if (found !== expected) {
      throw new FolderProblem(`${shown(this.#file.path)} has SHA-256 ${found}, not ${expected}`)
    }
    this.#part++
    this.#hasher = this.#crypto.hasher()
  }
}

function shown(path: string): string {
  return JSON.stringify(path.slice(0, 200))
}

import { createReadStream } from 'node:fs'
import { type FileHandle, open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ParleyError } from '../../core/errors/index.ts'
import { systemCode } from '../files.ts'
import { bundleLimits, bundlePaths } from './format.ts'
import { checkPath, readTarIndex, type TarFile } from './tar.ts'

/** The files of a bundle, wherever they lie. */
export interface BundleSource {
  /** Bytes of each file by its path. */
  readonly files: ReadonlyMap<string, number>
  /** A file that is there, piece by piece. */
  open(path: string): AsyncIterable<Uint8Array>
  close(): Promise<void>
}

/** Whether a path is a bundle: a file, or a folder with what was in one. */
export async function isBundle(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isFile()) return true
  return found?.isDirectory() === true && (await isFile(join(path, bundlePaths.index)))
}

/** Opens a bundle, one file or unpacked. Throws `evidence.invalid`, `object.not-found`. */
export async function openBundle(path: string): Promise<BundleSource> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) throw new ParleyError('object.not-found', `there is no bundle ${path}`)
  return found.isDirectory() ? folderSource(path) : tarSource(path)
}

const PIECE = 2 ** 20

async function tarSource(path: string): Promise<BundleSource> {
  const file = await open(path, 'r')
  try {
    const index = await readTarIndex(file)
    const files = new Map([...index].map(([name, { bytes }]) => [name, bytes]))
    return { files, open: (name) => piecesOf(file, index.get(name)), close: () => file.close() }
  } catch (failure) {
    await file.close()
    throw failure
  }
}

async function* piecesOf(file: FileHandle, place: TarFile | undefined): AsyncGenerator<Uint8Array> {
  if (place === undefined) throw new ParleyError('internal', 'a file is read that is not there')
  for (let done = 0; done < place.bytes; ) {
    const length = Math.min(PIECE, place.bytes - done)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, place.start + done)
    if (bytesRead === 0) throw new ParleyError('evidence.invalid', 'the bundle: it was cut while it was read')
    yield buffer.subarray(0, bytesRead)
    done += bytesRead
  }
}

async function folderSource(folder: string): Promise<BundleSource> {
  const files = new Map<string, number>()
  await collect(folder, '', files)
  return {
    files,
    open: (name) => createReadStream(join(folder, name), { highWaterMark: PIECE }),
    close: async () => {},
  }
}

/** Links are told as what they are, and never followed. */
async function collect(folder: string, below: string, files: Map<string, number>): Promise<void> {
  for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    checkPath(path)
    if (entry.isDirectory()) await collect(folder, path, files)
    else if (entry.isFile()) files.set(path, (await stat(join(folder, path))).size)
    else throw new ParleyError('evidence.invalid', `the bundle: ${path} is neither file nor folder`)
    if (files.size > bundleLimits.files) {
      throw new ParleyError('evidence.invalid', `the bundle: it has more than ${bundleLimits.files} files`)
    }
  }
}

/** A file as a whole. Throws `evidence.invalid` where it is not there or too large. */
export async function readSmall(source: BundleSource, path: string): Promise<Uint8Array> {
  const bytes = source.files.get(path)
  if (bytes === undefined) throw new ParleyError('evidence.invalid', `the bundle: ${path} is missing`)
  if (bytes > bundleLimits.small) {
    throw new ParleyError('evidence.invalid', `the bundle: ${path} has more than ${bundleLimits.small} bytes`)
  }
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of source.open(path)) {
    length += piece.length
    if (length > bytes) throw new ParleyError('evidence.invalid', `the bundle: ${path} grows while it is read`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    (failure: unknown) => {
      if (systemCode(failure) === 'ENOENT') return false
      throw failure
    },
  )
}

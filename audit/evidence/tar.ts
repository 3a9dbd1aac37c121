import type { FileHandle } from 'node:fs/promises'
import { isPortable } from '../../core/attestation/model-signing/names.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { bundleLimits } from './format.ts'

/**
 * The plainest tar there is (POSIX.1-1988 ustar): files with portable names, and nothing else. Every tar unpacks it; what is
 * read here is this subset alone, in its place, so that nothing of a bundle is ever written to the disk: no links, no paths that
 * lead out, no headers that hide a second size or name.
 */

const BLOCK = 512
/** Eleven octal digits. */
const MOST_BYTES = 8 ** 11 - 1

/** The header of a file. `at` in milliseconds since the epoch. Throws `request.too-large`, `request.invalid`. */
export function tarHeader(path: string, bytes: number, at: number): Uint8Array {
  if (bytes > MOST_BYTES) throw new ParleyError('request.too-large', `${path} has more than ${MOST_BYTES} bytes`)
  const [prefix, name] = splitPath(path)
  const block = Buffer.alloc(BLOCK)
  block.write(name, 0, 'latin1')
  block.write('0000600\0', 100, 'latin1')
  block.write('0000000\0', 108, 'latin1')
  block.write('0000000\0', 116, 'latin1')
  block.write(`${octal(bytes, 11)}\0`, 124, 'latin1')
  block.write(`${octal(Math.max(0, Math.floor(at / 1_000)), 11)}\0`, 136, 'latin1')
  block.write('0', 156, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  block.write(prefix, 345, 'latin1')
  block.write(`${octal(checksum(block), 6)}\0 `, 148, 'latin1')
  return block
}

/** What fills the last block of a file. */
export function tarPadding(bytes: number): Uint8Array {
  return new Uint8Array((BLOCK - (bytes % BLOCK)) % BLOCK)
}

/** What says that no file follows. */
export const tarEnd: Uint8Array = new Uint8Array(2 * BLOCK)

export type TarFile = { readonly start: number; readonly bytes: number }

/** Where each file of an archive lies in it. Throws `evidence.invalid`, which names the place. */
export async function readTarIndex(file: FileHandle): Promise<ReadonlyMap<string, TarFile>> {
  const { size } = await file.stat()
  const found = new Map<string, TarFile>()
  let at = 0
  for (;;) {
    const block = await blockAt(file, at, size)
    if (isZero(block)) break
    const { path, bytes } = readHeader(block, at)
    if (found.has(path)) throw invalid(`${path} is there twice`)
    if (found.size >= bundleLimits.files) throw invalid(`it has more than ${bundleLimits.files} files`)
    const start = at + BLOCK
    const end = start + bytes + tarPadding(bytes).length
    if (end > size) throw invalid(`it is cut: ${path} should have ${bytes} bytes`)
    found.set(path, { start, bytes })
    at = end
  }
  if (!isZero(await blockAt(file, at + BLOCK, size))) throw invalid(`something stands after its end, at byte ${at}`)
  for (at += 2 * BLOCK; at < size; at += BLOCK) {
    if (!isZero(await blockAt(file, at, size))) throw invalid(`something stands after its end, at byte ${at}`)
  }
  return found
}

async function blockAt(file: FileHandle, at: number, size: number): Promise<Buffer> {
  if (at + BLOCK > size) throw invalid(`it is cut after ${size} bytes`)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(BLOCK), 0, BLOCK, at)
  if (bytesRead !== BLOCK) throw invalid(`it is cut after ${at + bytesRead} bytes`)
  return buffer
}

function readHeader(block: Buffer, at: number): { readonly path: string; readonly bytes: number } {
  const where = `the header at byte ${at}`
  const sum = /^[0-7]{6}\0 $/.exec(text(block, 148, 8))
  if (sum === null || Number.parseInt(sum[0], 8) !== checksum(block)) throw invalid(`${where} is not one of a tar file`)
  if (text(block, 257, 8) !== 'ustar\x0000') throw invalid(`${where} is not one of a plain ustar file`)
  const type = text(block, 156, 1)
  if (type !== '0') throw invalid(`${where} is of ${otherTypes[type] ?? 'something that is no file'}`)
  const prefix = word(block, 345, 155)
  const name = word(block, 0, 100)
  const path = prefix === '' ? name : `${prefix}/${name}`
  checkPath(path)
  const size = /^[0-7]{11}\0$/.exec(text(block, 124, 12))
  if (size === null) throw invalid(`${path} has a size that is none`)
  return { path, bytes: Number.parseInt(size[0], 8) }
}

const otherTypes: Readonly<Record<string, string>> = {
  '1': 'a link',
  '2': 'a symbolic link',
  '3': 'a device',
  '4': 'a device',
  '5': 'a folder',
  '6': 'a pipe',
}

/** Throws `evidence.invalid` on a name that could lead anywhere but into the bundle, or be two on some systems. */
export function checkPath(path: string): void {
  const shown = JSON.stringify(path.slice(0, 200))
  if (path.length > bundleLimits.path || !isPortable(path)) throw invalid(`the path ${shown} is none that a bundle has`)
  if (path.split('/').some((part) => part === '.' || part === '..')) throw invalid(`the path ${shown} leads elsewhere`)
}

function splitPath(path: string): readonly [string, string] {
  checkPath(path)
  if (path.length <= 100) return ['', path]
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
    if (at <= 155 && path.length - at - 1 <= 100) return [path.slice(0, at), path.slice(at + 1)]
  }
  throw new ParleyError('request.invalid', `the path ${path} is too long for a bundle`)
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}

/** The sum of the bytes of a header whose own field counts as blanks. */
function checksum(block: Buffer): number {
  let sum = 8 * 0x20
  for (const [index, byte] of block.entries()) if (index < 148 || index >= 156) sum += byte
  return sum
}

function text(block: Buffer, start: number, length: number): string {
  return block.toString('latin1', start, start + length)
}

/** Up to the first zero byte; nothing may stand behind it. */
function word(block: Buffer, start: number, length: number): string {
  const [, found, rest] = /^([^\0]*)(\0*)$/.exec(text(block, start, length)) ?? []
  if (found === undefined || rest === undefined) throw invalid('a name has something behind its end')
  return found
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0)
}

function invalid(message: string): ParleyError {
  return new ParleyError('evidence.invalid', `the bundle: ${message}`)
}

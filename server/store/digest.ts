import { createHash } from 'node:crypto'
import { ParleyError } from '../../core/errors/index.ts'
import type { Digest } from './ports.ts'

export function sha256Hex(bytes: Uint8Array): Digest {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Throws `request.invalid` unless the name is 64 lower-case hex digits: only such a name ever becomes part of a path. */
export function checkDigest(digest: string): void {
  if (!/^[0-9a-f]{64}$/.test(digest)) throw new ParleyError('request.invalid', 'a blob is named by 64 hex digits')
}

/** Throws `request.invalid` unless `offset` and `length` are a range within `size` bytes. */
export function checkRange(offset: number, length: number, size: number): void {
  const sound = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0
  if (!sound || offset + length > size) {
    throw new ParleyError('request.invalid', `${length} bytes at ${offset} are not within ${size} bytes`)
  }
}

/** Throws `request.invalid` unless a resumable writer can have this length and granule. */
export function checkResume(digest: string, length: number, granule: number): void {
  checkDigest(digest)
  if (!Number.isSafeInteger(length) || length < 0 || !Number.isSafeInteger(granule) || granule < 1) {
    throw new ParleyError('request.invalid', `length ${length} and granule ${granule} are not sizes`)
  }
}

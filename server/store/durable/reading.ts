import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { ParleyError } from '../../../core/errors/index.ts'
import type { Digest } from '../ports.ts'
import { PIECE_BYTES, readFully } from './files.ts'

/** A complete blob that is open. */
export type OpenBlob = { readonly digest: Digest; readonly handle: FileHandle; readonly size: number }

/** A range that lies within the blob, in `into` or in memory of its own. A read of the whole is held against the digest. */
export async function readBlob(
  { digest, handle, size }: OpenBlob,
  offset: number,
  length: number,
  into?: Uint8Array,
): Promise<Uint8Array> {
  // Not from the pool of small buffers, which is neither aligned nor the caller's alone.
  const fits = into !== undefined && into.length >= length
  const bytes = fits ? into.subarray(0, length) : new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
  const hash = length === size ? createHash('sha256') : undefined
  for (let at = 0; at < length; at += PIECE_BYTES) {
    const piece = bytes.subarray(at, at + PIECE_BYTES)
    if (!(await readFully(handle, piece, offset + at))) throw altered(digest)
    hash?.update(piece)
  }
  if (hash !== undefined && hash.digest('hex') !== digest) throw altered(digest)
  return bytes
}

/** Reads the blob once through, a piece at a time, and throws `store.corrupt` when it does not have its digest. */
export async function verifyBlob({ digest, handle, size }: OpenBlob): Promise<void> {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(Math.min(PIECE_BYTES, size))
  for (let at = 0; at < size; at += PIECE_BYTES) {
    const piece = buffer.subarray(0, Math.min(PIECE_BYTES, size - at))
    if (!(await readFully(handle, piece, at))) throw altered(digest)
    hash.update(piece)
  }
  if (hash.digest('hex') !== digest) throw altered(digest)
}

function altered(digest: Digest): ParleyError {
  return new ParleyError('store.corrupt', `blob ${digest} was altered on disk`, { details: { digest } })
}

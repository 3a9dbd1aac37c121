import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ParleyError } from '../../core/errors/index.ts'
import { SEGMENT_BYTES } from '../../core/wire/limits.ts'
import type { BlobStore, Digest } from '../store/ports.ts'
import type { HttpDeps } from './options.ts'
import { type ByteRange, namesTag, rangeHolds, rangeOf } from './range.ts'

/** A file of a version: what is served never changes under its address. */
export type ServedFile = { readonly digest: Digest; readonly name: string; readonly type: string }

/** Answers with a file or a part of it, piece by piece. The digest of the file is its entity tag. */
export async function answerFile(
  deps: HttpDeps,
  { digest, name, type }: ServedFile,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { blobs } = deps.store
  const size = await blobs.size(digest)
  if (size === undefined) throw new ParleyError('store.corrupt', `the file ${digest} is missing`)
  const tag = `"${digest}"`
  void reply.headers({
    etag: tag,
    'accept-ranges': 'bytes',
    'cache-control': 'public, max-age=31536000, immutable',
    'content-disposition': `attachment; filename="${name}"`,
  })
  if (namesTag(request.headers['if-none-match'], tag)) return reply.code(304).send()
  void reply.type(type)
  // A range has a meaning with GET only.
  if (request.method === 'HEAD') return reply.header('content-length', size).send()
  const range = partOf(request, reply, tag, size)
  if (range !== undefined) {
    const { start, length } = range
    void reply.code(206).header('content-range', `bytes ${start}-${start + length - 1}/${size}`)
  }
  const { start, length } = range ?? { start: 0, length: size }
  void reply.header('content-length', length)
  // Somebody who asks for a file and does not read it would hold it open for ever.
  reply.raw.setTimeout(deps.limits.stallMs, () => reply.raw.destroy())
  const pieces = length === size ? wholeFile(deps, digest, size) : filePart(blobs, digest, start, length)
  return reply.send(Readable.from(pieces, { objectMode: false, highWaterMark: SEGMENT_BYTES }))
}

function partOf(request: FastifyRequest, reply: FastifyReply, tag: string, size: number): ByteRange | undefined {
  if (!rangeHolds(String(request.headers['if-range'] ?? tag), tag)) return undefined
  try {
    return rangeOf(request.headers.range, size)
  } catch (failure) {
    void reply.header('content-range', `bytes */${size}`)
    throw failure
  }
}

/**
 * All bytes of a file, hashed on their way. The last piece is held back until the digest is known: a file that was altered
 * on disk is never sent completely, and the connection breaks instead.
 */
async function* wholeFile({ store, logger }: HttpDeps, digest: Digest, size: number): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  let held: Uint8Array | undefined
  for await (const piece of filePart(store.blobs, digest, 0, size)) {
    hash.update(piece)
    if (held !== undefined) yield held
    held = piece
  }
  if (hash.digest('hex') !== digest) {
    const error = new ParleyError('store.corrupt', `blob ${digest} was altered on disk`)
    logger.error({ err: error }, 'a download was broken off')
    throw error
  }
  if (held !== undefined) yield held
}

async function* filePart(
  blobs: Pick<BlobStore, 'read'>,
  digest: Digest,
  start: number,
  length: number,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < length; at += SEGMENT_BYTES) {
    yield await blobs.read(digest, start + at, Math.min(SEGMENT_BYTES, length - at))
  }
}

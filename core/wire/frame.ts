import protobuf from 'protobufjs'
import { ParleyError } from '../errors/index.ts'
import { descriptor } from './generated/descriptor.ts'
import type { Frame__Output } from './generated/types/parley/v1/Frame.ts'

type FrameType = Exclude<Frame__Output['body'], undefined>

/** A decoded frame: the name of its body in `type`, and the fields of proto/parley/v1/session.proto beside it. */
export type Frame = { [T in FrameType]: { readonly type: T } & Readonly<FieldsOf<T>> }[FrameType]
export type FrameOf<T extends FrameType> = Extract<Frame, { readonly type: T }>

// protobufjs yields Buffers on Node and Uint8Arrays elsewhere; the project's own type promises no more than the latter.
type FieldsOf<T extends FrameType> = {
  [Field in keyof NonNullable<Frame__Output[T]>]: Portable<NonNullable<Frame__Output[T]>[Field]>
}
type Portable<Value> = Value extends Buffer ? Uint8Array : Value extends object ? PortableObject<Value> : Value
type PortableObject<Value> = Value extends readonly unknown[]
  ? Value
  : { readonly [K in keyof Value]: Portable<Value[K]> }

// protobufjs types its JSON form more narrowly than what it writes itself.
const message = protobuf.Root.fromJSON(descriptor as protobuf.INamespace).lookupType('parley.v1.Frame')
const chunkFields = { blobChunk: 13, uploadChunk: 17 } as const

export function encodeFrame(frame: Frame): Uint8Array {
  if (frame.type === 'blobChunk' || frame.type === 'uploadChunk') return encodeChunk(frame)
  const { type, ...fields } = frame
  return message.encode({ [type]: fields }).finish()
}

/**
 * Decodes one frame. Byte fields are views into `bytes`. An unknown body, a missing body, two bodies, a truncated message
 * or an offset beyond 2^53 throws `frame.malformed`.
 */
export function decodeFrame(bytes: Uint8Array): Frame {
  const decoded = decode(bytes)
  const type = decoded.body
  const fields = type === undefined ? undefined : decoded[type]
  if (type === undefined || fields === undefined || fields === null) {
    throw new ParleyError('frame.malformed', 'the frame has no body that this version knows')
  }
  // A frame with two bodies would mean one thing to this decoder and another to that of another language.
  if (Object.keys(decoded).length !== 2) throw new ParleyError('frame.malformed', 'the frame has more than one body')
  if ('offset' in fields && !Number.isSafeInteger(fields.offset)) {
    throw new ParleyError('frame.malformed', 'an offset is beyond 2^53')
  }
  // The descriptor and the generated types come from the same file, so the decoded fields have the types of `type`.
  return { type, ...fields } as unknown as Frame
}

function decode(bytes: Uint8Array): Frame__Output {
  try {
    return message.toObject(message.decode(bytes), { longs: Number, defaults: true, oneofs: true }) as Frame__Output
  } catch (cause) {
    throw new ParleyError('frame.malformed', 'the bytes are not a frame', { cause })
  }
}

/**
 * A frame of a chunk whose data is still to be written: `data` is its place within `frame`. The same bytes as the general
 * encoder gives, without its copies: chunks are all the volume.
 */
export function chunkFrame(
  type: keyof typeof chunkFields,
  digest: Uint8Array,
  offset: number,
  length: number,
): { readonly frame: Uint8Array; readonly data: Uint8Array } {
  const tag = ((chunkFields[type] << 3) | 2) >>> 0
  const head = 1 + varintLength(digest.length) + digest.length + 1 + varintLength(offset) + 1 + varintLength(length)
  const frame = new Uint8Array(varintLength(tag) + varintLength(head + length) + head + length)
  let at = writeVarint(frame, 0, tag)
  at = writeVarint(frame, at, head + length)
  at = writeVarint(frame, at, (1 << 3) | 2)
  at = writeVarint(frame, at, digest.length)
  frame.set(digest, at)
  at = writeVarint(frame, at + digest.length, 2 << 3)
  at = writeVarint(frame, at, offset)
  at = writeVarint(frame, at, (3 << 3) | 2)
  at = writeVarint(frame, at, length)
  return { frame, data: frame.subarray(at) }
}

function encodeChunk({ type, digest, offset, data }: FrameOf<'blobChunk'> | FrameOf<'uploadChunk'>): Uint8Array {
  const chunk = chunkFrame(type, digest, offset, data.length)
  chunk.data.set(data)
  return chunk.frame
}

function varintLength(value: number): number {
  let length = 1
  while (value >= 128) {
    value = Math.floor(value / 128)
    length++
  }
  return length
}

function writeVarint(out: Uint8Array, at: number, value: number): number {
  while (value >= 128) {
    out[at++] = (value % 128) | 128
    value = Math.floor(value / 128)
  }
  out[at++] = value
  return at
}

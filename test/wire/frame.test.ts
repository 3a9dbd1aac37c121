import fc from 'fast-check'
import protobuf from 'protobufjs'
import { describe, expect, it } from 'vitest'
import { ParleyError } from '../../core/errors/index.ts'
import { decodeFrame, encodeFrame, type Frame } from '../../core/wire/frame.ts'
import { descriptor } from '../../core/wire/generated/descriptor.ts'

const message = protobuf.Root.fromJSON(descriptor as protobuf.INamespace).lookupType('parley.v1.Frame')

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const anyBytes = fc.uint8Array({ maxLength: 300 })
const text = fc.string({ unit: 'grapheme', maxLength: 40 })
const uint32 = fc.nat({ max: 0xffff_ffff })
const offset = fc.maxSafeNat()
const kind = fc.constantFrom('train', 'evaluate')
const envelope = fc.record({ payloadType: text, payload: anyBytes, signature: bytes(64) })
const digest = bytes(32)

/** A generator for every type of frame; the type of the record makes the compiler ask for new ones. */
const generators: { [T in Frame['type']]: fc.Arbitrary<Omit<Extract<Frame, { type: T }>, 'type'>> } = {
  hello: fc.record({
    minVersion: uint32,
    maxVersion: uint32,
    publicKey: bytes(32),
    nonce: bytes(32),
    capabilities: fc.array(text, { maxLength: 5 }),
    agent: text,
  }),
  challenge: fc.record({
    version: uint32,
    publicKey: bytes(32),
    nonce: bytes(32),
    capabilities: fc.array(text, { maxLength: 5 }),
    signature: bytes(64),
  }),
  authenticate: fc.record({ signature: bytes(64), auditRecords: offset }),
  welcome: fc.record({
    client: text,
    idleMs: uint32,
    maxFrameBytes: uint32,
    audit: fc.option(fc.record({ publicKey: bytes(32), newest: anyBytes, held: anyBytes })),
  }),
  heartbeat: fc.constant({}),
  close: fc.record({ code: text, message: text, retryAfterMs: uint32 }),
  task: fc.record({ configuration: envelope }),
  decline: fc.record({ run: text, round: uint32, kind, code: text, message: text }),
  blobRequest: fc.record({ digest, offset }),
  blobChunk: fc.record({ digest, offset, data: anyBytes }),
  blobAbsent: fc.record({ digest }),
  uploadOpen: fc.record({ header: envelope }),
  uploadReady: fc.record({ digest, offset }),
  uploadChunk: fc.record({ digest, offset, data: anyBytes }),
  receipt: fc.record({
    run: text,
    round: uint32,
    kind,
    digest,
    accepted: fc.boolean(),
    code: text,
    message: text,
  }),
  evaluation: fc.record({ report: envelope }),
  maskingStep: fc.record({ run: text, round: uint32, payload: anyBytes }),
  maskingAnswer: fc.record({ run: text, round: uint32, message: envelope }),
}
const types = Object.keys(generators) as Frame['type'][]
const anyFrame: fc.Arbitrary<Frame> = fc.oneof(
  ...types.map((type) => generators[type].map((fields) => ({ type, ...fields }) as Frame)),
)

/** Frames as plain data: protobufjs gives Buffers on Node where a Uint8Array went in. */
const plain = (value: unknown): unknown =>
  value instanceof Uint8Array
    ? `bytes ${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`
    : Array.isArray(value)
      ? value.map(plain)
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
        : value

/** Decodes, and lets through only what the contract allows: a frame of a known type, or `frame.malformed`. */
function decodeOrRefuse(input: Uint8Array): Frame | 'frame.malformed' {
  try {
    const frame = decodeFrame(input)
    expect(types).toContain(frame.type)
    return frame
  } catch (error) {
    if (error instanceof ParleyError && error.code === 'frame.malformed') return 'frame.malformed'
    throw error
  }
}

describe('frames', () => {
  it('has a generator here for every body of the protocol', () => {
    const bodies = message.oneofs.body?.fieldsArray.map((field) => field.name)
    expect([...types].sort()).toEqual(bodies?.sort())
  })

  it.each(types)('%s comes back as it went out', (type) => {
    fc.assert(
      fc.property(generators[type], (fields) => {
        const frame = { type, ...fields } as Frame
        const encoded = encodeFrame(frame)
        expect(plain(decodeFrame(encoded))).toEqual(plain(frame))
        // The same from a plain array as from a Buffer.
        expect(plain(decodeFrame(Uint8Array.from(encoded)))).toEqual(plain(frame))
      }),
      { numRuns: 60 },
    )
  })

  it.each(['blobChunk', 'uploadChunk'] as const)('encodes %s by hand to what protobufjs reads and writes', (type) => {
    const frames = fc.record({
      digest: fc.oneof(bytes(32), anyBytes),
      offset: fc.oneof(offset, fc.constantFrom(0, 127, 128, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER)),
      data: fc.oneof(
        anyBytes,
        fc.constantFrom(127, 128, 16_383, 16_384, 1_048_576).map((n) => new Uint8Array(n)),
      ),
    })
    fc.assert(
      fc.property(frames, (fields) => {
        const byHand = Buffer.from(encodeFrame({ type, ...fields }))
        // protobufjs leaves out nothing that is given, so the bytes are equal, not only their meaning.
        expect(byHand.equals(Buffer.from(message.encode({ [type]: fields }).finish()))).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  it('refuses every truncation or reads a shorter frame, and never throws anything else', () => {
    fc.assert(
      fc.property(anyFrame, (frame) => {
        const encoded = encodeFrame(frame)
        for (let length = 0; length < encoded.length; length++) {
          // What is cut within its length-delimited body cannot be whole.
          expect(decodeOrRefuse(encoded.subarray(0, length))).toBe('frame.malformed')
        }
      }),
      { numRuns: 60 },
    )
  })

  it('never throws anything but frame.malformed at random bytes and random changes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (input) => void decodeOrRefuse(input)),
      { numRuns: 3000 },
    )
    const changed = fc.tuple(anyFrame, fc.nat(), fc.nat({ max: 255 })).map(([frame, at, value]) => {
      const encoded = Uint8Array.from(encodeFrame(frame))
      if (encoded.length > 0) encoded[at % encoded.length] = value
      return encoded
    })
    fc.assert(
      fc.property(changed, (input) => void decodeOrRefuse(input)),
      { numRuns: 3000 },
    )
  })

  it.each([
    ['nothing at all', []],
    ['a body of a later version', [(100 << 3) | 2 | 0x80, 0x06, 0]],
    ['groups nested without end', Array(50_000).fill(0x0b)],
    ['a body that is a number', [1 << 3, 1]],
    ['an offset of 2^64 - 1', [(12 << 3) | 2, 11, 2 << 3, ...Array(9).fill(0xff), 1]],
    ['a length beyond the end', [(13 << 3) | 2, 0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])('refuses %s', (_name, input) => {
    expect(decodeOrRefuse(Uint8Array.from(input))).toBe('frame.malformed')
  })

  it('leaves prototypes alone, whatever strings a frame holds', () => {
    for (const name of ['__proto__', 'constructor', 'prototype', 'toString']) {
      const frame = decodeFrame(encodeFrame({ type: 'close', code: name, message: name, retryAfterMs: 1 }))
      expect(frame).toEqual({ type: 'close', code: name, message: name, retryAfterMs: 1 })
      expect(ParleyError.fromPeer(name, 'x').code).toBe('session.closed')
    }
    expect(({} as Record<string, unknown>).code).toBeUndefined()
    expect(Object.getPrototypeOf(decodeFrame(encodeFrame({ type: 'heartbeat' })))).toBe(Object.prototype)
  })

  it('refuses two bodies in one frame, in either order', () => {
    const absent = encodeFrame({ type: 'blobAbsent', digest: new Uint8Array(32) })
    const heartbeat = encodeFrame({ type: 'heartbeat' })
    expect(decodeOrRefuse(Buffer.concat([absent, heartbeat]))).toBe('frame.malformed')
    expect(decodeOrRefuse(Buffer.concat([heartbeat, absent]))).toBe('frame.malformed')
  })

  it('costs a decoded chunk no copy of its data', () => {
    const encoded = encodeFrame({
      type: 'blobChunk',
      digest: new Uint8Array(32),
      offset: 0,
      data: new Uint8Array(1000),
    })
    const decoded = decodeFrame(encoded)
    expect(decoded.type === 'blobChunk' && decoded.data.buffer).toBe(encoded.buffer)
  })
})

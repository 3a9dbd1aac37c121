import { dialUrl } from '../../client/carriers/dial.ts'
import type { DialOptions } from '../../client/carriers/options.ts'
import { openHandshake } from '../../client/node/handshake.ts'
import { payloadTypes, signBytes } from '../../core/crypto/envelope.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { SEALED_SEGMENT_BYTES, sealedLength, sealer, segmentCount } from '../../core/crypto/seal.ts'
import { bytesView, fromHex, fromUtf8, toHex, utf8 } from '../../core/encoding/bytes.ts'
import type { RoundConfiguration } from '../../core/run/round-configuration.ts'
import { systemClock } from '../../core/system-clock.ts'
import type { Connection } from '../../core/wire/connection.ts'
import { decodeFrame, encodeFrame, type Frame, type FrameOf } from '../../core/wire/frame.ts'
import { defaultLimits, SEGMENT_BYTES } from '../../core/wire/limits.ts'
import { Link } from '../../core/wire/link.ts'
import { coordinatorKey, keyOf } from './federation.ts'

/** Speaks single frames, right or wrong, over a real carrier: what an attacker can do. */
export class RawClient {
  readonly connection: Connection
  readonly link: Link
  readonly #frames: AsyncIterator<Uint8Array>
  readonly name: string

  private constructor(connection: Connection, name: string) {
    this.connection = connection
    this.name = name
    this.link = new Link(connection, { clock: systemClock, idleMs: 60_000, stallMs: 60_000 })
    this.#frames = connection.frames[Symbol.asyncIterator]()
  }

  static async connect(url: string, name: string, options: DialOptions = {}): Promise<RawClient> {
    return new RawClient(await dialUrl(url, options)(), name)
  }

  /** Connected and authenticated as the client of this name. */
  static async open(url: string, name: string): Promise<RawClient> {
    const client = await RawClient.connect(url, name)
    await client.handshake()
    return client
  }

  async handshake(key = keyOf(this.name)): Promise<void> {
    const options = {
      crypto: nodeCrypto,
      identity: key,
      coordinatorKey: coordinatorKey.publicKey,
      agent: 'raw',
      limits: defaultLimits,
    }
    await openHandshake(options, this.link)
  }

  send(frame: Frame): Promise<void> {
    return this.connection.send(encodeFrame(frame))
  }

  sendBytes(bytes: Uint8Array): Promise<void> {
    return this.connection.send(bytes)
  }

  /** The next frame of one of these types; others before it are skipped. */
  async nextOf<T extends Frame['type']>(...types: readonly T[]): Promise<FrameOf<T>> {
    for (;;) {
      const { done, value } = await this.#frames.next()
      if (done === true) throw new Error(`the connection ended before a ${types.join(' or ')} came`)
      const frame = decodeFrame(value)
      if (types.some((type) => type === frame.type)) return frame as FrameOf<T>
    }
  }

  next<T extends Frame['type']>(type: T): Promise<FrameOf<T>> {
    return this.nextOf(type)
  }

  /** The code with which the coordinator ends the session. */
  async closeCode(): Promise<string> {
    try {
      return (await this.next('close')).code
    } catch (error) {
      return (error as { code?: string }).code ?? String(error)
    }
  }

  async task(kind: RoundConfiguration['kind'] = 'train'): Promise<RoundConfiguration> {
    for (;;) {
      const { configuration } = await this.next('task')
      const value = JSON.parse(fromUtf8(configuration!.payload)) as RoundConfiguration
      if (value.kind === kind) return value
    }
  }

  close(): void {
    this.connection.destroy()
  }
}

type TrainTask = Extract<RoundConfiguration, { kind: 'train' }>

export type ForgedUpdate = {
  readonly header: FrameOf<'uploadOpen'>
  readonly digest: Uint8Array
  readonly sealed: Uint8Array
}

/** An update sealed as a client does it, with whatever differs in its header. The signature fits, unless told otherwise. */
export function forgeUpdate(
  task: RoundConfiguration,
  name: string,
  delta: Float32Array,
  changed: Readonly<Record<string, unknown>> = {},
  signer = keyOf(name),
): ForgedUpdate {
  const { run, round, model, layout, roundKey } = task as TrainTask
  const plain = bytesView(delta)
  const context = { run, round, client: name, model: model.digest, layout, plainBytes: plain.length }
  const seal = sealer(nodeCrypto, fromHex(roundKey)!, nodeCrypto.randomBytes(32), context)
  const sealed = new Uint8Array(sealedLength(plain.length))
  for (let index = 0; index < segmentCount(plain.length); index++) {
    const part = plain.subarray(index * SEGMENT_BYTES, (index + 1) * SEGMENT_BYTES)
    const from = index * SEALED_SEGMENT_BYTES
    seal.segment(index, part, sealed.subarray(from, from + part.length + 16))
  }
  const digest = nodeCrypto.sha256(sealed)
  const header = {
    v: 1,
    run,
    round,
    client: name,
    mode: 'sealed',
    model: model.digest,
    layout,
    oneTimeKey: toHex(seal.publicKey),
    bytes: sealed.length,
    sha256: toHex(digest),
    samples: 10,
    steps: 1,
    loss: '0.5',
    ...changed,
  }
  // Not every forged header has a canonical form.
  const envelope = signBytes(signer, payloadTypes.update, utf8(JSON.stringify(header)))
  return { header: { type: 'uploadOpen', header: envelope }, digest, sealed }
}

/** Uploads an update as far as the coordinator lets it, and returns the receipt. */
export async function upload(client: RawClient, update: ForgedUpdate): Promise<FrameOf<'receipt'>> {
  await client.send(update.header)
  const answer = await client.nextOf('uploadReady', 'receipt')
  if (answer.type === 'receipt') return answer
  for (let offset = answer.offset; offset < update.sealed.length; offset += SEALED_SEGMENT_BYTES) {
    const data = update.sealed.subarray(offset, offset + SEALED_SEGMENT_BYTES)
    await client.send({ type: 'uploadChunk', digest: update.digest, offset, data })
  }
  return client.next('receipt')
}

import { payloadTypes, signJson } from '../../core/crypto/envelope.ts'
import { type Crypto, KEY_BYTES, type SigningKey, TAG_BYTES } from '../../core/crypto/primitives.ts'
import { SEALED_SEGMENT_BYTES, sealedLength, sealer, segmentCount, segmentLength } from '../../core/crypto/seal.ts'
import { float32View, fromHex, toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { TrainConfiguration } from '../../core/run/round-configuration.ts'
import type { RecordsHeader, UpdateHeader } from '../../core/run/update-header.ts'
import { vectorDigest } from '../../core/secagg/index.ts'
import { SEGMENT_BYTES } from '../../core/wire/limits.ts'
import type { TrainResult } from '../training/ports.ts'
import type { Difference } from './difference.ts'
import type { Outgoing } from './outbox.ts'

export type SealDeps = {
  readonly crypto: Crypto
  readonly identity: SigningKey
  readonly client: string
  /** Lets other work of the process go on; awaited now and then. */
  readonly breathe: () => Promise<void>
  /** What the update cost the rows behind it, where the plan hides them: then nothing is said of the training loss. */
  readonly records?: RecordsHeader | undefined
}

export type SealedUpdate = Outgoing & { readonly sealed: Uint8Array }

/** What is done to an update before it leaves. */
export type Privatised = {
  /** It is multiplied by this, where it is longer than the plan's clipping norm. */
  readonly factor: number
  /** Whether it was within that norm; said where the plan's norm adapts. */
  readonly unclipped?: boolean
  /** Adds noise to a part of it, in place; `at` is the place of the first value. */
  readonly addNoise?: (values: Float32Array, at: number) => void
}

const asItIs: Privatised = { factor: 1 }

/**
 * Seals and signs the update `result.weights − base` for the round's key, a segment at a time, so that the update itself
 * never stands in memory. `into` is the memory of an earlier sealed update, which is used again where it has the length:
 * fresh memory costs more than sealing does. Throws `engine.diverged` unless every value is finite.
 */
export async function sealUpdate(
  deps: SealDeps & { readonly difference: Difference },
  configuration: TrainConfiguration,
  base: Float32Array,
  result: TrainResult,
  { into, privatised = asItIs }: { readonly into?: Uint8Array | undefined; readonly privatised?: Privatised } = {},
): Promise<SealedUpdate> {
  const { factor, unclipped, addNoise } = privatised
  const fill = (plain: Uint8Array, index: number) => {
    const out = float32View(plain)
    const at = (index * SEGMENT_BYTES) / 4
    subtract(deps.difference, result.weights.subarray(at, at + out.length), base.subarray(at, at + out.length), out)
    if (factor !== 1) scale(out, factor)
    addNoise?.(out, at)
  }
  const { sealed, digest, oneTimeKey } = await seal(deps, configuration, base.byteLength, fill, into)
  const { run, round, model, layout } = configuration
  const header: UpdateHeader = {
    bytes: sealed.length,
    client: deps.client,
    layout,
    loss: deps.records === undefined ? decimal(result.loss) : '0',
    mode: 'sealed',
    model: model.digest,
    oneTimeKey,
    ...(deps.records === undefined ? {} : { records: deps.records }),
    round,
    run,
    samples: result.samples,
    sha256: toHex(digest),
    steps: result.steps,
    ...(unclipped === undefined ? {} : { unclipped }),
    v: 1,
  }
  return { kind: 'train', envelope: signJson(deps.identity, payloadTypes.update, header), digest, sealed }
}

/** Seals and signs a masked vector. What its client trained on, and for how long, stands in the sum alone. */
export async function sealVector(
  deps: SealDeps,
  configuration: TrainConfiguration,
  lanes: Uint32Array,
  into?: Uint8Array,
): Promise<SealedUpdate> {
  const bytes = new Uint8Array(lanes.buffer, lanes.byteOffset, lanes.byteLength)
  const fill = (plain: Uint8Array, index: number) => {
    const at = index * SEGMENT_BYTES
    plain.set(bytes.subarray(at, at + plain.length))
  }
  const { sealed, digest, oneTimeKey } = await seal(deps, configuration, bytes.length, fill, into)
  const { run, round, model, layout } = configuration
  const header: UpdateHeader = {
    bytes: sealed.length,
    client: deps.client,
    layout,
    loss: '0',
    mode: 'masked',
    model: model.digest,
    oneTimeKey,
    ...(deps.records === undefined ? {} : { records: deps.records }),
    round,
    run,
    samples: 1,
    sha256: toHex(digest),
    steps: 0,
    v: 1,
    vector: toHex(vectorDigest(deps.crypto, lanes)),
  }
  return { kind: 'train', envelope: signJson(deps.identity, payloadTypes.update, header), digest, sealed }
}

/** out = after − before. Throws `engine.diverged` unless every value is finite. */
export function subtract(difference: Difference, after: Float32Array, before: Float32Array, out: Float32Array): void {
  if (!difference(after, before, out)) {
    throw new ParleyError('engine.diverged', 'training gave weights that are not finite')
  }
}

export function scale(values: Float32Array, factor: number): void {
  for (let j = 0; j < values.length; j++) values[j] = (values[j] as number) * factor
}

async function seal(
  { crypto, client, breathe }: SealDeps,
  { run, round, model, layout, roundKey }: TrainConfiguration,
  plainBytes: number,
  fill: (plain: Uint8Array, index: number) => void,
  into?: Uint8Array,
): Promise<{ readonly sealed: Uint8Array; readonly digest: Uint8Array; readonly oneTimeKey: string }> {
  const context = { run, round, client, model: model.digest, layout, plainBytes }
  const key = fromHex(roundKey) ?? new Uint8Array(0)
  const sealing = sealer(crypto, key, crypto.randomBytes(KEY_BYTES), context)
  const length = sealedLength(plainBytes)
  const sealed = into?.length === length ? into : new Uint8Array(length)
  const hash = crypto.hasher()
  for (let index = 0; index < segmentCount(plainBytes); index++) {
    const from = index * SEALED_SEGMENT_BYTES
    const segment = sealed.subarray(from, from + segmentLength(plainBytes, index) + TAG_BYTES)
    const plain = segment.subarray(0, segment.length - TAG_BYTES)
    fill(plain, index)
    // Sealed where it lies.
    sealing.segment(index, plain, segment)
    hash.update(segment)
    if (index % 16 === 15) await breathe()
  }
  return { sealed, digest: hash.digest(), oneTimeKey: toHex(sealing.publicKey) }
}

function decimal(value: number): string {
  return Number.isFinite(value) ? String(value) : '0'
}

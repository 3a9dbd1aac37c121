import { payloadTypes, signValue } from '../../core/crypto/envelope.ts'
import { type Crypto, KEY_BYTES, type SigningKey, TAG_BYTES } from '../../core/crypto/primitives.ts'
import { SEALED_SEGMENT_BYTES, sealedLength, sealer, segmentCount, segmentLength } from '../../core/crypto/seal.ts'
import { float32View, fromHex, toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { TrainConfiguration } from '../../core/run/round-configuration.ts'
import type { UpdateHeader } from '../../core/run/update-header.ts'
import { SEGMENT_BYTES } from '../../core/wire/limits.ts'
import type { TrainResult } from '../training/ports.ts'
import type { Difference } from './difference.ts'
import type { Outgoing } from './outbox.ts'

export type SealDeps = {
  readonly crypto: Crypto
  readonly identity: SigningKey
  readonly client: string
  readonly difference: Difference
  /** Lets other work of the process go on; awaited now and then. */
  readonly breathe: () => Promise<void>
}

/**
 * Seals and signs the update `result.weights − base` for the round's key, a segment at a time, so that the update itself
 * never stands in memory. `into` is the memory of an earlier sealed update, which is used again where it has the length:
 * fresh memory costs more than sealing does. Throws `engine.diverged` unless every value is finite.
 */
export async function sealUpdate(
  deps: SealDeps,
  configuration: TrainConfiguration,
  base: Float32Array,
  result: TrainResult,
  into?: Uint8Array,
): Promise<Outgoing & { readonly sealed: Uint8Array }> {
  const { crypto, client } = deps
  const { run, round, model, layout } = configuration
  const plainBytes = base.byteLength
  const context = { run, round, client, model: model.digest, layout, plainBytes }
  const roundKey = fromHex(configuration.roundKey) ?? new Uint8Array(0)
  const seal = sealer(crypto, roundKey, crypto.randomBytes(KEY_BYTES), context)
  const length = sealedLength(plainBytes)
  const sealed = into?.length === length ? into : new Uint8Array(length)
  const hash = crypto.hasher()
  for (let index = 0; index < segmentCount(plainBytes); index++) {
    const from = index * SEALED_SEGMENT_BYTES
    const segment = sealed.subarray(from, from + segmentLength(plainBytes, index) + TAG_BYTES)
    const plain = segment.subarray(0, segment.length - TAG_BYTES)
    const out = float32View(plain)
    const at = (index * SEGMENT_BYTES) / 4
    if (!deps.difference(result.weights.subarray(at, at + out.length), base.subarray(at, at + out.length), out)) {
      throw new ParleyError('engine.diverged', 'training gave weights that are not finite')
    }
    // Sealed where it lies.
    seal.segment(index, plain, segment)
    hash.update(segment)
    if (index % 16 === 15) await deps.breathe()
  }
  const digest = hash.digest()
  const header: UpdateHeader = {
    v: 1,
    run,
    round,
    client,
    mode: 'sealed',
    model: model.digest,
    layout,
    oneTimeKey: toHex(seal.publicKey),
    bytes: sealed.length,
    sha256: toHex(digest),
    samples: result.samples,
    steps: result.steps,
    loss: decimal(result.loss),
  }
  return { kind: 'train', envelope: signValue(deps.identity, payloadTypes.update, header), digest, sealed }
}

function decimal(value: number): string {
  return Number.isFinite(value) ? String(value) : '0'
}

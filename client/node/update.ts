import { type Envelope, payloadTypes, signValue } from '../../core/crypto/envelope.ts'
import { type Crypto, KEY_BYTES, type SigningKey, TAG_BYTES } from '../../core/crypto/primitives.ts'
import { SEALED_SEGMENT_BYTES, sealedLength, sealer, segmentCount, segmentLength } from '../../core/crypto/seal.ts'
import { float32View, fromHex, toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { TrainConfiguration } from '../../core/run/round-configuration.ts'
import type { UpdateHeader } from '../../core/run/update-header.ts'
import { SEGMENT_BYTES } from '../../core/wire/limits.ts'
import type { TrainResult } from '../training/ports.ts'
import type { Outgoing } from './outbox.ts'

export type SealDeps = {
  readonly crypto: Crypto
  readonly identity: SigningKey
  readonly client: string
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
    subtract(result.weights, base, (index * SEGMENT_BYTES) / 4, float32View(plain))
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
  return { kind: 'train', envelope: signUpdate(deps.identity, header), digest, sealed }
}

/** out = trained − base from `offset` on. Throws `engine.diverged` unless every value is finite. */
function subtract(trained: Float32Array, base: Float32Array, offset: number, out: Float32Array): void {
  const after = trained.subarray(offset, offset + out.length)
  const before = base.subarray(offset, offset + out.length)
  // Zero times a finite number is zero; times anything else it is NaN. Four sums do not wait for one another.
  let [a, b, c, d] = [0, 0, 0, 0]
  let j = 0
  for (; j + 3 < out.length; j += 4) {
    const p = Math.fround((after[j] as number) - (before[j] as number))
    const q = Math.fround((after[j + 1] as number) - (before[j + 1] as number))
    const r = Math.fround((after[j + 2] as number) - (before[j + 2] as number))
    const s = Math.fround((after[j + 3] as number) - (before[j + 3] as number))
    out[j] = p
    out[j + 1] = q
    out[j + 2] = r
    out[j + 3] = s
    a += p * 0
    b += q * 0
    c += r * 0
    d += s * 0
  }
  for (; j < out.length; j++) {
    const p = Math.fround((after[j] as number) - (before[j] as number))
    out[j] = p
    a += p * 0
  }
  if (a + b + c + d !== 0) throw new ParleyError('engine.diverged', 'training gave weights that are not finite')
}

function signUpdate(identity: SigningKey, header: UpdateHeader): Envelope {
  return signValue(identity, payloadTypes.update, header)
}

function decimal(value: number): string {
  return Number.isFinite(value) ? String(value) : '0'
}

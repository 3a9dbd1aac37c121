import { type Envelope, payloadTypes, signValue } from '../../core/crypto/envelope.ts'
import { type Crypto, KEY_BYTES, type SigningKey } from '../../core/crypto/primitives.ts'
import { SEALED_SEGMENT_BYTES, sealedLength, sealer, segmentCount } from '../../core/crypto/seal.ts'
import { bytesView, fromHex, toHex } from '../../core/encoding/bytes.ts'
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

/** delta = trained − base. Throws `engine.diverged` unless every value is finite. */
export function deltaOf(trained: Float32Array, base: Float32Array): Float32Array {
  const delta = new Float32Array(base.length)
  let sum = 0
  for (let j = 0; j < delta.length; j++) {
    delta[j] = (trained[j] as number) - (base[j] as number)
    // Zero times a finite number is zero; times anything else it is NaN.
    sum += (delta[j] as number) * 0
  }
  if (sum !== 0) throw new ParleyError('engine.diverged', 'training gave weights that are not finite')
  return delta
}

/** Seals and signs an update for the round's key. The delta itself does not leave this function. */
export async function sealUpdate(
  deps: SealDeps,
  configuration: TrainConfiguration,
  delta: Float32Array,
  result: Pick<TrainResult, 'samples' | 'loss' | 'steps'>,
): Promise<Outgoing> {
  const { crypto, client } = deps
  const { run, round, model, layout } = configuration
  const plain = bytesView(delta)
  const context = { run, round, client, model: model.digest, layout, plainBytes: plain.length }
  const roundKey = fromHex(configuration.roundKey) ?? new Uint8Array(0)
  const seal = sealer(crypto, roundKey, crypto.randomBytes(KEY_BYTES), context)
  const sealed = new Uint8Array(sealedLength(plain.length))
  const hash = crypto.hasher()
  for (let index = 0; index < segmentCount(plain.length); index++) {
    const segment = seal.segment(index, plain.subarray(index * SEGMENT_BYTES, (index + 1) * SEGMENT_BYTES))
    sealed.set(segment, index * SEALED_SEGMENT_BYTES)
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

function signUpdate(identity: SigningKey, header: UpdateHeader): Envelope {
  return signValue(identity, payloadTypes.update, header)
}

function decimal(value: number): string {
  return Number.isFinite(value) ? String(value) : '0'
}

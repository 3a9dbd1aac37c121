import { concatBytes, utf8 } from '../encoding/bytes.ts'
import { canonicalJson } from '../encoding/canonical-json.ts'
import { ParleyError } from '../errors/index.ts'
import { SEGMENT_BYTES } from '../wire/limits.ts'
import { type AgreementKey, type Crypto, KEY_BYTES, NONCE_BYTES, TAG_BYTES } from './primitives.ts'

/**
 * How an update travels in mode `sealed`: AES-256-GCM in segments of 1 MiB under a key that client and coordinator agree
 * for this one update (X25519 of the client's one-time key with the signed round key, then HKDF-SHA-256).
 *
 * Segments follow the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its
 * Nonce-Reuse Misuse-Resistance, CRYPTO 2015): the nonce is the segment's number and a mark on the last one, so that
 * segments cannot be reordered, dropped or cut off, and each opens alone. Nobody has to hold a whole update in memory.
 */
export type SealContext = {
  readonly run: string
  readonly round: number
  readonly client: string
  /** SHA-256 of the round's model file, lower-case hex. */
  readonly model: string
  /** SHA-256 of the layout, lower-case hex. */
  readonly layout: string
  /** Length of the flat vector in bytes. */
  readonly plainBytes: number
}

export const SEALED_SEGMENT_BYTES = SEGMENT_BYTES + TAG_BYTES

export function segmentCount(plainBytes: number): number {
  return Math.ceil(plainBytes / SEGMENT_BYTES)
}

/** Bytes of a sealed update: the plain bytes and a tag for each segment. */
export function sealedLength(plainBytes: number): number {
  return plainBytes + segmentCount(plainBytes) * TAG_BYTES
}

/** Plain bytes of segment `index`. */
export function segmentLength(plainBytes: number, index: number): number {
  return Math.min(SEGMENT_BYTES, plainBytes - index * SEGMENT_BYTES)
}

export interface Sealer {
  /** The client's one-time public key, which goes into the update's header. */
  readonly publicKey: Uint8Array
  /** Seals segment `index` into `into`, which is longer than `plain` by a tag. */
  segment(index: number, plain: Uint8Array, into: Uint8Array): void
}

/** Seals for `roundKey`. `oneTimeSecret` is 32 random bytes that are used for this update only. */
export function sealer(crypto: Crypto, roundKey: Uint8Array, oneTimeSecret: Uint8Array, context: SealContext): Sealer {
  const own = crypto.agreementKey(oneTimeSecret)
  const associated = contextBytes(context)
  const key = sealKey(crypto, own, roundKey, own.publicKey, roundKey, associated)
  return {
    publicKey: own.publicKey,
    segment: (index, plain, into) => crypto.sealAead(key, nonce(context, index), associated, plain, into),
  }
}

export interface Opener {
  /** The plain bytes of segment `index`; `update.seal-invalid` when it was not sealed so for this context. */
  segment(index: number, sealed: Uint8Array): Uint8Array
}

/** Opens what `sealer` sealed. Throws `update.seal-invalid` when `oneTimeKey` is no usable public key. */
export function opener(
  crypto: Crypto,
  roundSecret: AgreementKey,
  oneTimeKey: Uint8Array,
  context: SealContext,
): Opener {
  const associated = contextBytes(context)
  const key = sealKey(crypto, roundSecret, oneTimeKey, oneTimeKey, roundSecret.publicKey, associated)
  return {
    segment(index, sealed) {
      const plain = crypto.openAead(key, nonce(context, index), associated, sealed)
      if (plain === undefined || plain.length !== segmentLength(context.plainBytes, index)) {
        throw new ParleyError('update.seal-invalid', `segment ${index} of the update does not open`)
      }
      return plain
    },
  }
}

/**
 * The secret half of a round key, derived from the coordinator's sealing secret so that a restarted coordinator opens
 * what was spooled before, and nothing secret is written for each round.
 */
export function roundAgreementKey(crypto: Crypto, sealingSecret: Uint8Array, run: string, round: number): AgreementKey {
  const info = utf8(`parley.round-key.v1\n${canonicalJson([run, round])}`)
  return crypto.agreementKey(crypto.hkdf(sealingSecret, new Uint8Array(0), info, KEY_BYTES))
}

const purpose = utf8('parley.seal.v1\n')

function sealKey(
  crypto: Crypto,
  own: AgreementKey,
  other: Uint8Array,
  oneTimeKey: Uint8Array,
  roundKey: Uint8Array,
  context: Uint8Array,
): Uint8Array {
  const shared = own.agree(other)
  if (shared === undefined) throw new ParleyError('update.seal-invalid', 'the key of the other side is not usable')
  const info = concatBytes(purpose, context)
  return crypto.hkdf(shared, concatBytes(oneTimeKey, roundKey), info, KEY_BYTES)
}

function contextBytes(context: SealContext): Uint8Array {
  const { run, round, client, model, layout, plainBytes } = context
  return utf8(canonicalJson({ client, layout, model, plainBytes, round, run }))
}

function nonce(context: SealContext, index: number): Uint8Array {
  const out = new Uint8Array(NONCE_BYTES)
  new DataView(out.buffer).setUint32(NONCE_BYTES - 5, index)
  out[NONCE_BYTES - 1] = index === segmentCount(context.plainBytes) - 1 ? 1 : 0
  return out
}

import type { AgreementKey, Crypto } from '../crypto/primitives.ts'
import { fromHex } from '../encoding/bytes.ts'
import { SECRET_BYTES } from './shamir.ts'
import { digestOf, transcript } from './transcript.ts'

/**
 * What a client shares among the others: two seeds of 128 bits, the strength of the X25519 keys beside them, and half the
 * bytes on the wire. What is published of a seed is bound to session and client: who tries seeds tries them for one client of
 * one session at a time.
 */
export type SeedOwner = { readonly configHash: Uint8Array; readonly client: string }

/** The key that agrees pairwise masks: X25519 of a secret that follows from the mask seed. */
export function maskKeyOf(crypto: Crypto, { configHash, client }: SeedOwner, maskSeed: Uint8Array): AgreementKey {
  return crypto.agreementKey(crypto.hkdf(maskSeed, configHash, transcript('mask-key', client), 32))
}

/** What is published of the seed of the own mask: 32 bytes. */
export function seedHashOf(crypto: Crypto, { configHash, client }: SeedOwner, seed: Uint8Array): Uint8Array {
  return digestOf(crypto, 'seed', configHash, client, seed)
}

/** The seed, or the share of one, in a checked field of lower-case hex. RangeError for anything else. */
export function seedBytes(hex: string): Uint8Array {
  const bytes = fromHex(hex)
  if (bytes?.length !== SECRET_BYTES) throw new RangeError('16 bytes in lower-case hex are expected')
  return bytes
}

import { type Crypto, KEY_BYTES, NONCE_BYTES, TAG_BYTES } from '../crypto/primitives.ts'
import type { MaskContext } from './masks.ts'
import { SEALED_BYTES } from './messages.ts'
import { SECRET_BYTES } from './shamir.ts'
import { transcript } from './transcript.ts'

/**
 * Two shares on their way from one client to another through the coordinator: AES-256-GCM of the share of the mask seed and
 * the share of the seed. The key comes from both channel keys and names session, configuration, roster, sender
 * and receiver, so that nothing opens in another place; it seals one message, and its nonce is zero.
 */
const nonce = new Uint8Array(NONCE_BYTES)

/** Roster indices of the two clients. */
export type Direction = { readonly from: number; readonly to: number }

/** The key of one direction; `shared` is X25519 of both channel keys. */
export function shareKey(crypto: Crypto, context: MaskContext, shared: Uint8Array, direction: Direction): Uint8Array {
  return crypto.hkdf(shared, context.session, associatedData(context, direction), KEY_BYTES)
}

export function sealShares(
  crypto: Crypto,
  context: MaskContext,
  key: Uint8Array,
  direction: Direction,
  shares: { readonly mask: Uint8Array; readonly self: Uint8Array },
  into: Uint8Array,
): void {
  const plain = new Uint8Array(2 * SECRET_BYTES)
  plain.set(shares.mask)
  plain.set(shares.self, SECRET_BYTES)
  crypto.sealAead(key, nonce, associatedData(context, direction), plain, into.subarray(0, SEALED_BYTES))
}

/** Undefined when it was not sealed so. */
export function openShares(
  crypto: Crypto,
  context: MaskContext,
  key: Uint8Array,
  direction: Direction,
  sealed: Uint8Array,
): { readonly mask: Uint8Array; readonly self: Uint8Array } | undefined {
  if (sealed.length !== SEALED_BYTES) return undefined
  const plain = crypto.openAead(key, nonce, associatedData(context, direction), sealed)
  if (plain === undefined || plain.length !== SEALED_BYTES - TAG_BYTES) return undefined
  return { mask: plain.subarray(0, SECRET_BYTES), self: plain.subarray(SECRET_BYTES) }
}

function associatedData({ session, configHash, rosterHash }: MaskContext, { from, to }: Direction): Uint8Array {
  return transcript('share', session, configHash, rosterHash, from, to)
}

import { z } from 'zod'
import type { Crypto } from '../crypto/primitives.ts'
import { concatBytes, utf8 } from '../encoding/bytes.ts'
import { canonicalJson } from '../encoding/canonical-json.ts'
import { digestField, idField } from '../run/fields.ts'

/** Shares are in basis points: hundredths of a percent. */
export const BASIS_POINTS = 10_000

const consumers = z.array(idField).max(10_000).default([])

/** A challenger beside the version that an alias names: for which consumers it is the answer. */
export const rolloutSchema = z
  .strictObject({
    /** A new id draws the consumers anew. */
    id: idField,
    /** The challenger. */
    number: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
    root: digestField,
    /** Basis points of the consumers, 0 to 10,000. */
    share: z.number().int().min(0).max(BASIS_POINTS),
    /** Consumers that get the challenger, and that do not, whatever the share. */
    include: consumers,
    exclude: consumers,
  })
  .refine(({ include, exclude }) => !include.some((one) => exclude.includes(one)), {
    message: 'a consumer is included and excluded at once',
  })
export type Rollout = z.output<typeof rolloutSchema>

/**
 * Where a consumer falls, 0 to 9,999: the first four bytes, big-endian, of
 * SHA-256("parley.canary.v1\n" ‖ canonical JSON of [model, rollout id, consumer id]), scaled to basis points.
 */
export function canaryBucket(crypto: Pick<Crypto, 'sha256'>, model: string, rollout: string, consumer: string): number {
  const text = utf8(canonicalJson([model, rollout, consumer]))
  const digest = crypto.sha256(concatBytes(utf8('parley.canary.v1\n'), text))
  const first = new DataView(digest.buffer, digest.byteOffset, 4).getUint32(0)
  return Math.floor((first * BASIS_POINTS) / 2 ** 32)
}

/**
 * Whether a consumer gets the challenger. Nothing is remembered: the same consumer stays where it is, and a larger share
 * only adds consumers.
 */
export function getsChallenger(
  crypto: Pick<Crypto, 'sha256'>,
  model: string,
  { id, share, include, exclude }: Pick<Rollout, 'id' | 'share' | 'include' | 'exclude'>,
  consumer: string,
): boolean {
  if (include.includes(consumer)) return true
  if (exclude.includes(consumer)) return false
  return canaryBucket(crypto, model, id, consumer) < share
}

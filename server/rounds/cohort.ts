import type { Crypto } from '../../core/crypto/primitives.ts'
import { toHex, utf8 } from '../../core/encoding/bytes.ts'

/**
 * Draws `size` of the available clients without replacement, all equally likely, from 32 bytes of entropy. The draw is
 * a pure function of its inputs, so that a replay draws the same cohort and an auditor can check it: clients are ranked
 * by SHA-256 of entropy and id, and the first ones are taken. Returned in id order.
 */
export function drawCohort(
  crypto: Pick<Crypto, 'sha256'>,
  available: readonly string[],
  size: number,
  entropy: string,
): string[] {
  const ranked = [...new Set(available)].map((client) => ({
    client,
    rank: toHex(crypto.sha256(utf8(`parley.cohort.v1\n${entropy}\n${client}`))),
  }))
  ranked.sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0))
  return ranked
    .slice(0, size)
    .map(({ client }) => client)
    .sort()
}

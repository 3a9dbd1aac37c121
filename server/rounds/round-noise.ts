import { type Crypto, KEY_BYTES } from '../../core/crypto/primitives.ts'
import { utf8 } from '../../core/encoding/bytes.ts'
import { canonicalJson } from '../../core/encoding/canonical-json.ts'
import type { RandomBytes } from '../../core/privacy/index.ts'

/**
 * The randomness of the coordinator's noise, by run and round: AES-256-CTR under a key that follows from the sealing secret.
 * Nothing of it is stored; whoever has the secret, and the updates with it, can compute a round again to the bit.
 */
export function roundNoise(crypto: Crypto, sealingSecret: Uint8Array): (run: string, round: number) => RandomBytes {
  return (run, round) => {
    const info = utf8(`parley.round-noise.v1\n${canonicalJson([run, round])}`)
    const stream = crypto.keystream(crypto.hkdf(sealingSecret, new Uint8Array(0), info, KEY_BYTES))
    return (length) => stream.next(length)
  }
}

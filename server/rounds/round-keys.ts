import type { AgreementKey, Crypto } from '../../core/crypto/primitives.ts'
import { roundAgreementKey } from '../../core/crypto/seal.ts'

/** The agreement key of a round, by run and round. */
export type RoundKeys = (run: string, round: number) => AgreementKey

// Open rounds, and one before each: more are not in use at a time.
const KEPT = 64

/** Derives round keys from the coordinator's sealing secret (32 bytes) and keeps the latest, since importing one is dear. */
export function roundKeys(crypto: Crypto, sealingSecret: Uint8Array): RoundKeys {
  const kept = new Map<string, AgreementKey>()
  return (run, round) => {
    const name = `${run}/${round}`
    const key = kept.get(name) ?? roundAgreementKey(crypto, sealingSecret, run, round)
    kept.delete(name)
    kept.set(name, key)
    for (const oldest of kept.keys()) {
      if (kept.size <= KEPT) break
      kept.delete(oldest)
    }
    return key
  }
}

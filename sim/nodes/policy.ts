import { toHex } from '../../core/encoding/bytes.ts'
import { type ClientPolicy, clientPolicy } from '../../core/secagg/index.ts'

/** What virtual clients accept of masked rounds: they know each other, and whatever the plan's own check lets pass. */
export function virtualPolicy(names: readonly string[], publicKeyOf: (name: string) => Uint8Array): ClientPolicy {
  return clientPolicy({
    known: Object.fromEntries(names.map((id) => [id, toHex(publicKeyOf(id))])),
    minimum: 3,
    minKnown: 3,
    server: 'semi-honest',
    buckets: { minSize: 2, minSurvivors: 2, minKnown: 2 },
  })
}

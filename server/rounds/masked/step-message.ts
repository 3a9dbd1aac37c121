import type { Crypto, SigningKey } from '../../../core/crypto/primitives.ts'
import { fromUtf8, toHex, utf8 } from '../../../core/encoding/bytes.ts'
import { canonicalJsonOfDefined } from '../../../core/encoding/canonical-json.ts'
import { broadcastFor, signConfiguration } from '../../../core/secagg/index.ts'
import type { Masking } from './masking.ts'

/**
 * What each client gets at the beginning of the present step, as canonical JSON; undefined where it has no part in it. The
 * first step begins with the signed configuration of the session.
 */
export function stepMessages(
  crypto: Crypto,
  identity: SigningKey,
  { session }: Masking,
): (client: string) => Uint8Array | undefined {
  if (session.phase === 'advertise') {
    const { payload, signature } = signConfiguration(identity, session.configuration)
    const message = encoded({ kind: 'configuration', payload: fromUtf8(payload), signature: toHex(signature) })
    return () => message
  }
  let common: Uint8Array | undefined
  return (client) => {
    // Only what was sealed for a client is not the same for all; rosters are large.
    if (common !== undefined && session.phase !== 'input') return common
    const broadcast = broadcastFor({ crypto }, session, client)
    if (broadcast === undefined) return undefined
    const message = encoded(broadcast)
    common = message
    return message
  }
}

function encoded(value: object): Uint8Array {
  return utf8(canonicalJsonOfDefined(value))
}

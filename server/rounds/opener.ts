import type { Crypto } from '../../core/crypto/primitives.ts'
import { type Opener, opener } from '../../core/crypto/seal.ts'
import { fromHex } from '../../core/encoding/bytes.ts'
import type { UpdateHeader } from '../../core/run/update-header.ts'
import type { RoundKeys } from './round-keys.ts'

/** Opens the segments of a client's update. */
export function openerOf(
  deps: { readonly crypto: Crypto; readonly roundKeys: RoundKeys },
  client: string,
  header: Pick<UpdateHeader, 'run' | 'round' | 'model' | 'layout' | 'oneTimeKey'>,
  plainBytes: number,
): Opener {
  const { run, round, model, layout, oneTimeKey } = header
  const context = { run, round, client, model, layout, plainBytes }
  return opener(deps.crypto, deps.roundKeys(run, round), fromHex(oneTimeKey) ?? new Uint8Array(0), context)
}

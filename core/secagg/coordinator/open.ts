import type { Envelope } from '../../crypto/envelope.ts'
import type { SigningKey } from '../../crypto/primitives.ts'
import { toHex } from '../../encoding/bytes.ts'
import { configHashOf, type SessionConfiguration, sessionConfigurationSchema } from '../configuration.ts'
import { signMessage } from '../messages.ts'
import type { Advertising, CoordinatorContext } from './state.ts'

export type OpenedSession = { readonly state: Advertising; readonly configuration: Envelope }

/**
 * Opens a session and signs its configuration. `coin` is the 32 random bytes whose hash the configuration names; `identities`
 * are the clients that will be asked, id to Ed25519 key in hex. RangeError when these do not fit the configuration.
 */
export function openSession(
  context: CoordinatorContext,
  signingKey: SigningKey,
  configuration: SessionConfiguration,
  coin: Uint8Array,
  identities: Readonly<Record<string, string>>,
): OpenedSession {
  const state = startSession(context, configuration, coin, identities)
  return { state, configuration: signConfiguration(signingKey, state.configuration) }
}

/** The same without the signature, which whoever has the key can make at any time: it is the same each time. */
export function startSession(
  { crypto }: CoordinatorContext,
  configuration: SessionConfiguration,
  coin: Uint8Array,
  identities: Readonly<Record<string, string>>,
): Advertising {
  const parsed = sessionConfigurationSchema.safeParse(configuration)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new RangeError(`session configuration: ${issue?.path.join('.')}: ${issue?.message}`)
  }
  if (coin.length !== 32 || toHex(crypto.sha256(coin)) !== configuration.coin) {
    throw new RangeError('the coin is not the one of the configuration')
  }
  if (Object.keys(identities).length > configuration.cohort) throw new RangeError('more clients than the cohort has')
  return {
    phase: 'advertise',
    configuration: parsed.data,
    config: toHex(configHashOf(crypto, parsed.data)),
    coin: toHex(coin),
    identities,
    adverts: {},
  }
}

export function signConfiguration(signingKey: SigningKey, configuration: SessionConfiguration): Envelope {
  return signMessage(signingKey, 'configuration', configuration)
}

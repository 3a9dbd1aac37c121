import type { Envelope } from '../../crypto/envelope.ts'
import { KEY_BYTES } from '../../crypto/primitives.ts'
import { toBase64, toHex } from '../../encoding/bytes.ts'
import { configHashOf, type SessionConfiguration, sessionConfigurationSchema } from '../configuration.ts'
import { broadcastLimit, openMessage, type RosterRow, signMessage } from '../messages.ts'
import { assess } from '../policy.ts'
import { type Refusal, refuse } from '../refusal.ts'
import { maskKeyOf, seedHashOf } from '../seeds.ts'
import { SECRET_BYTES } from '../shamir.ts'
import type { Advertised, ClientContext, Transition } from './state.ts'

/** What this client is about to train, from its own knowledge. */
export type Expectation = {
  readonly client: string
  /** Ed25519 key of the coordinator that is trusted with configurations. */
  readonly coordinatorKey: Uint8Array
  readonly task: string
  /** Hash of the weights, layout and training configuration that this client holds; lower-case hex. */
  readonly model: string
  readonly coordinates: number
  /** How many counts are summed; none by default. */
  readonly counts?: number
  /** The newest round of this task that this client answered or refused; 0 for none. */
  readonly lastRound: number
}

/**
 * Step R0: checks the signed configuration against what this client expects and accepts, then makes the keys of this session
 * (from `randomBytes`: three times 32 bytes and two seeds of 16) and publishes their public halves. Nothing is made or sent before all checks.
 */
export function advertise(
  context: ClientContext,
  configuration: Envelope,
  expected: Expectation,
  randomBytes: (length: number) => Uint8Array,
): Transition<Advertised> {
  const { crypto, signingKey, policy } = context
  const { coordinatorKey } = expected
  const limit = broadcastLimit(64)
  const opened = openMessage(crypto, coordinatorKey, 'configuration', sessionConfigurationSchema, configuration, limit)
  if (opened === undefined) return { ok: false, refusal: refuse('malformed', 'the configuration') }
  const refusal = unexpected(opened, expected) ?? assess(opened, policy)
  if (refusal !== undefined) return { ok: false, refusal }

  const [channelSecret, coin, sharing] = [0, 1, 2].map(() => randomBytes(KEY_BYTES)) as Three
  const [maskSeed, seed] = [0, 1].map(() => randomBytes(SECRET_BYTES)) as Two
  const configHash = configHashOf(crypto, opened)
  const owner = { configHash, client: expected.client }
  const row = {
    client: expected.client,
    identityKey: toHex(signingKey.publicKey),
    channelKey: toHex(crypto.agreementKey(channelSecret).publicKey),
    maskKey: toHex(maskKeyOf(crypto, owner, maskSeed).publicKey),
    seedHash: toHex(seedHashOf(crypto, owner, seed)),
    coinHash: toHex(crypto.sha256(coin)),
  }
  const message = signMessage(signingKey, 'advertise', {
    v: 1,
    config: toHex(configHash),
    ...row,
  })
  const state: Advertised = {
    phase: 'advertised',
    configuration: opened,
    client: expected.client,
    row: { ...row, signature: toBase64(message.signature) } satisfies RosterRow,
    channelSecret: toHex(channelSecret),
    maskSeed: toHex(maskSeed),
    seed: toHex(seed),
    coin: toHex(coin),
    sharing: toHex(sharing),
  }
  return { ok: true, state, message }
}

type Two = [Uint8Array, Uint8Array]
type Three = [...Two, Uint8Array]

function unexpected(configuration: SessionConfiguration, expected: Expectation): Refusal | undefined {
  const { task, coordinates, counts } = configuration
  const { counts: expectedCounts = 0 } = expected
  if (task !== expected.task || coordinates !== expected.coordinates || (counts?.length ?? 0) !== expectedCounts) {
    return refuse('wrong-task')
  }
  if (configuration.round <= expected.lastRound) return refuse('old-round', `${configuration.round}`)
  if (configuration.model !== expected.model) return refuse('wrong-model')
  return undefined
}

import type { Crypto } from '../../../core/crypto/primitives.ts'
import { fromHex, toHex, utf8 } from '../../../core/encoding/bytes.ts'
import { trainingDigest } from '../../../core/run/training-digest.ts'
import { chooseGraph, type SessionConfiguration, startSession } from '../../../core/secagg/index.ts'
import type { Instant, Waiting } from '../state.ts'
import type { Masking } from './masking.ts'
import type { MaskedSettings } from './settings.ts'

export type Opening = {
  readonly state: Waiting
  readonly masked: MaskedSettings
  readonly cohort: readonly string[]
  /** Ed25519 keys of the cohort, lower-case hex. */
  readonly keys: Readonly<Record<string, string>>
  /** 32 random bytes in hex, of which nobody but the coordinator knows. */
  readonly entropy: string
  readonly clip: number | undefined
  readonly at: Instant
}

/** The first step of a masked round; undefined where the cohort has no threshold that is secure and can be reached. */
export function openMasking(crypto: Crypto, opening: Opening): Masking | undefined {
  const { state, masked, cohort, keys, clip, at } = opening
  const { settings, run, round, model } = state
  const graph = chooseGraph({ clients: cohort.length, ...masked.threat })
  if (!graph.ok) return undefined
  const secret = fromHex(opening.entropy) ?? new Uint8Array(0)
  const derived = (purpose: string, length: number) =>
    crypto.hkdf(secret, utf8(`${run}/${round}`), utf8(`parley.masking.v1\n${purpose}`), length)
  const coin = derived('coin', 32)
  const { plan, layout, window } = settings
  const { stepMs, range, ...fixed } = masked
  const configuration: SessionConfiguration = {
    v: 1,
    protocol: 'parley/secagg/1',
    task: run,
    round,
    session: toHex(derived('session', 16)),
    model: trainingDigest(crypto, { model: model.digest, layout, plan: plan.digest, clip }),
    ...fixed,
    clip: range ?? clip ?? 1,
    modulusBits: 32,
    cohort: cohort.length,
    minimum: window.min,
    graph: graph.graph,
    coin: toHex(crypto.sha256(coin)),
    beacon: null,
    deadlines: { advertise: stepMs, share: stepMs, input: window.maxMs, survivors: stepMs, unmask: stepMs },
  }
  const identities = Object.fromEntries(cohort.map((client) => [client, keys[client] ?? '']))
  return { since: at, session: startSession({ crypto }, configuration, coin, identities) }
}

import type { Crypto } from '../../../core/crypto/primitives.ts'
import { fromHex, toHex, utf8 } from '../../../core/encoding/bytes.ts'
import { evaluationDigest, largestCount } from '../../../core/run/masked-evaluation.ts'
import { trainingDigest } from '../../../core/run/training-digest.ts'
import { chooseGraph, type SessionConfiguration, startSession } from '../../../core/secagg/index.ts'
import type { Evaluating, Instant, RunSettings, Waiting } from '../state.ts'
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
  const { state, masked, cohort, keys, clip, entropy, at } = opening
  const { settings, run, round, model } = state
  const { plan, layout, window } = settings
  const { stepMs: _, range, ...fixed } = masked
  return openSession(
    crypto,
    { run, round, entropy, purpose: 'update', cohort, keys, at, settings, inputMs: window.maxMs },
    {
      model: trainingDigest(crypto, { model: model.digest, layout, plan: plan.digest, clip }),
      ...fixed,
      clip: range ?? clip ?? 1,
      minimum: window.min,
    },
  )
}

/**
 * The first step of masked counts, which sum what every client counts and nothing else; undefined as above. Sums are never of
 * fewer clients than those of updates.
 */
export function openEvaluationMasking(
  crypto: Crypto,
  { state, keys, entropy, at }: Pick<Opening, 'keys' | 'entropy' | 'at'> & { readonly state: Evaluating },
): Masking | undefined {
  const { settings, run, round, made, champion } = state
  const { plan, layout, window, evaluation, masked } = settings
  const { counts } = evaluation
  const cohort = Object.keys(keys).sort()
  if (masked === undefined || counts === undefined || cohort.length === 0) return undefined
  const models = [made.model, ...(champion === undefined ? [] : [champion.model])].map(({ digest }) => digest)
  const opening = {
    run,
    round,
    entropy,
    purpose: 'counts',
    cohort,
    keys,
    at,
    settings,
    inputMs: evaluation.maxMs,
  } as const
  const minimum = Math.max(window.min, evaluation.min)
  if (minimum > cohort.length) return undefined
  return openSession(crypto, opening, {
    model: evaluationDigest(crypto, { models, layout, plan: plan.digest }),
    coordinates: 0,
    bits: 2,
    clip: 1,
    weight: { min: 1, max: 1 },
    noiseBound: 0,
    extras: [],
    counts: { length: models.length === 1 ? counts.one : counts.two, max: largestCount(cohort.length) },
    threat: masked.threat,
    buckets: null,
    minimum,
  })
}

type Session = Pick<Opening, 'cohort' | 'keys' | 'entropy' | 'at'> & {
  readonly run: string
  readonly round: number
  readonly purpose: 'update' | 'counts'
  readonly settings: RunSettings
  readonly inputMs: number
}

type Summed = Pick<
  SessionConfiguration,
  | 'model'
  | 'coordinates'
  | 'bits'
  | 'clip'
  | 'weight'
  | 'noiseBound'
  | 'extras'
  | 'counts'
  | 'threat'
  | 'buckets'
  | 'minimum'
>

function openSession(crypto: Crypto, session: Session, summed: Summed): Masking | undefined {
  const { run, round, cohort, keys, at, settings, inputMs } = session
  const graph = chooseGraph({ clients: cohort.length, ...summed.threat })
  if (!graph.ok) return undefined
  const secret = fromHex(session.entropy) ?? new Uint8Array(0)
  // Entropy is drawn anew for each purpose; the names alone would keep them apart.
  const prefix = session.purpose === 'update' ? 'parley.masking.v1' : 'parley.masked-counts.v1'
  const derived = (what: string, length: number) =>
    crypto.hkdf(secret, utf8(`${run}/${round}`), utf8(`${prefix}\n${what}`), length)
  const coin = derived('coin', 32)
  const stepMs = settings.masked?.stepMs ?? 0
  const configuration: SessionConfiguration = {
    v: 1,
    protocol: 'parley/secagg/1',
    task: run,
    round,
    session: toHex(derived('session', 16)),
    ...summed,
    modulusBits: 32,
    cohort: cohort.length,
    graph: graph.graph,
    coin: toHex(crypto.sha256(coin)),
    beacon: null,
    deadlines: { advertise: stepMs, share: stepMs, input: inputMs, survivors: stepMs, unmask: stepMs },
  }
  const identities = Object.fromEntries(cohort.map((client) => [client, keys[client] ?? '']))
  return { since: at, session: startSession({ crypto }, configuration, coin, identities) }
}

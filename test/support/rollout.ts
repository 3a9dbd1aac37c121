import { getsChallenger } from '../../core/attestation/canary.ts'
import { dsseBytes, signDsse } from '../../core/attestation/dsse.ts'
import { timestampOf } from '../../core/attestation/time.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import type { SigningKey } from '../../core/crypto/primitives.ts'
import { toHex, utf8 } from '../../core/encoding/bytes.ts'
import { canonicalPlan } from '../../core/plan/parse.ts'
import {
  OUTCOMES_PAYLOAD_TYPE,
  type Outcomes,
  outcomesPayload,
  type VersionCounts,
} from '../../core/rollout/outcomes.ts'
import { createLogger } from '../../server/observe/logger.ts'
import { recordIn } from '../../server/registry/alias-records.ts'
import type { Candidate } from '../../server/registry/manifest.ts'
import type { Registry } from '../../server/registry/registry.ts'
import { Rollouts, type RolloutsDeps } from '../../server/registry/rollouts.ts'
import type { Store } from '../../server/store/ports.ts'
import { ManualClock } from '../consumer/manual-clock.ts'
import { planOf } from './plans.ts'
import { candidateIn } from './release.ts'

export const HOUR = 3_600_000

/** A rule that decides after some hundred requests. */
export const RULE =
  '{ steps: [2000, 5000, 10000], minTime: 1h, minOutcomes: 100, alpha: 0.05, metrics: [{ metric: error-rate, margin: 0.05 }], automatic: both }'

/** A candidate of `heart` whose plan has this rollout. */
export async function candidateWith(store: Store, round: number, rollout: string | undefined): Promise<Candidate> {
  const made = await candidateIn(store, round)
  const plan = planOf({ inputs: 3, ...(rollout === undefined ? {} : { extra: `publish: { rollout: ${rollout} }` }) })
  const digest = toHex(nodeCrypto.sha256(utf8(canonicalPlan(plan))))
  return { ...made, plan: digest, evidence: { ...made.evidence, plan } }
}

export const consumerNames: readonly string[] = Array.from({ length: 40 }, (_, i) => `clinic-${i}`)
const keys = new Map(consumerNames.map((name, i) => [name, nodeCrypto.signingKey(new Uint8Array(32).fill(i + 50))]))
export const consumerKey = (name: string): SigningKey => keys.get(name)!

export function rolloutsOf(
  store: Store,
  registry: Registry,
  clock = new ManualClock(),
  changes: Partial<RolloutsDeps> = {},
): Rollouts {
  return new Rollouts({
    crypto: nodeCrypto,
    clock,
    records: store.records,
    blobs: store.blobs,
    registry,
    consumers: (id) => keys.get(id)?.publicKey,
    reportsPerMinute: 100,
    logger: createLogger({ now: () => 0, level: 'silent' }),
    ...changes,
  })
}

export async function signedReport(report: Outcomes, key: SigningKey): Promise<Uint8Array> {
  return dsseBytes(await signDsse(key, OUTCOMES_PAYLOAD_TYPE, outcomesPayload(report)))
}

type Reported = Partial<Outcomes> & { readonly counts?: Partial<VersionCounts> }

/** All consumers of `heart`, with what each has reported so far. */
export class Consumers {
  readonly #store: Store
  readonly #clock: ManualClock
  readonly #sequences = new Map<string, number>()
  readonly #until = new Map<string, number>()

  constructor(store: Store, clock: ManualClock) {
    this.#store = store
    this.#clock = clock
  }

  async record() {
    return recordIn(nodeCrypto, (await this.#store.records.alias('heart', 'production'))!.envelope).record
  }

  /** The consumers that get the challenger now, and the others. */
  async sides(): Promise<{ readonly challenger: string[]; readonly champion: string[] }> {
    const { rollout } = await this.record()
    const gets = (name: string) => rollout !== undefined && getsChallenger(nodeCrypto, 'heart', rollout, name)
    return { challenger: consumerNames.filter(gets), champion: consumerNames.filter((name) => !gets(name)) }
  }

  /** The next report of a consumer, of the version that it gets: since its last one, or for an hour. */
  async next(consumer: string, { counts, ...changes }: Reported = {}): Promise<Outcomes> {
    const { number, rollout } = await this.record()
    const { challenger } = await this.sides()
    const to = this.#clock.now()
    const sequence = changes.sequence ?? (this.#sequences.get(consumer) ?? 0) + 1
    const version = challenger.includes(consumer) ? rollout!.number : number
    return {
      v: 1,
      model: 'heart',
      consumer,
      rollout: rollout!.id,
      sequence,
      from: timestampOf(this.#until.get(consumer) ?? to - 60_000),
      to: timestampOf(to),
      versions: [{ number: version, requests: 100, errors: 2, ...counts }],
      ...changes,
    }
  }

  /** Sends it; what was taken counts for the next. */
  async send(rollouts: Rollouts, report: Outcomes): Promise<void> {
    await rollouts.report('heart', await signedReport(report, consumerKey(report.consumer)))
    this.#sequences.set(report.consumer, report.sequence)
    this.#until.set(report.consumer, Date.parse(report.to))
  }

  /** A report of every consumer: so many errors of 100 on each side. */
  async all(rollouts: Rollouts, errors: { readonly champion: number; readonly challenger: number }): Promise<void> {
    const { champion, challenger } = await this.sides()
    for (const [side, count] of [
      [champion, errors.champion],
      [challenger, errors.challenger],
    ] as const) {
      for (const name of side) await this.send(rollouts, await this.next(name, { counts: { errors: count } }))
    }
  }
}

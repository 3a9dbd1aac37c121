/** The real registry over HTTP with a rollout in it, and consumers whose network a test may spoil. */
import { type Followed, memoryCache, type OpenOptions, open, type VersionCache } from '../../consumer/index.ts'
import { parseDsse } from '../../core/attestation/dsse.ts'
import { toHex, utf8 } from '../../core/encoding/bytes.ts'
import { type Outcomes, readOutcomes } from '../../core/rollout/outcomes.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { releaseKey, running } from '../server/http-fixtures.ts'
import { registryOf } from '../support/release.ts'
import { Consumers, candidateWith, consumerKey, RULE, rolloutsOf } from '../support/rollout.ts'
import { ManualClock } from './manual-clock.ts'
import { finally_, Happened } from './support.ts'

/** What happens to a report on its way: it arrives, it is lost, its answer is lost, or nothing ever comes. */
export type Fate = 'arrives' | 'lost' | 'answer-lost' | 'hangs'

/** The network of one consumer. Reports that were given to it, in their order. */
export class Network {
  fate: Fate = 'arrives'
  readonly sent: string[] = []

  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    if (init?.method !== 'POST') return globalThis.fetch(input, init)
    this.sent.push(new TextDecoder().decode(init.body as Uint8Array))
    if (this.fate === 'lost') throw new TypeError('lost')
    if (this.fate === 'hangs') return new Promise((_, reject) => init.signal?.addEventListener('abort', reject))
    const answer = await globalThis.fetch(input, init)
    if (this.fate === 'answer-lost') throw new TypeError('the answer is lost')
    return answer
  }

  get reports(): Outcomes[] {
    return this.sent.map((text) => readOutcomes(parseDsse(utf8(text)).payload))
  }
}

/** Version 1 for all, and version 2 for a fifth of the consumers where there is a rule. */
export async function rolledOut(rule: string | undefined = RULE, listed = true) {
  const store = memoryStore()
  const clock = new ManualClock()
  const registry = registryOf(store, releaseKey, { now: () => clock.now() })
  const lists = { listed }
  const rollouts = rolloutsOf(store, registry, clock, {
    consumers: (id) => (lists.listed ? consumerKey(id).publicKey : undefined),
  })
  const { url } = await running({ store, registry, rollouts })
  /** `null`: without a rollout, at once for all. */
  const publish = async (round: number, its: string | null | undefined = rule) =>
    registry.publish(await candidateWith(store, round, its ?? undefined), 'production')
  await publish(1)
  await publish(2)
  await rollouts.start()
  await rollouts.settled()
  finally_(() => rollouts.stop())
  const consumers = new Consumers(store, clock)

  return {
    ...{ store, clock, registry, rollouts, lists, publish, record: () => consumers.record() },
    sides: () => consumers.sides(),
    /** What was taken of a rollout, in the order in which it came. */
    async taken(rollout: string, consumer?: string): Promise<Outcomes[]> {
      const records = await store.records.outcomes('heart', rollout)
      const all = records.map(({ envelope }) => readOutcomes(parseDsse(utf8(envelope)).payload))
      return all.filter((report) => consumer === undefined || report.consumer === consumer)
    },
    async opening(consumer: string, options: Partial<OpenOptions> = {}, cache: VersionCache = memoryCache()) {
      const happened = new Happened()
      const network = new Network()
      const followed: Followed = await open('heart', {
        ...{ url, key: toHex(releaseKey.publicKey), consumer, clock, cache, random: () => 0, follow: 'none' },
        ...{ report: { key: consumerKey(consumer) }, fetch: network.fetch, onEvent: happened.add },
        ...options,
      })
      finally_(() => followed.close())
      return { followed, happened, network }
    },
  }
}

/** `count` requests, of which some failed. */
export function answers({ outcomes, current }: Followed, count: number, failed = 0): void {
  for (let i = 0; i < count; i++) outcomes.answered(current, { ms: 10, failed: i < failed })
}

/** A rollback under load: how long until the last of 50 consumers is on the old version, and whether any ever held another. */
import { type Followed, memoryCache, open } from '../consumer/index.ts'
import { toHex } from '../core/encoding/bytes.ts'
import { ADMIN_TOKEN, benchPlan, identity, parametersOf, withFederation } from './federation.ts'

const CONSUMERS = 50
const POLL_MS = 1_000
const model = { inputs: 100, hidden: 980 }

export type RollbackResult = {
  readonly consumers: number
  readonly pollMs: number
  readonly modelBytes: number
  /** From the request to the last consumer that follows by a stream, and that polls. */
  readonly streamMs: number
  readonly pollingMs: number
  /** Versions that some consumer showed and that were neither of the two. */
  readonly others: number
}

/** Half of the consumers follow by a stream, half poll every second. Each has a cache of its own, in which both versions are. */
export async function benchRollback(): Promise<RollbackResult> {
  return withFederation({ model, clients: 1, carrier: 'grpc' }, async ({ api, urls }) => {
    const publish = async (rounds: number) => {
      const gates = '[{ metric: accuracy, min: 0 }]'
      const { run } = await api.startRun(benchPlan({ model, rounds, clients: 1, gates }))
      for await (const view of api.watch(run, new AbortController().signal)) {
        if (view.phase === 'over' && view.outcome?.kind !== 'published') throw new Error(JSON.stringify(view.outcome))
      }
    }
    await publish(1)
    let others = 0
    const another = () => others++
    const consumers: Followed[] = []
    for (let i = 0; i < CONSUMERS; i++) {
      const follow = i % 2 === 0 ? 'stream' : 'poll'
      const common = { url: urls.http, key: toHex(identity.publicKey), cache: memoryCache() }
      consumers.push(await open('bench', { ...common, follow, pollMs: POLL_MS }))
    }
    const forward = consumers.map((consumer) => shows(consumer, 2, another))
    await publish(2)
    await Promise.all(forward)
    const ends = consumers.map((consumer) => shows(consumer, 1, another))
    const began = performance.now()
    const answer = await fetch(`${urls.http}/v1/models/bench/aliases/production/rollback`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ reason: 'a benchmark' }),
    })
    if (!answer.ok) throw new Error(await answer.text())
    const times = (await Promise.all(ends)).map((end) => end - began)
    for (const consumer of consumers) await consumer.close()
    const last = (parity: number) => Math.round(Math.max(...times.filter((_, i) => i % 2 === parity)))
    return {
      consumers: CONSUMERS,
      pollMs: POLL_MS,
      modelBytes: 4 * parametersOf(model),
      streamMs: last(0),
      pollingMs: last(1),
      others,
    }
  })
}

/** When the consumer shows this version. */
async function shows(consumer: Followed, wanted: number, another: () => void): Promise<number> {
  for await (const { number } of consumer.changes) {
    if (number === wanted) return performance.now()
    if (number !== 1 && number !== 2) another()
  }
  throw new Error('the consumer ended')
}

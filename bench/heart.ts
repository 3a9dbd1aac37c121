import { createClientNode, createTrainer, type Dataset, memoryLedger, startingModel } from '../client/index.ts'
import { nodeCrypto } from '../core/crypto/node.ts'
import { toHex } from '../core/encoding/bytes.ts'
import { systemClock } from '../core/system-clock.ts'
import { defaultLimits } from '../core/wire/limits.ts'
import { memoryListener } from '../core/wire/pipe.ts'
import { createKernels } from '../kernels/index.ts'
import { Coordinator, memoryStore, parseAllowList, silentObserver } from '../server/index.ts'
import { heartPlan, loadHospitals, type NamedScore, type Score, trainAlone, trainPooled } from './heart-local.ts'

const FIRST_SEED = 42
const SEEDS = 20

/**
 * Means over the seeds 42 to 61, on the pooled held-out rows: the model that four hospitals train through the coordinator,
 * one trained on all rows in one place, and the model of each hospital alone.
 */
export async function benchHeart(data: string) {
  const federated: Score[] = []
  const pooled: Score[] = []
  const alone: NamedScore[][] = []
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const { score } = await trainFederated(await loadHospitals(data, seed), await heartPlan(seed))
    federated.push(score)
    pooled.push(await trainPooled(data, seed))
    alone.push(await trainAlone(data, seed))
  }
  const names = alone[0]?.map(({ name }) => name) ?? []
  return {
    seeds: SEEDS,
    federated: meanOf(federated),
    pooled: meanOf(pooled),
    alone: names.map((name, index) => ({ name, ...meanOf(alone.flatMap((scores) => scores[index] ?? [])) })),
  }
}

/**
 * The last round's model of a run of a plan, by the coordinator's own pooled figures, and the largest ε of a row that any hospital
 * has told; 0 where the plan hides none.
 */
export async function trainFederated(
  hospitals: readonly { readonly name: string; readonly dataset: Dataset }[],
  plan: string,
): Promise<{ readonly score: Score; readonly epsilon: number }> {
  const identity = nodeCrypto.signingKey(nodeCrypto.randomBytes(32))
  const keys = hospitals.map(({ name }) => ({ name, key: nodeCrypto.signingKey(nodeCrypto.randomBytes(32)) }))
  const kernels = createKernels({ threads: 0 })
  const coordinator = new Coordinator({
    crypto: nodeCrypto,
    clock: systemClock,
    store: memoryStore(),
    limits: defaultLimits,
    identity,
    sealingSecret: nodeCrypto.randomBytes(32),
    allowList: parseAllowList({
      clients: keys.map(({ name, key }) => ({ id: name, publicKey: toHex(key.publicKey) })),
    }),
    initialModel: startingModel,
    publish: async () => 1,
    keepRounds: 1,
    kernels,
    residentBytes: 1 << 20,
    observer: {
      ...silentObserver,
      fatal: (error) => {
        throw error
      },
    },
  })
  await coordinator.start()
  const { dial } = memoryListener(coordinator.serve)
  const clients = hospitals.map(({ dataset }, index) => {
    const client = createClientNode({
      crypto: nodeCrypto,
      clock: systemClock,
      identity: keys[index]?.key ?? identity,
      coordinatorKey: identity.publicKey,
      dials: [dial],
      trainer: (plan) =>
        createTrainer({ model: plan.model, dataset, training: plan.training, randomBytes: nodeCrypto.randomBytes }),
      memory: { last: async () => undefined, remember: async () => {} },
      recordLedger: memoryLedger({ epsilon: Number.MAX_VALUE, delta: 1e-5 }),
      limits: defaultLimits,
      minCohort: 3,
      agent: 'bench',
      unsafeAllowAnyPlan: true,
    })
    client.start()
    return client
  })
  const { run } = await coordinator.startRun(plan)
  let epsilon = 0
  let score: Score = { accuracy: Number.NaN, auc: Number.NaN }
  for await (const { history, records } of coordinator.watch(run, new AbortController().signal)) {
    const { accuracy, auc } = history.at(-1)?.pooled ?? {}
    score = { accuracy: accuracy ?? Number.NaN, auc: auc ?? Number.NaN }
    epsilon = records?.epsilon ?? 0
  }
  for (const client of clients) await client.stop()
  await coordinator.stop()
  return { score, epsilon }
}

export function meanOf(scores: readonly Score[]): Score {
  const mean = (values: readonly number[]) =>
    Math.round((1e4 * values.reduce((a, b) => a + b, 0)) / values.length) / 1e4
  return { accuracy: mean(scores.map(({ accuracy }) => accuracy)), auc: mean(scores.map(({ auc }) => auc)) }
}

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { canonicalPlan, parsePlan } from '../core/plan/parse.ts'
import type { Plan } from '../core/plan/plan.ts'
import { recordPrivacyOf } from '../core/plan/record-privacy.ts'
import { calibrateMultiplier } from '../core/privacy/index.ts'
import { readScenario, simulate } from '../sim/index.ts'
import { meanOf, trainFederated } from './heart.ts'
import { heartPlan, loadHospitals, type Score } from './heart-local.ts'

const EPSILONS = [8, 4, 2, 1] as const
const HEART = 'records.yaml'
const FIRST_SEED = 42
const SEEDS = 10

/** What came out at one ε, or with every row in the open. */
type Row = {
  readonly data: 'heart' | 'mnist'
  /** What was asked for; absent without noise. */
  readonly target?: number
  readonly multiplier?: number
  /** What the client whose rows paid most has told, or counted. */
  readonly epsilon?: number
  readonly delta?: number
  readonly accuracy: number
  readonly auc?: number
}

/**
 * What hiding single rows costs in accuracy: the heart disease example, through coordinator and clients, a mean over seeds that
 * split the rows anew; and four institutions on MNIST, simulated.
 *
 * - `data`: a folder with `heart`, the four UCI files, and `mnist`.
 */
export async function benchRecords(data: string): Promise<object> {
  const rows: Row[] = []
  for (const target of [undefined, ...EPSILONS]) rows.push(await heart(join(data, 'heart'), target))
  for (const target of [undefined, ...EPSILONS]) rows.push(await mnist(join(data, 'mnist'), target))
  return { seeds: SEEDS, rows }
}

async function heart(data: string, target: number | undefined): Promise<Row> {
  const scores: Score[] = []
  let [told, multiplier]: [number, number | undefined] = [0, undefined]
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const hospitals = await loadHospitals(data, seed, HEART)
    const plan = parsePlan(await heartPlan(seed, HEART))
    const fewest = Math.min(...hospitals.map(({ dataset }) => dataset.train.rows))
    const own = withRecords(plan, target, fewest)
    const { score, epsilon } = await trainFederated(hospitals, canonicalPlan(own))
    scores.push(score)
    told = Math.max(told, epsilon)
    multiplier = own.privacy.records?.multiplier
  }
  return rowOf('heart', plain(meanOf(scores)), target, {
    multiplier,
    epsilon: told,
    delta: deltaOf(await heartPlan(FIRST_SEED, HEART)),
  })
}

async function mnist(data: string, target: number | undefined): Promise<Row> {
  const { value } = await readScenario(example('sim/mnist/records.yaml'))
  const rows = 10_000 / value.world.clients
  const plan = withRecords(value.plan, target, rows)
  const { rounds, records } = await simulate({ ...value, plan }, { folder: data })
  const accuracy = rounds.at(-1)?.central?.accuracy ?? Number.NaN
  return rowOf('mnist', { accuracy: Math.round(1e4 * accuracy) / 1e4 }, target, {
    multiplier: plan.privacy.records?.multiplier,
    epsilon: records?.epsilon,
    delta: records?.delta,
  })
}

function rowOf(
  data: Row['data'],
  score: Pick<Row, 'accuracy' | 'auc'>,
  target: number | undefined,
  { multiplier, epsilon, delta }: Partial<Record<'multiplier' | 'epsilon' | 'delta', number | undefined>>,
): Row {
  if (target === undefined || multiplier === undefined || epsilon === undefined || delta === undefined)
    return { data, ...score }
  return { data, target, multiplier, epsilon, delta, ...score }
}

function plain({ accuracy, auc }: Score): Score {
  return { accuracy, auc }
}

function deltaOf(plan: string): number | undefined {
  return parsePlan(plan).privacy.records?.delta
}

/** The plan with the noise by which all its rounds cost this at a client with so many rows, or with none. */
function withRecords(plan: Plan, target: number | undefined, rows: number): Plan {
  const { records, ...privacy } = plan.privacy
  const round = recordPrivacyOf(plan, 1, rows)
  if (target === undefined || records === undefined || round === undefined) return { ...plan, privacy }
  const { sampling, neighbours, rounds } = round.spend
  const { epsilon: _limit, ...rest } = records
  // A little below, for what rounding adds to the sensitivity.
  const multiplier = calibrateMultiplier(target * (1 - 1e-6), {
    sampling,
    neighbours,
    rounds: rounds * plan.rounds,
    delta: records.delta,
  })
  return { ...plan, privacy: { ...privacy, records: { ...rest, multiplier: Math.ceil(1e4 * multiplier) / 1e4 } } }
}

/** Run from the sources or from dist: the examples stand next to `bench` or one level above it. */
function example(path: string): string {
  const above = import.meta.url.includes('/dist/') ? '../..' : '..'
  return fileURLToPath(new URL(`${above}/examples/${path}`, import.meta.url))
}

/** Aggregation rules on updates that lie in memory, each beside what other systems do, timed in the same call. */
import { decide, emptyGram } from '../core/aggregation/decide.ts'
import type { Gram } from '../core/aggregation/gram.ts'
import { needsGram, type Pipeline, pipelineOf } from '../core/aggregation/pipeline.ts'
import type { RuleInput } from '../core/aggregation/rule.ts'
import { aggregationSchema } from '../core/plan/aggregation.ts'
import { randomOf } from '../core/random/random.ts'
import { createKernels, type Kernels } from '../kernels/index.ts'
import { type CombineInput, combine } from '../server/aggregation/combine.ts'
import { RoundMatrix } from '../server/aggregation/round-matrix.ts'
import type { UpdateRow } from '../server/aggregation/update-row.ts'
import { type PeerTime, timeC, timeNumpy } from './aggregation-peers.ts'

export type AggregationRow = {
  readonly rule: string
  readonly n: number
  readonly d: number
  readonly f: number
  readonly threads: number
  /** From all updates in memory to the aggregate: quickest of the repetitions. */
  readonly ms: number
  /** What is left to do once the last update is in, when the others were multiplied as they came. */
  readonly afterLastMs: number
  readonly peer: string
  readonly peerMs: number | null
  /** peerMs / ms. */
  readonly ratio: number | null
}

const REPEATS = 5

/** f as in the published measurements of Flower: (n − 3) / 4, rounded down. */
const attackers = (n: number) => Math.floor((n - 3) / 4)

type Case = { readonly rule: string; readonly section: (f: number) => object; readonly peers: readonly string[] }
const tenth = (n: number) => Math.floor(n / 10)

const cases: readonly Case[] = [
  { rule: 'mean', section: () => ({ rule: 'mean' }), peers: ['C loop', 'numpy mean'] },
  { rule: 'median', section: () => ({ rule: 'median' }), peers: ['np.median'] },
  { rule: 'trimmed-mean', section: (f) => ({ rule: { 'trimmed-mean': { f } } }), peers: ['np.partition'] },
  { rule: 'meamed', section: (f) => ({ rule: { meamed: { f } } }), peers: ['byzfl meamed'] },
  { rule: 'krum', section: (f) => ({ rule: { krum: { f } } }), peers: ['byzfl krum'] },
  {
    rule: 'multi-krum',
    section: (f) => ({ rule: { 'multi-krum': { f } } }),
    peers: ['pairwise multi-krum', 'float32 BLAS multi-krum'],
  },
  { rule: 'bulyan', section: (f) => ({ rule: { bulyan: { f } } }), peers: ['flower bulyan'] },
  { rule: 'geometric-median', section: () => ({ rule: 'geometric-median' }), peers: ['byzfl geometric median'] },
  { rule: 'centered-clipping', section: () => ({ rule: 'centered-clipping' }), peers: ['byzfl centered clipping'] },
  { rule: 'nnm', section: (f) => ({ before: [{ nnm: { f } }] }), peers: ['byzfl nnm'] },
  {
    rule: 'nnm, trimmed-mean',
    section: (f) => ({ before: ['nnm'], rule: { 'trimmed-mean': { f } } }),
    peers: ['byzfl nnm'],
  },
]

/** Rules whose peers make all n·(n−f)·d values at once are compared at the small size only. */
const SMALL_ONLY = new Set([
  'byzfl nnm',
  'byzfl krum',
  'byzfl geometric median',
  'byzfl meamed',
  'byzfl centered clipping',
])

export async function benchAggregation(threads: number | undefined): Promise<object> {
  const kernels = createKernels(threads === undefined ? {} : { threads })
  const rows: Omit<AggregationRow, 'peerMs' | 'ratio'>[] = []
  const sizes = [64, 100].flatMap((n) => [100_000, 1_000_000].map((d) => ({ n, d })))
  for (const { n, d } of sizes) {
    process.stderr.write(`engine, ${n} updates of ${d}\n`)
    const updates = updatesOf(kernels, n, d)
    for (const { rule, section, peers } of cases) {
      const f = attackersOf(rule, n)
      const measured = await measure(kernels, updates, d, pipelineOf(aggregationSchema.parse(section(f))))
      for (const peer of peers) rows.push({ rule, n, d, f, threads: kernels.threads, ...measured, peer })
    }
    for (const { resident } of updates) resident?.release()
  }
  await kernels.close()
  process.stderr.write('peers\n')
  return await withPeers(rows)
}

function attackersOf(rule: string, n: number): number {
  return rule === 'trimmed-mean' || rule.startsWith('mean') ? tenth(n) : attackers(n)
}

async function withPeers(rows: readonly Omit<AggregationRow, 'peerMs' | 'ratio'>[]): Promise<object> {
  const wanted = rows.filter(({ peer, d }) => peer !== 'C loop' && (d <= 100_000 || !SMALL_ONLY.has(peer)))
  const sizes = new Map<string, { n: number; d: number; peers: { name: string; f: number }[] }>()
  for (const { n, d, f, peer } of wanted) {
    const key = `${n} ${d}`
    const size = sizes.get(key) ?? { n, d, peers: [] }
    sizes.set(key, size)
    if (!size.peers.some(({ name }) => name === peer)) size.peers.push({ name: peer, f })
  }
  const numpy = await timeNumpy([...sizes.values()], REPEATS)
  const times = 'peers' in numpy ? numpy.peers : []
  const done: AggregationRow[] = []
  const skipped = new Set<string>('skipped' in numpy ? [numpy.skipped] : [])
  for (const row of rows) {
    const ms = row.peer === 'C loop' ? await timeC(row.n, row.d, 2 * REPEATS) : timeOf(times, row)
    if (typeof ms === 'object' && ms !== null) skipped.add(ms.skipped)
    const peerMs = typeof ms === 'number' ? round(ms) : null
    done.push({ ...row, peerMs, ratio: peerMs === null ? null : round(peerMs / row.ms) })
  }
  const versions = 'peers' in numpy ? { numpy: numpy.numpy, scipy: numpy.scipy } : {}
  return { rows: done, ...versions, ...(skipped.size === 0 ? {} : { skipped: [...skipped] }) }
}

function timeOf(
  times: readonly PeerTime[],
  { peer, n, d }: { peer: string; n: number; d: number },
): number | undefined {
  return times.find((time) => time.name === peer && time.n === n && time.d === d)?.ms
}

function updatesOf(kernels: Kernels, n: number, d: number): UpdateRow[] {
  return Array.from({ length: n }, (_, i) => {
    const resident = kernels.allocate(4 * d)
    const random = randomOf(i, 'update')
    const values = resident.float32()
    for (let j = 0; j < d; j++) values[j] = (random.uint32() - 0x80000000) / 0x80000000
    return {
      client: `c${String(i).padStart(3, '0')}`,
      digest: `${i}`,
      samples: 1,
      steps: 1,
      norm: 1,
      tile: async () => new Float32Array(0),
      resident,
    }
  })
}

/** What the next model would do with the aggregate is not a part of the rule. */
const nothing: CombineInput['next'] = { wantsUpdates: false, prefetch: async () => {}, write: async () => {} }

async function measure(kernels: Kernels, updates: readonly UpdateRow[], d: number, pipeline: Pipeline) {
  let [ms, afterLastMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    ms = Math.min(ms, await timed(() => whole(kernels, updates, d, pipeline)))
    const matrix = matrixOf(kernels, d, pipeline)
    if (needsGram(pipeline)) await matrix.gram(updates.slice(0, -1))
    afterLastMs = Math.min(afterLastMs, await timed(() => finish(kernels, updates, d, pipeline, matrix)))
    await matrix.dispose()
  }
  return { ms: round(ms), afterLastMs: round(afterLastMs) }
}

async function whole(kernels: Kernels, updates: readonly UpdateRow[], d: number, pipeline: Pipeline): Promise<void> {
  const matrix = matrixOf(kernels, d, pipeline)
  await finish(kernels, updates, d, pipeline, matrix)
}

async function finish(
  kernels: Kernels,
  updates: readonly UpdateRow[],
  parameters: number,
  pipeline: Pipeline,
  matrix: RoundMatrix,
): Promise<void> {
  const center = pipeline.rule.rule.extra === 'center'
  const zero = {
    digest: 'zero',
    tile: async (index: number) => zeros.subarray(0, Math.min(262_144, parameters - index * 262_144)),
  }
  const gram = needsGram(pipeline) ? await matrix.gram([...updates, ...(center ? [zero] : [])]) : undefined
  const decision = decide(pipeline, inputOf(updates, gram, center))
  const extra = center ? [zero] : []
  await combine(kernels, { parameters, updates, extra, decision, gram, next: nothing, report: false })
}

const zeros = new Float32Array(262_144)

function inputOf(updates: readonly UpdateRow[], gram: Gram | undefined, center: boolean): RuleInput {
  const n = updates.length
  return {
    gram: gram ?? emptyGram(n),
    n,
    clients: updates.map(({ client }) => client),
    samples: Array<number>(n).fill(1),
    steps: Array<number>(n).fill(1),
    extra: center ? { center: n } : {},
    remembered: [],
    seed: 1,
  }
}

function matrixOf(kernels: Kernels, parameters: number, pipeline: Pipeline): RoundMatrix {
  return new RoundMatrix({ kernels, parameters, wantsGram: needsGram(pipeline), residentBytes: 0 })
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

function round(value: number): number {
  return Number(value.toPrecision(4))
}

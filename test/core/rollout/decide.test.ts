/** What a plan makes of what consumers counted: seldom wrong, sure in the end, and the same in whatever order it came. */
import { describe, expect, it } from 'vitest'
import type { RolloutPlan } from '../../../core/plan/rollout.ts'
import { rolloutPlanSchema } from '../../../core/plan/rollout.ts'
import { decideRollout, type RolloutDecision } from '../../../core/rollout/decide.ts'
import { LATENCY_BINS, latencyBin } from '../../../core/rollout/latency-grid.ts'
import type { VersionCounts } from '../../../core/rollout/outcomes.ts'
import { added, nothing, type Totals } from '../../../core/rollout/totals.ts'
import { Chance } from './chance.ts'

const planOf = (changes: object = {}): RolloutPlan =>
  rolloutPlanSchema.parse({
    metrics: [{ metric: 'error-rate', margin: 0.02 }],
    minTime: '0s',
    minOutcomes: 1,
    ...changes,
  })

type Counts = Omit<VersionCounts, 'number'>
type Side = Map<string, Totals>

const counts = (requests: number, errors: number, more: Partial<Counts> = {}): Counts => ({ requests, errors, ...more })

function add(side: Side, consumer: string, report: Counts): void {
  side.set(consumer, added(side.get(consumer) ?? nothing, report))
}

function sideOf(reports: readonly (readonly [string, Counts])[]): Side {
  const side: Side = new Map()
  for (const [consumer, report] of reports) add(side, consumer, report)
  return side
}

function decided(plan: RolloutPlan, champion: Side, challenger: Side, changes: object = {}): RolloutDecision {
  const side = (one: Side) => ({
    consumers: [...one].map(([consumer, totals]) => ({ consumer, totals })),
    requestsInStep: [...one.values()].map(({ requests }) => requests),
  })
  const evidence = { plan, share: 2_500, elapsedMs: 1_000, champion: side(champion), challenger: side(challenger) }
  return decideRollout({ ...evidence, ...changes })
}

const everybody = (requests: number, errors: number, names = ['a', 'b', 'c']) =>
  sideOf(names.map((name) => [name, counts(requests, errors)] as const))

/** Whether it is ever decided so, while reports of `batch` requests come from consumers of unequal size. */
function ever(
  chance: Chance,
  wanted: RolloutDecision['decision'],
  rates: readonly [number, number],
  { looks = 20, sizes = [1, 1, 1], plan = planOf({ alpha: 0.2 }) } = {},
): boolean {
  const champion: Side = new Map()
  const challenger: Side = new Map()
  for (let look = 0; look < looks; look++) {
    for (const [i, size] of sizes.entries()) {
      const n = 30 * size
      add(champion, `a${i}`, counts(n, chance.count(n, rates[0])))
      add(challenger, `b${i}`, counts(n, chance.count(n, rates[1])))
    }
    if (decided(plan, champion, challenger).decision === wanted) return true
  }
  return false
}

const share = (runs: number, one: () => boolean) => Array.from({ length: runs }, one).filter(Boolean).length / runs

describe('the budget for errors, over all looks', () => {
  it('holds for rolling back what is as bad as the margin allows, and for promoting it', () => {
    const chance = new Chance(3)
    expect(share(80, () => ever(chance, 'rollback', [0.1, 0.12]))).toBeLessThanOrEqual(0.2)
    expect(share(80, () => ever(chance, 'promote', [0.1, 0.12]))).toBeLessThanOrEqual(0.2)
  }, 60_000)

  it('holds where one consumer outweighs the others, and is scaled down', () => {
    const chance = new Chance(5)
    expect(share(60, () => ever(chance, 'rollback', [0.1, 0.12], { sizes: [1, 1, 20] }))).toBeLessThanOrEqual(0.2)
  }, 60_000)

  it('is enough for what is clear: it comes out, in nearly all cases', () => {
    const chance = new Chance(9)
    expect(share(30, () => ever(chance, 'rollback', [0.05, 0.2]))).toBeGreaterThan(0.9)
    const wide = planOf({ alpha: 0.2, metrics: [{ metric: 'error-rate', margin: 0.08 }] })
    expect(share(30, () => ever(chance, 'promote', [0.05, 0.05], { plan: wide }))).toBeGreaterThan(0.9)
  }, 60_000)
})

describe('a decision', () => {
  it.each([3, 15])(
    'does not depend on batches, nor on who was first, where %d consumers are asked for',
    (minConsumers) => {
      const chance = new Chance(1)
      const plan = planOf({
        minConsumers,
        metrics: [
          { metric: 'error-rate', margin: 0.02 },
          { metric: 'recall', margin: 0.1 },
          { metric: 'p95-latency', margin: 0.5 },
        ],
      })
      const single = (): Counts => {
        const bins = new Array<number>(LATENCY_BINS).fill(0)
        bins[latencyBin(5 + 20 * chance.next())] = 1
        const hit = chance.happens(0.8)
        const confusion = { tp: hit ? 1 : 0, fn: hit ? 0 : 1, fp: 0, tn: 0 }
        return counts(1, chance.happens(0.1) ? 1 : 0, { latencyMs: { bins }, confusion })
      }
      // Most come from few consumers, who are scaled down: then sums are not of whole numbers.
      const reports = (side: string) =>
        Array.from({ length: 400 }, () => [`${side}${Math.floor(10 * chance.next() ** 3)}`, single()] as const)
      const [a, b] = [reports('a'), reports('b')]
      const batched = (list: typeof a) => {
        const sums = new Map<string, Totals>()
        for (const [name, one] of list) add(sums, name, one)
        return sideOf(
          [...sums].map(([name, { requests, errors, bins, confusion }]) => {
            return [name, counts(requests, errors, { latencyMs: { bins: [...bins] }, confusion })] as const
          }),
        )
      }
      const first = decided(plan, sideOf(a), sideOf(b))
      expect(decided(plan, sideOf(chance.shuffled(a)), sideOf(chance.shuffled(b)))).toEqual(first)
      expect(decided(plan, batched(chance.shuffled(a)), batched(chance.shuffled(b)))).toEqual(first)
    },
  )

  it('goes back at once, without a minimum of time, and says why with figures', () => {
    const { decision, reasons, metrics } = decided(planOf({ minTime: '1d' }), everybody(400, 8), everybody(400, 80))
    expect(decision).toBe('rollback')
    expect(metrics[0]).toMatchObject({
      verdict: 'worse',
      champion: { value: 0.02, counted: 1_200, consumers: 3 },
      challenger: { value: 0.2 },
      harm: { value: expect.closeTo(0.18, 9) },
    })
    expect(reasons).toEqual([
      expect.stringMatching(
        /^error-rate: 0\.2 against 0\.02, worse by 0\.1\d+ to 0\.2\d*: more than the margin of 0\.02 \(3 and 3 consumers\)$/,
      ),
    ])
  })

  it('waits for time and requests of the step, and says for how long', () => {
    const plan = planOf({ minTime: '10s', minOutcomes: 2_000 })
    const waiting = decided(plan, everybody(400, 8), everybody(400, 8))
    expect(waiting).toMatchObject({ decision: 'keep', waitMs: 9_000 })
    expect(waiting.reasons.slice(0, 3)).toEqual([
      'this step lasts 10s at least',
      '1200 of 2000 requests of the champion count in this step',
      '1200 of 2000 requests of the challenger count in this step',
    ])
  })

  it('does not take the requests of one consumer for those of a step', () => {
    const busy = everybody(40, 0)
    busy.set('c', added(nothing, counts(1e9, 0)))
    const { reasons } = decided(planOf({ minOutcomes: 200 }), everybody(400, 8), busy)
    expect(reasons[0]).toBe('160 of 200 requests of the challenger count in this step')
  })

  it('steps up on good estimates, and goes to all only when every metric is shown', () => {
    const plan = planOf()
    const few = [everybody(100, 2), everybody(100, 2)] as const
    expect(decided(plan, ...few, { share: 500 })).toMatchObject({ decision: 'step-up', share: 2_500 })
    expect(decided(plan, ...few, { share: 2_500 })).toMatchObject({ decision: 'keep' })
    expect(decided(plan, everybody(5_000, 100), everybody(5_000, 100))).toMatchObject({
      decision: 'promote',
      share: 10_000,
    })
    // Not shown to be worse, but nobody would bet on it.
    expect(decided(plan, everybody(100, 2), everybody(100, 5), { share: 500 })).toMatchObject({ decision: 'keep' })
  })

  it('needs enough consumers on each side, whatever one of them counts', () => {
    const lone = sideOf([['x', counts(1e9, 1e9)]])
    const result = decided(planOf(), everybody(400, 8), lone)
    expect(result).toMatchObject({ decision: 'keep', metrics: [{ verdict: 'too-few' }] })
    expect(result.reasons).toEqual([
      '0 of 1 requests of the challenger count in this step',
      'error-rate: too few consumers counted it (1 and 3 consumers)',
    ])
  })

  it('is never that of one consumer alone', () => {
    const liar = everybody(400, 8)
    liar.set('c', added(nothing, counts(1e9, 1e9)))
    const bad = decided(planOf(), everybody(400, 8), liar)
    expect(bad).toMatchObject({ decision: 'keep', metrics: [{ verdict: 'open', dependsOn: 'c' }] })
    expect(bad.reasons[0]).toContain('c alone would decide it')
    // A liar cannot make a bad version look good enough either: without it nothing is shown.
    const praise = everybody(400, 80)
    praise.set('c', added(nothing, counts(1e9, 0)))
    expect(
      decided(planOf({ metrics: [{ metric: 'error-rate', margin: 0.15 }] }), everybody(400, 8), praise).decision,
    ).toBe('keep')
  })

  it.each(['error-rate', 'p95-latency'] as const)(
    'is that of %s without the weightiest, also among hundreds',
    (metric) => {
      const names = Array.from({ length: 300 }, (_, i) => `c${i}`)
      const fast = new Array<number>(LATENCY_BINS).fill(0)
      fast[latencyBin(10)] = 20
      const slow = new Array<number>(LATENCY_BINS).fill(0)
      slow[latencyBin(1_000)] = 3_000
      const quiet = counts(20, 0, { latencyMs: { bins: fast } })
      const loud = counts(3_000, 3_000, { latencyMs: { bins: slow } })
      const honest = () => sideOf(names.map((name) => [name, quiet] as const))
      const plan = planOf({ metrics: [{ metric, margin: 0.2 }] })
      expect(decided(plan, honest(), honest())).toMatchObject({ decision: 'promote' })
      const one = honest()
      one.set('c150', added(nothing, loud))
      expect(decided(plan, honest(), one)).toMatchObject({ decision: 'keep', metrics: [{ dependsOn: 'c150' }] })
      const two = sideOf([...names.map((name) => [name, quiet] as const), ['c150', loud], ['c151', loud]])
      expect(decided(plan, honest(), two).decision).toBe('rollback')
    },
  )

  it('turns every metric so that more harm is worse', () => {
    const metrics = ['accuracy', 'recall', 'good-rate'].map((metric) => ({ metric, margin: 0.05 }))
    const side = (bad: number) =>
      sideOf(
        ['a', 'b', 'c'].map((name) => {
          const confusion = { tp: 500 - bad, fn: bad, tn: 500 - bad, fp: bad }
          return [name, counts(1_000, 0, { confusion, outcomes: { good: 500 - bad, bad } })] as const
        }),
      )
    const worse = decided(planOf({ metrics }), side(10), side(150))
    expect(worse.metrics.map(({ verdict }) => verdict)).toEqual(['worse', 'worse', 'worse'])
    expect(worse.metrics.map(({ challenger }) => challenger.value)).toEqual(
      [0.7, 0.7, 0.7].map((x) => expect.closeTo(x, 9)),
    )
    const better = decided(planOf({ metrics }), side(150), side(10))
    expect(better).toMatchObject({ decision: 'promote', metrics: metrics.map(() => ({ verdict: 'not-worse' })) })
  })

  it('compares p95 as a ratio', () => {
    const side = (ms: number) =>
      sideOf(
        ['a', 'b', 'c'].map((name) => {
          const bins = new Array<number>(LATENCY_BINS).fill(0)
          for (let i = 0; i < 1_000; i++) bins[latencyBin(ms * (1 + i / 1_000))]! += 1
          return [name, counts(1_000, 0, { latencyMs: { bins } })] as const
        }),
      )
    const plan = planOf({ metrics: [{ metric: 'p95-latency', margin: 0.5 }] })
    expect(decided(plan, side(10), side(30))).toMatchObject({ decision: 'rollback' })
    expect(decided(plan, side(10), side(10))).toMatchObject({ decision: 'promote' })
    expect(decided(plan, side(10), side(15))).toMatchObject({ decision: 'keep' })
  })
})

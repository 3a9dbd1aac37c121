/** What is unmasked is the integer sum of what the survivors encoded, whoever is lost and whenever. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { regularGraph, type SessionConfiguration } from '../../../core/secagg/index.ts'
import { namesOf, plainSum, type Run, runSession, steps } from './session.ts'

/** For each client the number of steps that it takes part in, 0 … 5. */
type Pattern = readonly number[]

const play = (change: Partial<SessionConfiguration>, pattern: Pattern, maxWeight = 3): Run => {
  const names = namesOf(pattern.length)
  return runSession(
    { cohort: pattern.length, ...change },
    { lost: (client, step) => pattern[names.indexOf(client)]! <= steps.indexOf(step), seeded: true },
    (i) => ({ values: new Float64Array(9).fill(Math.sin(i)), weight: 1 + (i % maxWeight) }),
  )
}

const exact = (run: Run) => {
  expect(run.sums.length).toBeGreaterThan(0)
  for (const { survivors, lanes, decoded } of run.sums) {
    expect(lanes).toEqual(plainSum(run, survivors))
    expect(decoded.ok).toBe(true)
  }
}

/** All patterns in which at most `lost` of the clients are lost, each in any step. */
function patterns(clients: number, lost: number): Pattern[] {
  if (clients === 0) return [[]]
  return patterns(clients - 1, lost).flatMap((rest) => {
    const spent = rest.filter((taken) => taken < 5).length
    return [0, 1, 2, 3, 4, 5].filter((taken) => taken === 5 || spent < lost).map((taken) => [...rest, taken])
  })
}

/** The first step in which fewer than `need` clients are left, on a complete graph in one sum. */
const failing = (pattern: Pattern, need: number) =>
  steps.find((_, at) => pattern.filter((taken) => taken > at).length < need)

describe('one sum, complete graph', () => {
  const small = {
    minimum: 3,
    graph: { kind: 'complete', threshold: 3 },
    threat: { corrupted: 0, dropouts: 0.25, server: 'semi-malicious' },
  } as const

  test('all 21 ways to lose one of four clients, and the failures with more', () => {
    const all = [
      ...patterns(4, 1),
      ...patterns(4, 4).filter((pattern) => pattern.every((one, i) => one >= (pattern[i - 1] ?? 0))),
    ]
    expect(all.length).toBe(21 + 126)
    for (const pattern of all) {
      const run = play(small, pattern)
      expect([pattern, run.failedIn]).toEqual([pattern, failing(pattern, 3)])
      expect([...run.refusals.values()]).toEqual([])
      if (run.failedIn === undefined) exact(run)
    }
  })

  test('all 406 ways to lose up to two of six clients in five steps', () => {
    const all = patterns(6, 2)
    expect(all.length).toBe(406)
    for (const pattern of all) {
      const run = play({ graph: { kind: 'complete', threshold: 4 } }, pattern)
      expect([pattern, run.failedIn]).toEqual([pattern, undefined])
      expect([...run.refusals.values()]).toEqual([])
      exact(run)
      expect(run.sums[0]?.survivors).toEqual(namesOf(6).filter((_, i) => (pattern[i] ?? 0) > 2))
    }
    // Hundreds of sessions with real keys: seconds, and more on a machine that has other work.
  }, 120_000)
})

describe('pitfall 16: early drop-out is fatal', () => {
  const cohort = 20
  const change = {
    cohort,
    minimum: 10,
    threat: { corrupted: 0, dropouts: 0.3, server: 'semi-malicious' },
    graph: { kind: 'complete', threshold: 11 },
  } as const

  test.each(steps)('almost a third lost in step %s', (step) => {
    const pattern = Array.from({ length: cohort }, (_, i) => (i % 3 === 1 && i < 18 ? steps.indexOf(step) : 5))
    const run = play(change, pattern)
    expect(run.failedIn).toBeUndefined()
    exact(run)
    expect(run.sums[0]!.survivors.length).toBe(steps.indexOf(step) <= 2 ? 14 : 20)
  })

  test('in all steps together', () => {
    const run = play(
      change,
      Array.from({ length: cohort }, (_, i) => (i < 6 ? i % 5 : 5)),
    )
    exact(run)
  })
})

describe('random losses', () => {
  const patternOf = (n: number, least = 0) =>
    fc.array(
      fc.oneof({ weight: 4, arbitrary: fc.constant(5) }, { weight: 1, arbitrary: fc.integer({ min: least, max: 5 }) }),
      {
        minLength: n,
        maxLength: n,
      },
    )

  test('one sum with extras and noise', () => {
    fc.assert(
      fc.property(patternOf(9), (pattern) => {
        const names = namesOf(9)
        const run = runSession(
          {
            cohort: 9,
            graph: { kind: 'complete', threshold: 6 },
            extras: [{ name: 'rows', max: 1_000 }],
            noiseBound: 500,
          },
          { lost: (client, step) => pattern[names.indexOf(client)]! <= steps.indexOf(step) },
          (i) => ({
            values: new Int32Array(9).fill(-7),
            weight: 1 + i,
            noise: new Int32Array(9).fill(31 * i - 500 + 7),
            extras: [100 * i],
          }),
        )
        expect(run.failedIn).toBe(failing(pattern, 6))
        if (run.failedIn === undefined) exact(run)
      }),
      { numRuns: 12 },
    )
  })

  test('buckets: every opened sum is exact, and nobody is in two', () => {
    fc.assert(
      fc.property(patternOf(14, 1), (pattern) => {
        const run = play(
          {
            graph: { kind: 'complete', threshold: 8 },
            weight: { min: 1, max: 1 },
            buckets: { size: 3, minSurvivors: 2 },
          },
          pattern,
          1,
        )
        if (run.failedIn !== undefined) return
        exact(run)
        const all = run.sums.flatMap(({ survivors }) => survivors)
        expect(new Set(all).size).toBe(all.length)
        for (const { survivors } of run.sums) expect(survivors.length).toBeGreaterThanOrEqual(2)
      }),
      { numRuns: 12 },
    )
  })

  const sparse = regularGraph({ clients: 70, corrupted: 0.05, dropouts: 0.05, server: 'semi-malicious' })
  if (!sparse.ok) throw new Error(sparse.why)
  const regular = {
    graph: sparse.graph,
    threat: { corrupted: 0.05, dropouts: 0.05, server: 'semi-malicious' },
  } as const

  // Within the drop-outs that the graph was made for: rings are random, and beyond them a secret may be lost.
  test('k-regular graph', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 69 }), { maxLength: 3 }),
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 4, maxLength: 4 }),
        (lost, when) => {
          const pattern = Array.from({ length: 70 }, (_, i) => (lost.includes(i) ? when[lost.indexOf(i)]! : 5))
          const run = play(regular, pattern)
          expect([...run.refusals.values()]).toEqual([])
          expect(run.failedIn).toBeUndefined()
          exact(run)
        },
      ),
      { numRuns: 3 },
    )
  })

  test('k-regular graph with buckets and a beacon', () => {
    const pattern = Array.from({ length: 70 }, (_, i) => (i === 3 || i === 60 ? 2 : i === 36 ? 4 : 5))
    const run = play(
      { ...regular, beacon: 'drand', buckets: { size: 8, minSurvivors: 5 }, weight: { min: 1, max: 1 } },
      pattern,
      1,
    )
    expect([...run.refusals.values()]).toEqual([])
    expect(run.sums.length).toBe(8)
    exact(run)
  })
})

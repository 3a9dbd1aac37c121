import { describe, expect, test } from 'vitest'
import { hasStalled } from '../../server/gates/early-stop.ts'
import { addingTrainer, countsOf, Federation } from '../support/federation.ts'
import { planText } from '../support/plans.ts'

/** Rounds in which so many of a hundred rows were right; undefined was not evaluated. */
const rounds = (...right: (number | undefined)[]) =>
  right.map((count) => ({ results: count === undefined ? [] : [{ client: 'a', counts: [countsOf(100, count)] }] }))

describe('a run has stopped getting better', () => {
  const stop = { metric: 'accuracy', rounds: 2, minDelta: 0 } as const

  test.each([
    [rounds(50, 60, 60, 60), true],
    [rounds(50, 60, 59, 61), false],
    [rounds(70, 60, 65), true],
    [rounds(50, 60), false],
    [rounds(), false],
    [rounds(60, undefined, undefined, undefined, 61), false],
    [rounds(60, undefined, 60, undefined, 60), true],
  ])('%#', (history, expected) => {
    expect(hasStalled(history, stop)).toBe(expected)
  })

  test('by less than what counts', () => {
    expect(hasStalled(rounds(60, 61, 62), { ...stop, minDelta: 0.03 })).toBe(true)
    expect(hasStalled(rounds(60, 61, 64), { ...stop, minDelta: 0.03 })).toBe(false)
  })

  test('never, where the plan does not ask', () => {
    expect(hasStalled(rounds(60, 50, 40, 30), undefined)).toBe(false)
  })
})

test('a plan with `stop` ends before its last round, and goes before its gates', async () => {
  const federation = new Federation()
  await federation.coordinator.start()
  try {
    let evaluated = 0
    for (const name of ['a', 'b']) {
      federation.addClient(name, addingTrainer(1, { evaluate: async () => countsOf(10, Math.min(8, 5 + evaluated++)) }))
    }
    const extra = 'stop: { metric: accuracy, rounds: 2 }'
    const { run } = await federation.coordinator.startRun(planText({ rounds: 50, extra }))
    const { outcome, history } = await federation.view(run)
    expect(outcome?.kind).toBe('published')
    expect(history.length).toBeGreaterThan(2)
    expect(history.length).toBeLessThan(10)
  } finally {
    await federation.stop()
  }
})

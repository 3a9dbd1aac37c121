import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { spent } from '../../../core/privacy/accounting/accountant.ts'
import type { GaussianSpend, Spend } from '../../../core/privacy/accounting/spend.ts'
import {
  type Budget,
  charge,
  emptyLedger,
  epsilonOf,
  type Ledger,
  paymentsLeft,
  spendsOf,
} from '../../../core/privacy/ledger.ts'
import { parseLedger } from '../../../core/privacy/ledger-json.ts'

const round: GaussianSpend = {
  mechanism: 'gaussian',
  multiplier: 5,
  sampling: { kind: 'all' },
  neighbours: 'add-or-remove',
  rounds: 1,
}
const budget: Budget = { epsilon: 3, delta: 1e-5 }

function charged(ledger: Ledger, key: string, spend: Spend = round, limit = budget): Ledger {
  const result = charge(ledger, { key, spend }, limit)
  if (result.kind === 'refused') throw new Error(`refused: ${result.reason}`)
  return result.ledger
}

describe('a budget', () => {
  test('rounds are paid for until it is used up, and the refusal changes nothing', () => {
    let ledger = emptyLedger
    let rounds = 0
    for (;;) {
      const result = charge(ledger, { key: `run/${rounds + 1}`, spend: round }, budget)
      if (result.kind === 'refused') {
        expect(result.reason).toBe('budget')
        expect(result.spent.epsilon).toBeGreaterThan(budget.epsilon)
        break
      }
      expect(result.epsilon).toBeLessThanOrEqual(budget.epsilon)
      ledger = result.ledger
      rounds++
    }
    expect(ledger.entries).toHaveLength(1)
    expect(spendsOf(ledger)).toEqual([{ ...round, rounds }])
    expect(epsilonOf(ledger, 1e-5).epsilon).toBeLessThanOrEqual(3)
    expect(spent([{ ...round, rounds: rounds + 1 }], 1e-5).epsilon).toBeGreaterThan(3)
    expect(paymentsLeft(emptyLedger, round, budget)).toBe(rounds)
    expect(paymentsLeft(ledger, round, budget)).toBe(0)
  })

  test('moments that pass it are not the last word', () => {
    const spend: Spend = { ...round, multiplier: 1.1, sampling: { kind: 'poisson', rate: 0.01 }, rounds: 1000 }
    expect(charge(emptyLedger, { key: 'r', spend }, { ...budget, epsilon: 1.6 })).toMatchObject({ kind: 'charged' })
    const byRdp = { ...budget, epsilon: 1.6, accountant: 'rdp' } as const
    expect(charge(emptyLedger, { key: 'r', spend }, byRdp)).toMatchObject({ kind: 'refused', reason: 'budget' })
  })

  test('different mechanisms add up', () => {
    const tree: Spend = { mechanism: 'tree', multiplier: 20, leaves: 10, neighbours: 'add-or-remove', rounds: 1 }
    const ledger = charged(charged(charged(emptyLedger, 'a/1'), 'b/1', tree), 'a/2')
    expect(ledger.entries).toHaveLength(2)
    expect(epsilonOf(ledger, 1e-5)).toEqual(spent([{ ...round, rounds: 2 }, tree], 1e-5))
  })
})

describe('trap 12: retries, restarts, aborted and re-run rounds', () => {
  test('a key pays once, however often it is charged', () => {
    const once = charged(emptyLedger, 'run/1')
    const again = charge(once, { key: 'run/1', spend: round }, budget)
    expect(again).toEqual({ kind: 'charged', ledger: once, epsilon: epsilonOf(once, 1e-5, 'rdp').epsilon })
  })

  test('a key that has paid is accepted even when the budget is used up', () => {
    const once = charged(emptyLedger, 'run/1')
    expect(charge(once, { key: 'run/1', spend: round }, { ...budget, epsilon: 0.01 }).kind).toBe('charged')
  })

  test('a round that runs again under another key pays again', () => {
    const twice = charged(charged(emptyLedger, 'run/1'), 'run/1#2')
    expect(spendsOf(twice)).toEqual([{ ...round, rounds: 2 }])
  })

  test('a key does not pay for something else', () => {
    const once = charged(emptyLedger, 'run/1')
    const other = charge(once, { key: 'run/1', spend: { ...round, multiplier: 1 } }, budget)
    expect(other).toMatchObject({ kind: 'refused', reason: 'key-reused' })
  })

  test('a ledger survives a restart', () => {
    const ledger = charged(charged(emptyLedger, 'run/1'), 'run/2')
    const restored = parseLedger(JSON.parse(JSON.stringify(ledger)))
    expect(restored).toEqual(ledger)
    expect(charge(restored, { key: 'run/2', spend: round }, budget)).toMatchObject({ kind: 'charged', ledger })
  })

  test('what is not a ledger does not pass for an empty one', () => {
    const ledger = charged(emptyLedger, 'run/1')
    const entry = ledger.entries[0]!
    const fixed: Spend = { ...round, sampling: { kind: 'fixed', cohort: 5, population: 4 }, neighbours: 'replace' }
    const broken: unknown[] = [
      undefined,
      {},
      { ...ledger, version: 2 },
      { version: 1, entries: [{ ...entry, keys: [] }] },
      { version: 1, entries: [entry, entry] },
      { version: 1, entries: [{ ...entry, spend: { ...round, rounds: -1 } }] },
      { version: 1, entries: [{ ...entry, spend: fixed }] },
      { version: 1, entries: [entry, { keys: ['x'], spend: { ...round, neighbours: 'replace' } }] },
    ]
    for (const value of broken) expect(() => parseLedger(value)).toThrow(/privacy ledger/)
  })

  test('the ledger given in is never changed', () => {
    const before = charged(emptyLedger, 'run/1')
    const copy = structuredClone(before)
    charged(before, 'run/2')
    expect(before).toEqual(copy)
    expect(emptyLedger).toEqual({ version: 1, entries: [] })
  })
})

test('neighbour relations are not mixed', () => {
  const once = charged(emptyLedger, 'run/1')
  const other = charge(once, { key: 'run/2', spend: { ...round, neighbours: 'replace' } }, budget)
  expect(other).toMatchObject({ kind: 'refused', reason: 'neighbours' })
})

test('the order of payments does not matter, and repeated ones do not count', () => {
  const keys = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 12 })
  fc.assert(
    fc.property(keys, (payments) => {
      const wide = { epsilon: 100, delta: 1e-5, accountant: 'rdp' } as const
      const spendOf = (key: number): Spend => ({ ...round, multiplier: 4 + (key % 2) })
      const run = (list: readonly number[]) =>
        list.reduce((ledger, key) => charged(ledger, `run/${key}`, spendOf(key), wide), emptyLedger)
      const distinct = [...new Set(payments)].sort()
      expect(epsilonOf(run(payments), 1e-5, 'rdp').epsilon).toBeCloseTo(
        epsilonOf(run(distinct), 1e-5, 'rdp').epsilon,
        10,
      )
    }),
    { numRuns: 30, seed: 2 },
  )
})

test('fourteen thousand rounds are charged in seconds', () => {
  const spend: Spend = { ...round, multiplier: 1.1, sampling: { kind: 'poisson', rate: 256 / 60_000 } }
  let ledger = emptyLedger
  for (let i = 0; i < 14_000; i += 1000) {
    const keys = Array.from({ length: 999 }, (_, j) => `run/${i + j}`)
    const entry = ledger.entries[0]
    ledger = { version: 1, entries: [{ spend, keys: [...(entry?.keys ?? []), ...keys] }] }
    ledger = charged(ledger, `run/${i + 999}`, spend)
  }
  expect(spendsOf(ledger)).toEqual([{ ...spend, rounds: 14_000 }])
  const start = performance.now()
  for (let i = 0; i < 20; i++) ledger = charged(ledger, `more/${i}`, spend)
  expect((performance.now() - start) / 20).toBeLessThan(100)
})

test('budgets and spends out of range are refused', () => {
  expect(() => charge(emptyLedger, { key: 'a', spend: round }, { epsilon: 0, delta: 1e-5 })).toThrow(RangeError)
  expect(() => charge(emptyLedger, { key: 'a', spend: round }, { epsilon: 1, delta: 1 })).toThrow(RangeError)
  expect(() => charge(emptyLedger, { key: 'a', spend: { ...round, rounds: 0 } }, budget)).toThrow(RangeError)
})

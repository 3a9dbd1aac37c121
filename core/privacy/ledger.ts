/**
 * What a population has spent, as plain data. Every round is charged **before** it begins, and the new ledger is to be on
 * disk by then: a round that is aborted, or lost in a crash, has been paid for all the same, as its noise may have been seen.
 */
import { canonicalJson } from '../encoding/canonical-json.ts'
import { type Accountant, relationOf, type Spent, spent } from './accounting/accountant.ts'
import { type Spend, timesRounds } from './accounting/spend.ts'

/** Charges of equal spends share an entry, so that a thousand rounds cost no more to compose than one. */
export type LedgerEntry = {
  /** What each key paid. */
  readonly spend: Spend
  readonly keys: readonly string[]
}

export type Ledger = { readonly version: 1; readonly entries: readonly LedgerEntry[] }

export type Budget = {
  readonly epsilon: number
  readonly delta: number
  /** `tightest` by default. */
  readonly accountant?: Accountant
}

/**
 * One payment. The key names what is paid for, `run/round` as a rule, and is paid once however often it is charged. Whoever
 * runs a round again, with new noise on the same data, pays again under another key, for instance `run/round#2`.
 */
export type Payment = { readonly key: string; readonly spend: Spend }

/**
 * - `budget`: it would pass ε. `spent` is what it would come to.
 * - `key-reused`: the key has paid for something else.
 * - `neighbours`: the ledger counts for another neighbour relation; the two do not add up to one ε.
 */
export type Refusal = {
  readonly kind: 'refused'
  readonly reason: 'budget' | 'key-reused' | 'neighbours'
  readonly spent: Spent
}

/** `epsilon` bounds what has been spent with this payment; `epsilonOf` may know it more tightly. */
export type Charged = { readonly kind: 'charged'; readonly ledger: Ledger; readonly epsilon: number }

export const emptyLedger: Ledger = { version: 1, entries: [] }

/**
 * Adds a payment, unless it would pass the budget. Nothing but what it returns changes.
 *
 * @throws RangeError for a spend or budget outside of its range.
 * @throws ParleyError `plan.infeasible` for a sampling that has no bound under the stated relation.
 */
export function charge(ledger: Ledger, payment: Payment, budget: Budget): Charged | Refusal {
  checkBudget(budget)
  const { key, spend } = payment
  relationOf([spend])
  const name = canonicalJson(spend)
  const paid = ledger.entries.find(({ keys }) => keys.includes(key))
  if (paid !== undefined) {
    const now = spentOf(ledger, budget)
    if (canonicalJson(paid.spend) !== name) return { kind: 'refused', reason: 'key-reused', spent: now }
    return { kind: 'charged', ledger, epsilon: now.epsilon }
  }
  const first = ledger.entries[0]
  if (first !== undefined && first.spend.neighbours !== spend.neighbours) {
    return { kind: 'refused', reason: 'neighbours', spent: spentOf(ledger, budget) }
  }
  const next = withPayment(ledger, payment, name)
  const after = spentOf(next, budget)
  if (after.epsilon > budget.epsilon) return { kind: 'refused', reason: 'budget', spent: after }
  return { kind: 'charged', ledger: next, epsilon: after.epsilon }
}

/** All spends of a ledger, equal ones counted together. */
export function spendsOf(ledger: Ledger): readonly Spend[] {
  return ledger.entries.map(({ spend, keys }) => timesRounds(spend, spend.rounds * keys.length))
}

/** The entries of some keys alone. */
export function partOf({ version, entries }: Ledger, has: (key: string) => boolean): Ledger {
  const parts = entries.map(({ spend, keys }) => ({ spend, keys: keys.filter(has) }))
  return { version, entries: parts.filter(({ keys }) => keys.length > 0) }
}

/** ε at δ of everything that was charged. */
export function epsilonOf(ledger: Ledger, delta: number, accountant: Accountant = 'tightest'): Spent {
  return spent(spendsOf(ledger), delta, accountant)
}

/** How many payments of this kind still fit into the budget; found by doubling and halving. */
export function paymentsLeft(ledger: Ledger, spend: Spend, budget: Budget): number {
  checkBudget(budget)
  const fits = (times: number) => {
    if (times === 0) return true
    const spends = [...spendsOf(ledger), timesRounds(spend, spend.rounds * times)]
    return spentWithin(spends, budget).epsilon <= budget.epsilon
  }
  let tooMany = 1
  while (tooMany < 2 ** 30 && fits(tooMany)) tooMany *= 2
  let enough = Math.floor(tooMany / 2)
  while (tooMany - enough > 1) {
    const middle = Math.floor((enough + tooMany) / 2)
    if (fits(middle)) enough = middle
    else tooMany = middle
  }
  return enough
}

function spentOf(ledger: Ledger, budget: Budget): Spent {
  return spentWithin(spendsOf(ledger), budget)
}

/** Moments first: the tight accountant takes a hundred times as long, and is not asked where they are enough. */
function spentWithin(spends: readonly Spend[], { epsilon, delta, accountant = 'tightest' }: Budget): Spent {
  const byRdp = spent(spends, delta, 'rdp')
  return accountant === 'rdp' || byRdp.epsilon <= epsilon ? byRdp : spent(spends, delta, accountant)
}

function withPayment(ledger: Ledger, { key, spend }: Payment, name: string): Ledger {
  const at = ledger.entries.findIndex((entry) => canonicalJson(entry.spend) === name)
  const entry = ledger.entries[at]
  if (entry === undefined) return { ...ledger, entries: [...ledger.entries, { spend, keys: [key] }] }
  return { ...ledger, entries: ledger.entries.with(at, { spend, keys: [...entry.keys, key] }) }
}

function checkBudget({ epsilon, delta }: Budget): void {
  if (!(epsilon > 0 && Number.isFinite(epsilon))) throw new RangeError(`a budget ε is positive, not ${epsilon}`)
  if (!(delta > 0 && delta < 1)) throw new RangeError(`δ lies between 0 and 1, not at ${delta}`)
}

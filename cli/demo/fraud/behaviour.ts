import type { Random } from '../../../core/random/random.ts'

/** Kinds of merchants, with mean and deviation of the natural logarithm of an amount in euros: amounts are log-normal. */
export const categories = {
  grocery: [3.3, 0.7],
  fuel: [3.9, 0.4],
  restaurant: [3.4, 0.6],
  travel: [5.2, 0.9],
  electronics: [4.8, 0.9],
  digital: [2.3, 0.8],
  cash: [4.6, 0.5],
  other: [3.5, 1],
} as const satisfies Record<string, readonly [mean: number, deviation: number]>
export type Category = keyof typeof categories

/** How somebody who holds a card uses it: its owner, or whoever has got hold of it. */
export type Behaviour = {
  /** Weights of the kinds of merchants; those that are not named have none. */
  readonly mix: Readonly<Partial<Record<Category, number>>>
  /** Added to the logarithm of the amount: how far it is beyond what the owner usually spends there. */
  readonly amount: number
  /** Share of transactions at an hour between midnight and six. */
  readonly night: number
  /** Mean of ln(1 + km) from the owner's home; the deviation is 1. */
  readonly distance: number
  /** Chance of each further transaction in the hour and in the day before. */
  readonly hour: number
  readonly day: number
  readonly foreign: number
  /** Mean of the logarithm of the account's age in years; the deviation is 0.9. */
  readonly account: number
}

/** What thieves do, in three patterns. None of them depends on who the owner is. */
export const patterns = {
  /** Bots try stolen numbers with small sums at shops for digital goods, many in an hour. */
  testing: {
    mix: { digital: 0.85, other: 0.15 },
    amount: -0.9,
    night: 0.5,
    distance: 2,
    hour: 0.86,
    day: 0.9,
    foreign: 0.25,
    account: 1.6,
  },
  /** The card itself is stolen: cash and electronics, far from home, more than its owner would spend. */
  stolen: {
    mix: { cash: 0.45, electronics: 0.4, fuel: 0.15 },
    amount: 1.5,
    night: 0.3,
    distance: 4.4,
    hour: 0.5,
    day: 0.85,
    foreign: 0.3,
    account: 1.6,
  },
  /** A young account is taken over: travel and electronics, from abroad, in large sums, by day and not in a hurry. */
  takeover: {
    mix: { travel: 0.5, electronics: 0.4, other: 0.1 },
    amount: 1.9,
    night: 0.1,
    distance: 3.4,
    hour: 0.25,
    day: 0.7,
    foreign: 0.75,
    account: 0.3,
  },
} as const satisfies Record<string, Behaviour>
export type Pattern = keyof typeof patterns

/** An entry of a table of weights, drawn by its weight. */
export function drawn<Name extends string>(weights: Readonly<Partial<Record<Name, number>>>, random: Random): Name {
  const entries = Object.entries(weights) as [Name, number][]
  let rest = random.uniform() * entries.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [name, weight] of entries) {
    rest -= weight
    if (rest < 0) return name
  }
  const last = entries.at(-1)
  if (last === undefined) throw new RangeError('there is nothing to draw from')
  return last[0]
}

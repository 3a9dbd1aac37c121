import type { Behaviour, Pattern } from './behaviour.ts'

export const ageBands = ['18-39', '40-64', '65+'] as const
export const regions = ['north', 'south', 'east', 'west'] as const

export type Bank = {
  readonly name: string
  readonly rows: number
  /** Share of transactions that are fraud, before labels are disturbed. */
  readonly fraud: number
  /** What its customers do. */
  readonly customers: Behaviour
  /** Weights of the patterns of fraud. */
  readonly patterns: Readonly<Record<Pattern, number>>
  /** Weights of the owners' age bands and regions. */
  readonly ages: Readonly<Record<(typeof ageBands)[number], number>>
  readonly regions: Readonly<Record<(typeof regions)[number], number>>
}

const everyday = {
  mix: { grocery: 30, fuel: 9, restaurant: 17, travel: 4, electronics: 5, digital: 14, cash: 9, other: 12 },
  amount: 0,
  night: 0.06,
  distance: 1.8,
  hour: 0.12,
  day: 0.65,
  foreign: 0.03,
  account: 1.8,
} as const satisfies Behaviour

const usual = { testing: 0.4, stolen: 0.35, takeover: 0.25 } as const
const alike = { north: 1, south: 1, east: 1, west: 1 } as const

/** Five banks of unequal sizes, with other customers each. The last one's frauds are mostly of the pattern that is rare elsewhere. */
export const banks: readonly Bank[] = [
  {
    name: 'metropolitan',
    rows: 90_000,
    fraud: 0.005,
    customers: everyday,
    patterns: usual,
    ages: { '18-39': 4, '40-64': 4, '65+': 2 },
    regions: alike,
  },
  {
    name: 'savings',
    rows: 65_000,
    fraud: 0.0045,
    customers: {
      ...everyday,
      mix: { grocery: 38, fuel: 12, restaurant: 10, travel: 2, electronics: 4, digital: 5, cash: 18, other: 11 },
      night: 0.03,
      account: 2.4,
    },
    patterns: { testing: 0.25, stolen: 0.55, takeover: 0.2 },
    ages: { '18-39': 2, '40-64': 4, '65+': 4 },
    regions: { north: 4, south: 2, east: 2, west: 1 },
  },
  {
    name: 'direct',
    rows: 50_000,
    fraud: 0.006,
    customers: {
      ...everyday,
      mix: { grocery: 22, fuel: 5, restaurant: 17, travel: 6, electronics: 9, digital: 27, cash: 3, other: 11 },
      night: 0.11,
      account: 0.9,
    },
    patterns: { testing: 0.55, stolen: 0.2, takeover: 0.25 },
    ages: { '18-39': 6, '40-64': 3, '65+': 1 },
    regions: alike,
  },
  {
    name: 'cooperative',
    rows: 35_000,
    fraud: 0.0045,
    customers: { ...everyday, distance: 2.4, account: 2.2 },
    patterns: usual,
    ages: { '18-39': 3, '40-64': 4, '65+': 3 },
    regions: { north: 1, south: 5, east: 2, west: 2 },
  },
  {
    name: 'private',
    rows: 30_000,
    fraud: 0.005,
    customers: {
      ...everyday,
      mix: { grocery: 12, fuel: 5, restaurant: 26, travel: 18, electronics: 8, digital: 10, cash: 5, other: 16 },
      amount: 0.3,
      distance: 2.8,
      foreign: 0.12,
    },
    patterns: { testing: 0.1, stolen: 0.15, takeover: 0.75 },
    ages: { '18-39': 2, '40-64': 5, '65+': 3 },
    regions: { north: 1, south: 2, east: 1, west: 4 },
  },
]

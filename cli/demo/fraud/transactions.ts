import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Random, randomOf } from '../../../core/random/random.ts'
import { type Bank, banks } from './banks.ts'
import { type Behaviour, categories, drawn, patterns } from './behaviour.ts'

/**
 * Synthetic card transactions of five banks. No row is of a customer, and no distribution was fitted to real transactions: the
 * data serve demonstrations and tests, never a statement about fraud. docs/examples.md says how they are made.
 */
export const FRAUD_FILE = 'transactions.csv'

/** Inputs, what only gates on groups look at, and the label. */
const HEADER =
  'log_amount,above_usual,category,hour,log_distance,tx_1h,tx_24h,foreign,log_account_years,age_band,region,fraud'

/** Frauds that nobody noticed, and transactions that were reported and are none: labels are wrong as labels are. */
const UNNOTICED = 0.04
const MISREPORTED = 0.0001

/** How much the usual amounts of owners differ, as a deviation of the logarithm. */
const OWNERS_DIFFER = 0.4

/** The file of a bank for a seed (a safe integer from 0 on), without its header: the same text on every machine. */
export function transactionsOf(bank: Bank, seed: number, rows = bank.rows): string[] {
  const random = randomOf(seed, `synthetic-fraud/${bank.name}`)
  return Array.from({ length: rows }, () => transaction(bank, random))
}

/** Writes the file of each bank into a folder of its own below `dir`. Gives the paths. */
export async function writeSyntheticFraud(dir: string, seed: number): Promise<{ name: string; path: string }[]> {
  const files: { name: string; path: string }[] = []
  for (const bank of banks) {
    const path = join(dir, bank.name, FRAUD_FILE)
    await mkdir(join(dir, bank.name), { recursive: true, mode: 0o700 })
    await writeFile(path, `${HEADER}\n${transactionsOf(bank, seed).join('\n')}\n`)
    files.push({ name: bank.name, path })
  }
  return files
}

/** The same rows in one file, the bank in its last column: a simulation deals them to banks by it. */
export async function writePooledFraud(path: string, seed: number): Promise<void> {
  const lines = banks.flatMap((bank) => transactionsOf(bank, seed).map((line) => `${line},${bank.name}`))
  await writeFile(path, `${HEADER},bank\n${lines.join('\n')}\n`)
}

function transaction(bank: Bank, random: Random): string {
  const chance = (share: number) => random.uniform() < share
  const fraud = chance(bank.fraud)
  const by: Behaviour = fraud ? patterns[drawn(bank.patterns, random)] : bank.customers
  const category = drawn(by.mix, random)
  const [mean, deviation] = categories[category]
  const usual = mean + OWNERS_DIFFER * random.normal()
  const amount = Math.max(-1, usual + by.amount + deviation * random.normal())
  const hour = chance(by.night) ? random.below(6) : 6 + random.below(18)
  const distance = Math.max(0, by.distance + random.normal())
  const lately = runOf(by.hour, random)
  const reported = chance(fraud ? 1 - UNNOTICED : MISREPORTED)
  return [
    amount.toFixed(2),
    (amount - usual).toFixed(2),
    category,
    hour,
    distance.toFixed(2),
    lately,
    lately + runOf(by.day, random),
    chance(by.foreign) ? 1 : 0,
    (by.account + 0.9 * random.normal()).toFixed(2),
    drawn(bank.ages, random),
    drawn(bank.regions, random),
    reported ? 1 : 0,
  ].join(',')
}

/** How often something goes on that goes on with this chance each time: a geometric count. */
function runOf(chance: number, random: Random): number {
  let count = 0
  while (count < 99 && random.uniform() < chance) count++
  return count
}

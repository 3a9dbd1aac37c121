/** A ledger out of storage: what is not a ledger must not pass for an empty one. */
import { z } from 'zod'
import { ParleyError } from '../errors/index.ts'
import { checkSpend } from './accounting/spend.ts'
import type { Ledger } from './ledger.ts'

const positive = z.number().positive()
const count = z.int().positive()
const neighbours = z.enum(['add-or-remove', 'replace'])

const sampling = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('all') }),
  z.strictObject({ kind: z.literal('poisson'), rate: positive.max(1) }),
  z.strictObject({ kind: z.literal('fixed'), cohort: count, population: count }),
])

/** A spend in a plan, a journal or a ledger. */
export const spendSchema = z.discriminatedUnion('mechanism', [
  z.strictObject({ mechanism: z.literal('gaussian'), multiplier: positive, sampling, neighbours, rounds: count }),
  z.strictObject({
    mechanism: z.literal('distributed-discrete-gaussian'),
    rho: positive,
    neighbours,
    rounds: count,
  }),
  z.strictObject({ mechanism: z.literal('tree'), multiplier: positive, leaves: count, neighbours, rounds: count }),
])

const schema = z.strictObject({
  version: z.literal(1),
  entries: z.array(z.strictObject({ spend: spendSchema, keys: z.array(z.string().min(1)).min(1) })),
})

/** @throws ParleyError `store.corrupt` unless it is a ledger in which every key has paid once and all relations agree. */
export function parseLedger(value: unknown): Ledger {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw corrupt(z.prettifyError(parsed.error))
  const { entries } = parsed.data
  const keys = entries.flatMap((entry) => entry.keys)
  if (new Set(keys).size !== keys.length) throw corrupt('a key has paid twice')
  if (new Set(entries.map(({ spend }) => spend.neighbours)).size > 1) throw corrupt('it mixes neighbour relations')
  try {
    for (const { spend } of entries) checkSpend(spend)
  } catch (thrown) {
    throw new ParleyError('store.corrupt', 'the privacy ledger holds a spend that cannot be', { cause: thrown })
  }
  return parsed.data
}

function corrupt(why: string): ParleyError {
  return new ParleyError('store.corrupt', `the privacy ledger cannot be read: ${why}`)
}

import { z } from 'zod'

/** The number of attackers that a rule is to withstand: a constant of the plan, never inferred from the updates. */
export const attackers = z.int().min(0).max(100_000).describe('attackers that are to be withstood')

/** Options of a rule that needs nothing but f. */
export const withAttackers = z.strictObject({ f: attackers })

/** Options of a rule that works without f: it serves only to check that there are clients enough. */
export const withOptionalAttackers = z.strictObject({ f: attackers.optional() })

/** The largest f with 2f < n: honest clients are the majority. Below 0 for n = 0. */
export function minority(n: number): number {
  return Math.ceil(n / 2) - 1
}

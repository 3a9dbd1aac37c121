import { z } from 'zod'

/** The number of attackers that a rule is to withstand: a constant of the plan, never inferred from the updates. */
export const attackers = z.int().min(0).max(100_000).describe('attackers that are to be withstood')

/** Options of a rule that needs nothing but f. */
export const withAttackers = z.strictObject({ f: attackers })

import { z } from 'zod'
import { attackers, minority } from '../options.ts'
import { defineRule } from '../rule.ts'
import { meanOfBest } from './krum.ts'

const options = z.strictObject({
  f: attackers,
  /** How many updates are averaged, at most n − f; that many where it is absent. */
  m: z.int().min(1).max(100_000).optional(),
})

/**
 * Multi-Krum: the mean of the m updates with the smallest Krum scores; scored once, m = n − f unless said.
 * Blanchard, El Mhamdi, Guerraoui and Stainer, Machine learning with adversaries, NeurIPS 2017.
 */
export const multiKrum = defineRule<z.output<typeof options>>({
  options,
  breakdown: (n, { m = 1 }) => Math.min(minority(n) - 1, n - m),
  condition: '2f + 2 < n and m ≤ n − f',
  attackers: ({ f }) => f,
  usesGram: true,
  decide: (input, { f, m }) => meanOfBest(input, f, m ?? input.n - f),
})

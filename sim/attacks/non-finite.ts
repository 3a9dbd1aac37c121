import { z } from 'zod'
import type { Malformation } from './attack.ts'

export const coordinatesOptions = z.strictObject({
  coordinates: z
    .union([
      z
        .int()
        .min(1)
        .max(2 ** 31),
      z.literal('all'),
    ])
    .default('all')
    .describe('how many coordinates, drawn at random, have the value; more than there are is all'),
})

/** The update with some coordinates replaced. */
export function replacing({ coordinates }: z.output<typeof coordinatesOptions>, value: number): Malformation {
  return {
    corrupt(update, random) {
      if (coordinates === 'all' || coordinates >= update.length) return new Float32Array(update.length).fill(value)
      const corrupted = Float32Array.from(update)
      const chosen = new Set<number>()
      while (chosen.size < coordinates) chosen.add(random.below(update.length))
      for (const j of chosen) corrupted[j] = value
      return corrupted
    },
  }
}

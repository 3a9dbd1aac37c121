import { z } from 'zod'
import type { Examples } from '../../client/index.ts'
import type { LabelRange } from '../../core/metrics/counts.ts'
import type { Random } from '../../core/random/random.ts'

/** A generated data set, rows in random order. */
export type Generated = Examples & {
  /** `[inputs]` for a table, `[height, width, channels]` for images. */
  readonly shape: readonly number[]
  /** 1 for a binary or a numeric label, the number of classes else. */
  readonly classes: number
  /** The range of a numeric label. */
  readonly numeric?: LabelRange
}

/** A source of data that needs no file. Pure: the same options and state of `random` give the same data on every machine. */
export type Generator<Options> = {
  readonly options: z.ZodType<Options>
  readonly generate: (options: Options, random: Random) => Generated
}

/** Keeps the type of a generator's options, which TypeScript then infers from its schema. */
export function defineGenerator<Options>(generator: Generator<Options>): Generator<Options> {
  return generator
}

export const rows = z.int().min(2).max(10_000_000).default(1_000)
export const inputs = z.int().min(1).max(100_000)
export const classCount = z.int().min(2).max(10_000).describe('two of them are a binary label')

/** Two classes are a binary label, whose models have one output. */
export function endsOf(classes: number): number {
  return classes === 2 ? 1 : classes
}

/** Labels in random order, of each class as many as of any other but for one. */
export function balancedLabels(rows: number, classes: number, random: Random): Int32Array {
  return random.shuffle(Int32Array.from({ length: rows }, (_, row) => row % classes))
}

import type { z } from 'zod'
import type { Random } from '../../core/random/random.ts'

/** What is known of rows besides their labels, by name: one value per row. */
export type Columns = Readonly<Record<string, ArrayLike<number | string>>>

/**
 * A way to deal the rows of one data set to clients. Pure: the same rows, clients, options and state of `random` give the same
 * split on every machine.
 */
export type Partitioner<Options> = {
  readonly options: z.ZodType<Options>
  /**
   * The rows of each client, in ascending order. Each row goes to exactly one client, and no client is left without rows as
   * long as there are as many rows as clients.
   *
   * - `labels`: class of each row, from 0 on;
   * - `clients`: at least 1;
   * - `columns`: for partitioners that go by something else than labels.
   *
   * Throws `plan.infeasible` where rows, clients and options do not fit together.
   */
  readonly split: (
    labels: Int32Array,
    clients: number,
    random: Random,
    options: Options,
    columns?: Columns,
  ) => Uint32Array[]
}

/** Keeps the type of a partitioner's options, which TypeScript then infers from its schema. */
export function definePartitioner<Options>(partitioner: Partitioner<Options>): Partitioner<Options> {
  return partitioner
}

import type { z } from 'zod'
import { nameAndOptions, namedOf } from '../../core/plan/named.ts'
import type { Random } from '../../core/random/random.ts'
import type { Columns, Partitioner } from './partitioner.ts'
import { classes } from './partitioners/classes.ts'
import { dirichlet } from './partitioners/dirichlet.ts'
import { dirichletQuantity } from './partitioners/dirichlet-quantity.ts'
import { gamma } from './partitioners/gamma.ts'
import { iid } from './partitioners/iid.ts'
import { natural } from './partitioners/natural.ts'
import { shards } from './partitioners/shards.ts'

/** Every partitioner by its name in a scenario. */
export const partitioners = {
  iid,
  shards,
  dirichlet,
  'dirichlet-quantity': dirichletQuantity,
  classes,
  gamma,
  natural,
} as const
export type PartitionerName = keyof typeof partitioners

/** `{ dirichlet: { alpha: 0.5 } }`, or a name alone. */
export const partitionSchema = namedOf(partitioners)
export type NamedPartitioner = z.output<typeof partitionSchema>

/** A partitioner with its options. */
export type ChosenPartitioner = {
  readonly name: PartitionerName
  readonly partitioner: Partitioner<unknown>
  readonly options: unknown
}

export function partitionerOf(named: NamedPartitioner): ChosenPartitioner {
  const [name, options] = nameAndOptions<PartitionerName>(named)
  // The schema has matched the options to the name.
  return { name, partitioner: partitioners[name] as Partitioner<unknown>, options }
}

/** Deals rows to clients as the scenario says; see `Partitioner.split`. */
export function partition(
  named: NamedPartitioner,
  labels: Int32Array,
  clients: number,
  random: Random,
  columns?: Columns,
): Uint32Array[] {
  const { partitioner, options } = partitionerOf(named)
  return partitioner.split(labels, clients, random, options, columns)
}

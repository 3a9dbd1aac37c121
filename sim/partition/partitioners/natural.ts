import { z } from 'zod'
import { ParleyError } from '../../../core/errors/index.ts'
import { append, settled } from '../dealing.ts'
import { groupsOf } from '../groups.ts'
import { type Columns, definePartitioner } from '../partitioner.ts'

const options = z.strictObject({
  column: z.string().min(1).max(200).default('group').describe('the column that says which rows belong together'),
})

/**
 * Natural: rows with one value in a column (a hospital, a writer) belong together. As many clients as values: one each, in the
 * order of the values. Fewer clients: whole groups, the largest first, go to the client with the fewest rows. More clients than
 * groups cannot be had.
 * Caldas et al., LEAF: a benchmark for federated settings, 2018.
 */
export const natural = definePartitioner<z.output<typeof options>>({
  options,
  split(labels, clients, _random, { column }, columns) {
    const groups = groupsOf(columnOf(columns, column, labels.length))
    if (groups.length < clients) {
      throw new ParleyError(
        'plan.infeasible',
        `the column ${column} has ${groups.length} values, ${clients} clients were asked for`,
        {
          details: { column, groups: groups.length, clients },
        },
      )
    }
    const rows = groups.map((group) => group.rows)
    return settled(groups.length === clients ? rows : gathered(rows, clients))
  },
})

function columnOf(columns: Columns | undefined, name: string, rows: number): ArrayLike<number | string> {
  const column = columns !== undefined && Object.hasOwn(columns, name) ? columns[name] : undefined
  if (column === undefined) throw new ParleyError('plan.infeasible', `natural.column: the data has no column ${name}`)
  if (column.length === rows) return column
  throw new ParleyError('plan.infeasible', `natural.column: ${name} has ${column.length} values for ${rows} rows`)
}

function gathered(groups: readonly Uint32Array[], clients: number): number[][] {
  const parts = Array.from({ length: clients }, (): number[] => [])
  for (const rows of groups.toSorted((a, b) => b.length - a.length)) {
    const smallest = parts.reduce((least, part) => (part.length < least.length ? part : least))
    append(smallest, rows)
  }
  return parts
}

import { z } from 'zod'
import { ParleyError } from '../../../core/errors/index.ts'
import { append, settled } from '../dealing.ts'
import { groupsOf } from '../groups.ts'
import { type Columns, definePartitioner } from '../partitioner.ts'

const name = z.string().min(1).max(4_096)

const options = z
  .strictObject({
    column: name.optional().describe('the column of the table that says which rows belong together; by default group'),
    file: name.optional().describe('in its place a text file that says it: a line for each row of the data file'),
  })
  .refine(({ column, file }) => column === undefined || file === undefined, {
    message: 'give a column or a file, not both',
    path: ['file'],
  })

/** Under what the partitioner looks among the columns. */
export function groupingOf({ column, file }: z.output<typeof options>): string {
  return column ?? file ?? 'group'
}

/**
 * Natural: rows with one value in a column (a hospital, a writer) belong together. As many clients as values: one each, in the
 * order of the values. Fewer clients: whole groups, the largest first, go to the client with the fewest rows. More clients than
 * groups cannot be had.
 * Caldas et al., LEAF: a benchmark for federated settings, 2018.
 */
export const natural = definePartitioner<z.output<typeof options>>({
  options,
  split(labels, clients, _random, chosen, columns) {
    const name = groupingOf(chosen)
    const groups = groupsOf(columnOf(columns, name, labels.length))
    if (groups.length < clients) {
      throw new ParleyError(
        'plan.infeasible',
        `natural: ${name} has ${groups.length} values, ${clients} clients were asked for`,
        {
          details: { column: name, groups: groups.length, clients },
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

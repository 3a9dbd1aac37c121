import { z } from 'zod'
import type { GroupId } from '../metrics/groups.ts'
import { cellKey } from './cells.ts'
import { cellSchema } from './data.ts'
import { oneOf } from './model.ts'

/** Most groups of a plan, over all columns: with more, an evaluation would not fit into a frame. */
export const MOST_GROUPS = 64
/** Held-out rows that a group of a client must have before its counts may leave the client, at the very least. */
const LEAST_GROUP = 5

const columnName = z.string().min(1).max(200)
const definitionName = z.string().regex(/^[A-Za-z][A-Za-z0-9._-]{0,49}$/, 'a name of letters, digits, dots, dashes')
const groupName = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,49}$/u, 'a name of letters, digits, blanks, dots, dashes')

const definition = oneOf(
  {
    values: z
      .record(groupName, z.array(cellSchema).min(1).max(1_000))
      .refine((groups) => Object.keys(groups).length > 0, { message: 'there is no group' })
      .refine((groups) => distinct(Object.values(groups).flat().map(cellKey)), {
        message: 'a value stands twice: the groups of a column have no row in common',
      })
      .describe('each group with the values of its rows, as they stand in the file'),
    bands: z
      .array(z.number())
      .min(1)
      .max(MOST_GROUPS - 1)
      .refine((bands) => bands.every((band, i) => i === 0 || band > (bands[i - 1] as number)), {
        message: 'the bounds do not grow',
      })
      .describe('bounds between groups of numbers: [45, 65] is below 45, from 45 to below 65, and from 65 on'),
  },
  { column: columnName.describe('the column of the client’s file; it need not be one that the model is given') },
)

/** Which groups of held-out rows are counted by themselves, by the names that gates have for them. */
export const groupsSchema = z
  .record(definitionName, definition)
  .refine((groups) => groupsOf(groups).length <= MOST_GROUPS, {
    message: `there are more than ${MOST_GROUPS} groups over all columns`,
  })

export const minGroupSchema = z.int().min(LEAST_GROUP).max(1_000_000)

export type Groups = z.output<typeof groupsSchema>
export type GroupDefinition = z.output<typeof definition>

/** The names of the groups of one definition. */
export function groupNames(definition: GroupDefinition): string[] {
  if ('values' in definition) return Object.keys(definition.values)
  // One that was not well formed has none: its mistakes are told before anything is asked of it.
  const { bands = [] } = definition as Partial<typeof definition>
  if (bands.length === 0) return []
  const between = bands.slice(1).map((band, i) => `${bands[i]} to ${band}`)
  return [`below ${bands[0]}`, ...between, `from ${bands.at(-1)}`]
}

/** All groups of a plan. */
export function groupsOf(groups: Readonly<Record<string, GroupDefinition>>): GroupId[] {
  return Object.entries(groups).flatMap(([by, one]) => groupNames(one).map((group) => ({ by, group })))
}

function distinct(keys: readonly (string | number)[]): boolean {
  return new Set(keys).size === keys.length
}

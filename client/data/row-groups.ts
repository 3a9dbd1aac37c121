import { cellKey, parseNumber } from '../../core/plan/cells.ts'
import type { GroupDefinition, Groups } from '../../core/plan/groups.ts'

/** Of which group each row is: the place of the group among the names of its definition, or −1 for none. */
export type RowGroups = {
  readonly members: Readonly<Record<string, Int16Array>>
  /** Definitions whose column the data does not have. */
  readonly lacking: readonly { readonly by: string; readonly column: string }[]
}

/** Reads one cell as the place of its group; −1 where it is missing, or no value of any group. */
export function groupReader(definition: GroupDefinition, missing: ReadonlySet<string>): (cell: string) => number {
  if ('bands' in definition) {
    const { bands } = definition
    return (cell) => {
      const value = missing.has(cell) ? undefined : parseNumber(cell)
      return value === undefined ? -1 : bands.filter((bound) => bound <= value).length
    }
  }
  const places = new Map(
    Object.values(definition.values).flatMap((cells, place) => cells.map((cell) => [cellKey(cell), place] as const)),
  )
  return (cell) => (missing.has(cell) ? -1 : (places.get(cellKey(cell)) ?? -1))
}

/** Collects the groups of rows, one after the other. */
export class RowGroupReader {
  readonly #readers: { readonly by: string; readonly field: number; readonly read: (cell: string) => number }[] = []
  readonly #lacking: { by: string; column: string }[] = []
  readonly #places = new Map<string, number[]>()

  /** `fieldOf`: the place of a column in a record, −1 for a column that is not there. */
  constructor(groups: Groups, missing: ReadonlySet<string>, fieldOf: (column: string) => number) {
    for (const [by, definition] of Object.entries(groups)) {
      const { column } = definition
      const field = fieldOf(column)
      if (field < 0) this.#lacking.push({ by, column })
      else this.#readers.push({ by, field, read: groupReader(definition, missing) })
      if (field >= 0) this.#places.set(by, [])
    }
  }

  add(record: readonly string[]): void {
    for (const { by, field, read } of this.#readers) this.#places.get(by)?.push(read(record[field] ?? ''))
  }

  groups(): RowGroups {
    const members = [...this.#places].map(([by, places]) => [by, Int16Array.from(places)] as const)
    return { members: Object.fromEntries(members), lacking: this.#lacking }
  }
}

/** The groups of some rows, in their order. */
export function groupsOfRows({ members, lacking }: RowGroups, rows: Uint32Array): RowGroups {
  const chosen = Object.entries(members).map(
    ([by, places]) => [by, Int16Array.from(rows, (row) => places[row] as number)] as const,
  )
  return { members: Object.fromEntries(chosen), lacking }
}

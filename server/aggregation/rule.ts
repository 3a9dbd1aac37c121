/** An update as the rules see it: rows of the n × d matrix of updates, read tile by tile. */
export interface UpdateRow {
  readonly client: string
  /** Training rows, within the plan's bounds. */
  readonly samples: number
  /** Coordinates of tile `index`, finite float32. */
  tile(index: number): Promise<Float32Array>
}

/** What a rule decided once it has seen what it needs; `reduce` then makes the aggregate tile by tile. */
export interface Reducer {
  /** Weight of each update in the result, in the order of the rows, where the rule gives whole rows a weight. */
  readonly weights: readonly number[] | undefined
  /** The aggregate of one tile: `rows[i]` are the coordinates of update i; `out` has their length. */
  reduce(rows: readonly Float32Array[], out: Float64Array): void
}

/**
 * Combines n updates into one. Rows come in the order of client ids, never of arrival, so that the same set of updates
 * gives the same bytes.
 */
export type Rule = (rows: readonly UpdateRow[], tiles: number) => Promise<Reducer>

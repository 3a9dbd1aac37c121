import type { BadRows } from './dataset.ts'
import type { RowGroups } from './row-groups.ts'

/** Usable rows before the split. NaN stands for a value that becomes its column's mean over the training rows. */
export type Table = {
  /** Values of one row. */
  readonly width: number
  /** Row-major. Images are bytes until they are divided. */
  readonly features: Float64Array | Uint8Array
  readonly labels: Int32Array
  /** Rows found, with the bad ones. */
  readonly found: number
  readonly bad: readonly BadRows[]
  /** Of the usable rows, where groups were asked for. */
  readonly groups?: RowGroups
}

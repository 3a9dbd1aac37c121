import type { LabelRange } from '../../core/metrics/counts.ts'
import type { RowGroups } from './row-groups.ts'

/** Examples in memory. */
export type Examples = {
  readonly rows: number
  /** Row-major rows × `dataset.shape`. */
  readonly features: Float32Array
  /** 0 or 1 for a binary label, millionths of its range for a numeric one, 0 … classes − 1 else; one per row. */
  readonly labels: Int32Array
}

/** Rows that could not be used, by reason and column; the values themselves are never shown. */
export type BadRows = { readonly reason: string; readonly column?: string; readonly count: number }

export type DataReport = {
  /** Rows found. */
  readonly rows: number
  /** Rows used: `train` + `test`. */
  readonly used: number
  readonly bad: readonly BadRows[]
  readonly train: number
  readonly test: number
}

/** A client's data as a model takes it. */
export type Dataset = {
  /** Shape of one example: `[inputs]` for a table, `[height, width, channels]` for images. */
  readonly shape: readonly number[]
  /** 1 for a binary or a numeric label, the number of classes else. */
  readonly classes: number
  /** The range of a numeric label; absent for others. */
  readonly numeric?: LabelRange
  readonly train: Examples
  /** Held out: never trained on. */
  readonly test: Examples
  /** Of which groups the held-out rows are, where the plan has any. */
  readonly groups?: RowGroups
  readonly report: DataReport
}

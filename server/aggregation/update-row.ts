import type { Block } from '../../kernels/index.ts'

/** A vector with as many float32 values as the model has, read one tile of 1 MiB at a time. */
export interface VectorRow {
  /** Coordinates of tile `index`, finite. The values may be overwritten by the next call. */
  tile(index: number): Promise<Float32Array>
  /** All coordinates in the kernels' memory, where there was room for them. */
  readonly resident?: Block
}

/** An update as the rules see it: one row of the matrix of updates. */
export interface UpdateRow extends VectorRow {
  readonly client: string
  /** SHA-256 of the sealed update, which names it. */
  readonly digest: string
  /** Training rows, within the plan's bounds. */
  readonly samples: number
  /** Local steps, at least 1. */
  readonly steps: number
  /** Euclidean norm, from its screen. */
  readonly norm: number
}

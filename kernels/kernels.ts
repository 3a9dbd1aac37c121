import type { ColumnReduction } from '../core/aggregation/rule.ts'
import type { Mask } from '../core/secagg/masks.ts'

/** A block of the kernels' shared memory. Its views are valid until it is released, also after the memory has grown. */
export interface Block {
  /** Byte address, a multiple of 64. */
  readonly address: number
  readonly bytes: number
  float32(): Float32Array
  float64(): Float64Array
  uint8(): Uint8Array
  /** Overwrites the block with zeros and gives it back. May be called twice. */
  release(): void
}

/**
 * Addresses of the float32 rows of a job: each points to `length` values, is a multiple of 16, and may lie anywhere; the
 * same row may stand there twice. What follows a row in its last 16 bytes has no part in any result. Rows, vectors and
 * outputs must stay allocated, and inputs as they are, until the job has ended.
 */
export type Rows = readonly number[]

/**
 * The hot loops of aggregation, on WebAssembly with SIMD, over one memory that worker threads share.
 *
 * Every result depends on its inputs alone: not on the number of threads, not on which thread did what, not on how the
 * rows of a Gram matrix were handed in one after the other. So the same updates give the same bytes on every machine.
 * Inputs are finite. Small jobs are done at once on the calling thread, where they hold it for less than about 5 ms;
 * all others go to the workers, which start with the first of them.
 */
export interface Kernels {
  readonly threads: number

  /** A block of zeros. Fails with `kernels.memory-full` when the memory's limit is reached. */
  allocate(bytes: number): Block

  /** The address of values that lie in a block, so that they can be a row where they are; undefined for any other memory. */
  addressOf(values: Float32Array): number | undefined

  /**
   * Adds to `out` (size × size, row-major, size = rows.length) the products ⟨xᵢ, xⱼ⟩ over this block of columns for all
   * pairs with i ≥ from or j ≥ from, and keeps it symmetric. Products in float32; at most 256 of them are added up in one
   * lane (1,024 columns), then in float64, in the order of the columns. A pair's value does not depend on the other rows.
   */
  gram(job: {
    readonly rows: Rows
    readonly from: number
    readonly length: number
    readonly out: Float64Array
  }): Promise<void>

  /**
   * out[j] = Σ weights[i]·rows[i][j], float64, added up in the order of the rows; rows of weight 0 are not read. Gives what
   * `dots` gives for `products` and `out`, worked out while both are in the cache.
   */
  combine(job: {
    readonly rows: Rows
    readonly weights: Float64Array
    readonly length: number
    /** Address of `length` float64 values. */
    readonly out: number
    /** None by default. */
    readonly products?: Rows
  }): Promise<Float64Array>

  /**
   * out[j] = the reduction of column j. With `mix` (m × rows.length, row-major) the columns are those of the m rows
   * Σ mix[k][i]·rows[i], worked out in float32 in the order of i, which are never stored as a whole.
   */
  columns(job: {
    readonly rows: Rows
    readonly mix?: { readonly rows: number; readonly values: Float64Array }
    readonly reduce: ColumnReduction
    readonly length: number
    readonly out: number
  }): Promise<void>

  /** Σⱼ vector[j]·rows[i][j] for each row, in float64; `vector` is the address of `length` float64 values. */
  dots(job: { readonly rows: Rows; readonly vector: number; readonly length: number }): Promise<Float64Array>

  /** How many of `length` values are above and below zero. */
  signs(job: {
    readonly row: number
    readonly length: number
  }): Promise<{ readonly positive: number; readonly negative: number }>

  /**
   * out[j] −= before[j] in float32, at once on the calling thread; false unless every result is finite. Both are addresses
   * of `length` float32 values.
   */
  subtract(job: { readonly out: number; readonly before: number; readonly length: number }): boolean

  /**
   * Σ values[j]² in float64, at once on the calling thread: eight sums, value j in number j mod 8, then
   * ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)) + the last values that make no eight.
   * `row` is the address of `length` float32 values, which need not be finite here.
   */
  squares(job: { readonly row: number; readonly length: number }): number

  /**
   * out[j] += other[j] modulo 2³², or −= with the sign −1, at once on the calling thread. Both are addresses of `length`
   * 32-bit integers.
   */
  addLanes(job: { readonly out: number; readonly other: number; readonly length: number; readonly sign: 1 | -1 }): void

  /**
   * Adds the keystreams of masks to `lanes` (AES-256-CTR, `core/secagg/masks`); `offset` is the lane of the keystreams at which
   * it begins. What was added is in no memory afterwards.
   */
  addMasks(job: {
    readonly masks: readonly Mask[]
    readonly lanes: Uint32Array
    readonly offset: number
  }): Promise<void>

  /** Ends the workers. May be called twice; a job that runs still ends. */
  close(): Promise<void>
}

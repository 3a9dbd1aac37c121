import type { Gram } from '../../core/aggregation/gram.ts'
import { float32View } from '../../core/encoding/bytes.ts'
import { SEGMENT_BYTES } from '../../core/wire/limits.ts'
import type { Block, Kernels } from '../../kernels/index.ts'
import { TileReader } from './tiles.ts'
import type { VectorRow } from './update-row.ts'

/** A row and the name by which it is known. */
export type MatrixRow = VectorRow & { readonly digest: string }

export type RoundMatrixOptions = {
  readonly kernels: Kernels
  /** Float32 values of an update. */
  readonly parameters: number
  /** Whether inner products are wanted. */
  readonly wantsGram: boolean
  /** Bytes of updates that may be kept in memory in the clear while the round is open. */
  readonly residentBytes: number
}

/** Updates that lie on disk are multiplied in groups: for each group the earlier ones are read once more. */
const GROUP_ON_DISK = 8

/**
 * The updates of an open round as the rows of a matrix. Small ones stay in memory as they come; the inner products grow
 * with every accepted update, so that little is left to do when the last one is in. Nothing here is state: after a
 * restart everything is made again from the spool, with the same bytes.
 */
export class RoundMatrix {
  readonly #options: RoundMatrixOptions
  readonly #rows: MatrixRow[] = []
  readonly #waiting: MatrixRow[] = []
  #products: Float64Array = new Float64Array(0)
  #growing: Promise<void> | undefined
  #residentBytes = 0
  readonly #taken = new Map<string, VectorRow>()
  #disposed = false
  readonly #memories = new Set<RowMemory>()

  constructor(options: RoundMatrixOptions) {
    this.#options = options
  }

  /** Memory for an update that is coming in, where there is room. */
  reserve(): RowMemory | undefined {
    const { kernels, parameters, residentBytes } = this.#options
    const bytes = 4 * parameters
    if (this.#disposed || this.#residentBytes + bytes > residentBytes) return undefined
    this.#residentBytes += bytes
    const memory: RowMemory = new RowMemory(kernels.allocate(bytes), () => {
      this.#memories.delete(memory)
      this.#residentBytes -= bytes
    })
    this.#memories.add(memory)
    return memory
  }

  /** Takes an accepted update in. Failures come out of `gram`. */
  add(row: MatrixRow): void {
    if (this.#disposed) return
    this.#waiting.push(row)
    this.#taken.set(row.digest, row)
    const enough = row.resident !== undefined || this.#waiting.length >= GROUP_ON_DISK
    if (this.#options.wantsGram && enough) this.#grow().catch(() => {})
  }

  /** The row as it was taken in, with its memory and its keys. */
  rowOf(digest: string): VectorRow | undefined {
    return this.#taken.get(digest)
  }

  /** The inner products of the rows, in their order, whichever of them were taken in before. Rows are known by their digests. */
  async gram(rows: readonly MatrixRow[]): Promise<Gram> {
    const known = new Set([...this.#rows, ...this.#waiting].map(({ digest }) => digest))
    this.#waiting.push(...rows.filter(({ digest }) => !known.has(digest)))
    while (this.#waiting.length > 0) await this.#grow()
    await this.#growing
    const places = new Map(this.#rows.map(({ digest }, place) => [digest, place]))
    const order = rows.map(({ digest }) => places.get(digest) as number)
    const { length } = this.#rows
    const values = new Float64Array(order.length ** 2)
    order.forEach((a, i) => {
      order.forEach((b, j) => {
        values[i * order.length + j] = this.#products[a * length + b] as number
      })
    })
    return { size: order.length, values }
  }

  /** Overwrites and frees what was kept. May be called twice. */
  async dispose(): Promise<void> {
    this.#disposed = true
    this.#taken.clear()
    await this.#growing?.catch(() => {})
    for (const memory of [...this.#memories]) memory.release()
  }

  #grow(): Promise<void> {
    const grown = (this.#growing ?? Promise.resolve()).then(() => this.#growOnce())
    const settled = grown.finally(() => {
      if (this.#growing === settled) this.#growing = undefined
    })
    this.#growing = settled
    return settled
  }

  async #growOnce(): Promise<void> {
    const taken = this.#waiting.splice(0)
    if (taken.length === 0 || this.#disposed) return
    const { kernels, parameters } = this.#options
    const from = this.#rows.length
    const rows = [...this.#rows, ...taken]
    const out = widened(this.#products, from, rows.length)
    let reader: TileReader | undefined
    try {
      reader = new TileReader(kernels, rows, parameters)
      for await (const tile of reader.tiles()) await kernels.gram({ rows: tile.rows, from, length: tile.length, out })
    } catch (failure) {
      this.#waiting.unshift(...taken)
      throw failure
    } finally {
      reader?.release()
    }
    this.#rows.push(...taken)
    this.#products = out
  }
}

/** Memory of one update, filled segment by segment as the update comes in. */
export class RowMemory {
  readonly block: Block
  readonly #released: () => void
  #done = false

  constructor(block: Block, released: () => void) {
    this.block = block
    this.#released = released
  }

  /** Takes the plain bytes of segment `index`, and gives the values where they lie now. */
  write(index: number, plain: Uint8Array): Float32Array {
    const values = float32View(plain)
    if (this.#done) return values
    const from = (index * SEGMENT_BYTES) / 4
    const kept = this.block.float32().subarray(from, from + values.length)
    kept.set(values)
    return kept
  }

  /** Overwrites the values and gives the memory back. May be called twice. */
  release(): void {
    if (this.#done) return
    this.#done = true
    this.block.release()
    this.#released()
  }
}

/** The n × n matrix in the upper left corner of an m × m one. */
function widened(values: Float64Array, n: number, m: number): Float64Array {
  const wide = new Float64Array(m * m)
  for (let i = 0; i < n; i++) wide.set(values.subarray(i * n, (i + 1) * n), i * m)
  return wide
}

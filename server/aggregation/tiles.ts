import { SEGMENT_BYTES } from '../../core/wire/limits.ts'
import type { Block, Kernels } from '../../kernels/index.ts'
import type { VectorRow } from './update-row.ts'

/** Coordinates of a tile; the last one of a vector may have fewer. */
export const TILE = SEGMENT_BYTES / 4

export type Tile = {
  readonly index: number
  readonly length: number
  /** Addresses of the rows' coordinates in the kernels' memory. */
  readonly rows: readonly number[]
  /** The coordinates of row i, valid as long as the tile. */
  readonly values: (i: number) => Float32Array
}

export function tileCount(parameters: number): number {
  return Math.ceil(parameters / TILE)
}

export function tileLength(parameters: number, index: number): number {
  return Math.min(TILE, parameters - index * TILE)
}

/**
 * Brings tiles of rows into the kernels' memory, where the next one is read while the last one is worked on. Resident
 * rows are used where they lie. Memory: two tiles of each row that is not.
 */
export class TileReader {
  readonly #parameters: number
  readonly #rows: readonly VectorRow[]
  readonly #kernels: Kernels
  readonly #buffers: readonly (Block | undefined)[][]

  constructor(kernels: Kernels, rows: readonly VectorRow[], parameters: number) {
    this.#parameters = parameters
    this.#rows = rows
    this.#kernels = kernels
    const sides = tileCount(parameters) > 1 ? 2 : 1
    this.#buffers = Array.from({ length: sides }, () => [])
  }

  /** All tiles in order; the rows of one hold until the next is asked for. */
  async *tiles(): AsyncGenerator<Tile> {
    const count = tileCount(this.#parameters)
    let reading: Promise<Tile> | undefined
    try {
      for (let index = 0; index < count; index++) {
        const tile: Tile = await (reading ?? this.#read(index))
        reading = index + 1 < count ? this.#read(index + 1) : undefined
        // Awaited in its turn; until then a failure is nobody's surprise.
        reading?.catch(() => {})
        yield tile
      }
    } finally {
      await reading?.catch(() => {})
    }
  }

  /** Overwrites and gives back the memory. */
  release(): void {
    for (const block of this.#buffers.flat()) block?.release()
  }

  async #read(index: number): Promise<Tile> {
    const length = tileLength(this.#parameters, index)
    const buffers = this.#buffers[index % this.#buffers.length] ?? []
    const rows = await Promise.all(
      this.#rows.map(async (row, i) => {
        if (row.resident !== undefined) {
          const from = index * TILE
          const values = row.resident.float32().subarray(from, from + length)
          return { address: row.resident.address + index * SEGMENT_BYTES, values }
        }
        const read = await row.tile(index)
        const address = this.#kernels.addressOf(read)
        // It may lie there already.
        if (address !== undefined && address % 16 === 0) return { address, values: read }
        buffers[i] ??= this.#kernels.allocate(4 * Math.min(TILE, this.#parameters))
        const values = buffers[i].float32().subarray(0, length)
        values.set(read)
        return { address: buffers[i].address, values }
      }),
    )
    return {
      index,
      length,
      rows: rows.map(({ address }) => address),
      values: (i) => rows[i]?.values ?? new Float32Array(0),
    }
  }
}

import type { SignCounts } from '../../core/aggregation/rule.ts'
import type { Kernels } from '../../kernels/index.ts'
import { TileReader } from './tiles.ts'
import type { VectorRow } from './update-row.ts'

/** Counts the signs of each row's coordinates. */
export async function countSigns(
  kernels: Kernels,
  rows: readonly VectorRow[],
  parameters: number,
): Promise<SignCounts[]> {
  const positive = Array<number>(rows.length).fill(0)
  const negative = Array<number>(rows.length).fill(0)
  const reader = new TileReader(kernels, rows, parameters)
  try {
    for await (const tile of reader.tiles()) {
      for (const [i, row] of tile.rows.entries()) {
        const counts = await kernels.signs({ row, length: tile.length })
        positive[i] = (positive[i] as number) + counts.positive
        negative[i] = (negative[i] as number) + counts.negative
      }
    }
  } finally {
    reader.release()
  }
  return rows.map((_, i) => {
    const [above, below] = [positive[i] as number, negative[i] as number]
    return { positive: above, negative: below, zero: parameters - above - below }
  })
}

import type { Random } from '../../core/random/random.ts'
import type { Examples } from '../data/dataset.ts'

export type Batch = { readonly rows: number; readonly features: Float32Array; readonly labels: Int32Array }

/**
 * Batches without end: every epoch goes through all rows in a new random order, its last batch holding the rest. The arrays
 * are used again for the next batch.
 *
 * - `width`: values of one example.
 */
export function* batchesOf(examples: Examples, width: number, batch: number, random: Random): Generator<Batch, never> {
  const order = Uint32Array.from({ length: examples.rows }, (_, i) => i)
  const features = new Float32Array(Math.min(batch, examples.rows) * width)
  const labels = new Int32Array(Math.min(batch, examples.rows))
  for (;;) {
    random.shuffle(order)
    for (let start = 0; start < order.length; start += batch) {
      const rows = Math.min(batch, order.length - start)
      for (let i = 0; i < rows; i++) {
        const row = order[start + i] as number
        features.set(examples.features.subarray(row * width, (row + 1) * width), i * width)
        labels[i] = examples.labels[row] as number
      }
      yield { rows, features: features.subarray(0, rows * width), labels: labels.subarray(0, rows) }
    }
  }
}

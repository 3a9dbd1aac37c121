import { type RandomBytes, RandomWords } from '../../../core/privacy/index.ts'
import type { Examples } from '../../data/dataset.ts'
import type { Batch } from '../batches.ts'

/** Values of a coin: 32 random bits. */
const COIN = 2 ** 32

/** Most random bytes that are drawn at once. */
const BLOCK = 2 ** 16

/**
 * Draws rows as the accounting of DP-SGD asks for: each of `rows` by a coin of its own, with a chance of `rate` rounded down to a
 * multiple of 2⁻³²; so batches are of any size, and may be empty. What a call gives is overwritten by the next.
 */
export function poissonSampler(rows: number, rate: number, randomBytes: RandomBytes): () => Uint32Array {
  if (!(rate > 0 && rate <= 1)) throw new RangeError(`a rate is above 0 and at most 1, not ${rate}`)
  const words = new RandomWords(randomBytes, Math.min(BLOCK, 4 * Math.max(1, rows)))
  const below = Math.floor(rate * COIN)
  const drawn = new Uint32Array(rows)
  return () => {
    let count = 0
    for (let row = 0; row < rows; row++) if (words.next() < below) drawn[count++] = row
    return drawn.subarray(0, count)
  }
}

/** The drawn rows of some examples, in batches of at most `most`, the last of which may be smaller; none where none was drawn. */
export function batchTaker(
  { features, labels }: Examples,
  width: number,
  most: number,
): (rows: Uint32Array) => Generator<Batch, void> {
  const taken = { features: new Float32Array(most * width), labels: new Int32Array(most) }
  return function* (rows) {
    for (let start = 0; start < rows.length; start += most) {
      const part = rows.subarray(start, start + most)
      part.forEach((row, i) => {
        taken.features.set(features.subarray(row * width, (row + 1) * width), i * width)
        taken.labels[i] = labels[row] as number
      })
      yield {
        rows: part.length,
        features: taken.features.subarray(0, part.length * width),
        labels: taken.labels.subarray(0, part.length),
      }
    }
  }
}

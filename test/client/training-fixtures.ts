import type { Dataset, Examples } from '../../client/data/dataset.ts'
import { randomOf } from '../../core/random/random.ts'

/** Random inputs; the class follows from the first inputs, with a little noise. */
export function randomDataset(rows: number, shape: readonly number[], classes: number, seed = 1): Dataset {
  const width = shape.reduce((product, size) => product * size, 1)
  const train = examples(rows, width, classes, `train/${seed}`)
  const test = examples(Math.ceil(rows / 2), width, classes, `test/${seed}`)
  const report = {
    rows: train.rows + test.rows,
    used: train.rows + test.rows,
    bad: [],
    train: train.rows,
    test: test.rows,
  }
  return { shape, classes, train, test, report }
}

function examples(rows: number, width: number, classes: number, stream: string): Examples {
  const random = randomOf(9, stream)
  const features = Float32Array.from({ length: rows * width }, () => random.normal())
  const labels = Int32Array.from({ length: rows }, (_, i) => {
    const signal = features[i * width]! + 0.5 * features[i * width + 1]! + 0.3 * random.normal()
    if (classes === 1) return signal > 0 ? 1 : 0
    return Math.min(classes - 1, Math.max(0, Math.floor(signal + classes / 2)))
  })
  return { rows, features, labels }
}

export const unaborted = new AbortController().signal

/** What a request to train says of its round, where the test does not care. */
export const anyRound = { seed: 1, run: 'run_1', model: '00'.repeat(32), signal: unaborted }

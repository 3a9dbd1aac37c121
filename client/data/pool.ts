import { ParleyError } from '../../core/errors/index.ts'
import type { Dataset, Examples } from './dataset.ts'

/**
 * The rows of several clients in one place, each scaled with the statistics of its own client, as they would be in a
 * federation: what pooled training and a pooled test are made from, in benchmarks and simulations.
 */
export function poolDatasets(datasets: readonly Dataset[]): Dataset {
  const [first] = datasets
  if (first === undefined) throw new ParleyError('data.too-few-rows', 'there is no data set to pool')
  const { shape, classes, numeric } = first
  if (datasets.some((dataset) => !alike(dataset, first))) {
    throw new ParleyError('data.schema', 'data sets of different shapes cannot be pooled')
  }
  const train = joined(datasets.map((dataset) => dataset.train))
  const test = joined(datasets.map((dataset) => dataset.test))
  return {
    shape,
    classes,
    ...(numeric === undefined ? {} : { numeric }),
    train,
    test,
    report: {
      rows: datasets.reduce((sum, { report }) => sum + report.rows, 0),
      used: train.rows + test.rows,
      bad: datasets.flatMap(({ report }) => report.bad),
      train: train.rows,
      test: test.rows,
    },
  }
}

function alike(a: Dataset, b: Dataset): boolean {
  const sameRange = a.numeric?.min === b.numeric?.min && a.numeric?.max === b.numeric?.max
  return a.shape.join() === b.shape.join() && a.classes === b.classes && sameRange
}

function joined(parts: readonly Examples[]): Examples {
  const rows = parts.reduce((sum, part) => sum + part.rows, 0)
  const features = new Float32Array(parts.reduce((sum, part) => sum + part.features.length, 0))
  const labels = new Int32Array(rows)
  let [row, value] = [0, 0]
  for (const part of parts) {
    features.set(part.features, value)
    labels.set(part.labels, row)
    value += part.features.length
    row += part.rows
  }
  return { rows, features, labels }
}

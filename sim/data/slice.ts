import type { Examples } from '../../client/index.ts'

/**
 * Some of the examples, in the order of `rows`. Rows that follow one another are a view of the same memory, which costs nothing;
 * of others exactly these are copied. Neither is to be changed.
 */
export function slice(examples: Examples, rows: Uint32Array): Examples {
  const width = examples.rows === 0 ? 0 : examples.features.length / examples.rows
  const [first = 0] = rows
  if (rows.every((row, i) => row === first + i)) return view(examples, first, rows.length, width)
  const features = new Float32Array(rows.length * width)
  const labels = new Int32Array(rows.length)
  rows.forEach((row, i) => {
    features.set(examples.features.subarray(row * width, (row + 1) * width), i * width)
    labels[i] = examples.labels[row] as number
  })
  return { rows: rows.length, features, labels }
}

function view({ features, labels }: Examples, first: number, rows: number, width: number): Examples {
  return {
    rows,
    features: features.subarray(first * width, (first + rows) * width),
    labels: labels.subarray(first, first + rows),
  }
}

/** The same examples in memory that worker threads see without a copy; a view of other memory would be sent with all of it. */
export function shared(examples: Examples): Examples {
  const features = new Float32Array(new SharedArrayBuffer(examples.features.byteLength))
  const labels = new Int32Array(new SharedArrayBuffer(examples.labels.byteLength))
  features.set(examples.features)
  labels.set(examples.labels)
  return { rows: examples.rows, features, labels }
}

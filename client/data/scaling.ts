/** Mean and standard deviation of each column over the training rows; a constant column has deviation 0. */
export type Scaling = { readonly means: Float64Array; readonly deviations: Float64Array }

/**
 * Population mean and deviation of columns over `rows`, without the NaN that stand for missing values. A column without any
 * value has mean 0.
 */
export function fitScaling(features: ArrayLike<number>, width: number, rows: Uint32Array): Scaling {
  const means = new Float64Array(width)
  const deviations = new Float64Array(width)
  for (let column = 0; column < width; column++) {
    let [count, sum] = [0, 0]
    for (const row of rows) {
      const value = features[row * width + column] as number
      if (Number.isNaN(value)) continue
      count++
      sum += value
    }
    const mean = count === 0 ? 0 : sum / count
    let squares = 0
    for (const row of rows) {
      const value = features[row * width + column] as number
      if (!Number.isNaN(value)) squares += (value - mean) ** 2
    }
    const deviation = count === 0 ? 0 : Math.sqrt(squares / count)
    means[column] = mean
    // Rounding leaves a trace of deviation in a constant column; dividing by it would blow up a held-out row.
    deviations[column] = deviation <= 1e-9 * Math.max(1, Math.abs(mean)) ? 0 : deviation
  }
  return { means, deviations }
}

/** The rows as model inputs: missing values replaced by the mean, and standardised where that is wanted. */
export function scaledRows(
  features: ArrayLike<number>,
  rows: Uint32Array,
  { means, deviations }: Scaling,
  standardise: boolean,
): Float32Array {
  const width = means.length
  const out = new Float32Array(rows.length * width)
  rows.forEach((row, i) => {
    for (let column = 0; column < width; column++) {
      const value = features[row * width + column] as number
      const mean = means[column] as number
      const present = Number.isNaN(value) ? mean : value
      const deviation = deviations[column] as number
      out[i * width + column] = standardise ? (deviation === 0 ? 0 : (present - mean) / deviation) : present
    }
  })
  return out
}

import { type Csv, columnWidth, featureColumns } from '../../core/plan/data.ts'

/** How each input is made of a value: what stands in for a missing one, and (value − shift) / spread; a spread of 0 makes it 0. */
export type Scaling = { readonly fill: Float64Array; readonly shift: Float64Array; readonly spread: Float64Array }

/**
 * The scaling that the plan asks for. What it gives by numbers of its own follows from it alone; all else are the population mean and
 * deviation of the column over `rows`, without the NaN that stand for missing values. A column without any value has mean 0.
 */
export function scalingOf(csv: Csv, features: ArrayLike<number>, width: number, rows: Uint32Array): Scaling {
  const [fill, shift, spread] = [new Float64Array(width), new Float64Array(width), new Float64Array(width)]
  const given = featureColumns(csv).flatMap((column) =>
    Array.from({ length: columnWidth(column) }, () => (column.type === 'number' ? column.standardise : undefined)),
  )
  for (let input = 0; input < width; input++) {
    const { mean, deviation } = given[input] ?? fitted(features, width, input, rows)
    const scales = csv.standardise || given[input] !== undefined
    fill[input] = mean
    shift[input] = scales ? mean : 0
    spread[input] = scales ? deviation : 1
  }
  return { fill, shift, spread }
}

function fitted(
  features: ArrayLike<number>,
  width: number,
  column: number,
  rows: Uint32Array,
): { readonly mean: number; readonly deviation: number } {
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
  // Rounding leaves a trace of deviation in a constant column; dividing by it would blow up a held-out row.
  return { mean, deviation: deviation <= 1e-9 * Math.max(1, Math.abs(mean)) ? 0 : deviation }
}

/** The rows as model inputs. */
export function scaledRows(
  features: ArrayLike<number>,
  rows: Uint32Array,
  { fill, shift, spread }: Scaling,
): Float32Array {
  const width = fill.length
  const out = new Float32Array(rows.length * width)
  rows.forEach((row, i) => {
    for (let column = 0; column < width; column++) {
      const value = features[row * width + column] as number
      const present = Number.isNaN(value) ? (fill[column] as number) : value
      const by = spread[column] as number
      out[i * width + column] = by === 0 ? 0 : (present - (shift[column] as number)) / by
    }
  })
  return out
}

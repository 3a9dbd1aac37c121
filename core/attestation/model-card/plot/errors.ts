import { areaFor, axes, axisOver, place } from './axis.ts'
import { px, svgDocument } from './svg.ts'

/** Rows per size of the error, bins that are equal in its square root, of a label from `min` to `max`. */
export type ErrorBins = { readonly min: number; readonly max: number; readonly errorBins: readonly number[] }

const SIZE = { width: 520, height: 320 }
const BARS = 20
/** What few rows have beyond it is put into the last bar: else one of them would press all others into the first. */
const SHOWN = 0.99

/** How large the absolute errors are: the share of rows in equal steps, in the unit of the label. */
export function errorHistogram({ min, max, errorBins }: ErrorBins): string {
  const rows = errorBins.reduce((sum, count) => sum + count, 0)
  const title = `Absolute errors of ${rows} rows`
  const end = upperEnd(errorBins, SHOWN * rows) * (max - min)
  const width = end / BARS
  const shares = Array<number>(BARS).fill(0)
  errorBins.forEach((count, bin) => {
    const size = ((bin + 0.5) / errorBins.length) ** 2 * (max - min)
    const bar = Math.min(BARS - 1, Math.floor(size / width))
    shares[bar] = (shares[bar] ?? 0) + (rows === 0 ? 0 : count / rows)
  })
  const largest = shares.reduce((a, b) => Math.max(a, b), 0)
  const xAxis = axisOver([0, end], { bounds: [0, end] })
  const yAxis = axisOver([0, largest], { bounds: [0, 1] })
  const area = areaFor(SIZE, yAxis)
  const bars = shares.map((share, i) => {
    const [from, to] = [i * width, (i + 1) * width].map((value) => px(place(value, xAxis, area.x)))
    const top = px(place(share, yAxis, area.y))
    return `<path class="bar" d="M${px((from ?? 0) + 0.5)} ${px(area.y[0])}V${top}H${px((to ?? 0) - 0.5)}V${px(area.y[0])}Z"/>`
  })
  const words = `Share of rows by absolute error in ${BARS} equal steps of ${Number(width.toPrecision(3))}; the last one has all larger errors.`
  return svgDocument(
    SIZE,
    { title, description: words },
    `${axes(area, xAxis, yAxis, { x: 'absolute error', y: 'share of rows' })}${rows === 0 ? '' : bars.join('')}`,
  )
}

/** The upper end, as a share of the range, of the bin by which so many rows are passed. */
function upperEnd(errorBins: readonly number[], wanted: number): number {
  let passed = 0
  for (const [bin, count] of errorBins.entries()) {
    passed += count
    if (passed > 0 && passed >= wanted) return ((bin + 1) / errorBins.length) ** 2
  }
  return 1
}

import { normalQuantile } from '../confidence/quantile.ts'
import type { NumericCounts } from '../counts.ts'
import { type Interval, type Metric, numericOnly, numericSpread, scaled } from '../metric.ts'
import { binEnds } from '../numeric.ts'

/**
 * Median of the absolute errors, in the unit of the label, with the rows of a bin spread evenly over it. Its bounds are
 * order statistics (Conover, Practical nonparametric statistics, 1999, ch. 3.2): the errors of ranks n/2 ∓ z·√n/2, each taken as
 * the outer end of its bin; 0 or the whole range where there is no such rank.
 */
export const medianAbsoluteError: Metric = {
  better: 'lower',
  range: [0, Number.POSITIVE_INFINITY],
  value: numericOnly((counts) => {
    const { bin, before } = binOfRank(counts, counts.rows / 2)
    const [low, high] = binEnds(bin, counts.errorBins.length)
    const within = (counts.rows / 2 - before) / (counts.errorBins[bin] ?? 1)
    return (low + (high - low) * within) * (counts.max - counts.min)
  }),
  spread: numericSpread((counts, alpha) => scaled(ranks(counts, alpha), counts.max - counts.min)),
}

function ranks(counts: NumericCounts, alpha: number): Interval | undefined {
  const { rows, errorBins } = counts
  if (rows < 2) return undefined
  const reach = (normalQuantile(alpha) * Math.sqrt(rows)) / 2
  const [lower, upper] = [Math.floor(rows / 2 - reach), Math.ceil(rows / 2 + reach) + 1]
  const ends = (rank: number) => binEnds(binOfRank(counts, rank).bin, errorBins.length)
  return { low: lower < 1 ? 0 : ends(lower)[0], high: upper > rows ? 1 : ends(upper)[1] }
}

/** The bin with the error of a rank, from 0 to n, and the rows in the bins before it. */
function binOfRank({ errorBins }: NumericCounts, rank: number): { readonly bin: number; readonly before: number } {
  let before = 0
  for (const [bin, count] of errorBins.entries()) {
    if (count > 0 && before + count >= rank) return { bin, before }
    before += count
  }
  return { bin: errorBins.length - 1, before }
}

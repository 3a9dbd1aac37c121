/**
 * Tails of the hypergeometric distribution: how many of `draws` clients, drawn without replacement from `population`, are
 * among the `marked` ones. Probabilities start from logarithms of factorials, so that 10⁶ clients are no special case.
 */
export type Hypergeometric = { readonly population: number; readonly marked: number; readonly draws: number }

/** Pr[X > x], summed upwards until terms stop to matter. */
export function upperTail(of: Hypergeometric, x: number): number {
  const { population, marked, draws } = of
  const last = Math.min(marked, draws)
  const first = Math.max(x + 1, 0, draws + marked - population)
  if (first > last) return 0
  let term = probability(of, first)
  let sum = term
  for (let i = first; i < last; i++) {
    term *= ((marked - i) / (i + 1)) * ((draws - i) / (population - marked - draws + i + 1))
    sum += term
    if (term < sum * NEGLIGIBLE && i * population > draws * marked) break
  }
  return sum
}

/** Pr[X ≤ x], summed downwards until terms stop to matter. */
export function lowerTail(of: Hypergeometric, x: number): number {
  const { population, marked, draws } = of
  const first = Math.max(0, draws + marked - population)
  const last = Math.min(x, marked, draws)
  if (last < first) return 0
  let term = probability(of, last)
  let sum = term
  for (let i = last; i > first; i--) {
    term *= (i / (marked - i + 1)) * ((population - marked - draws + i) / (draws - i + 1))
    sum += term
    if (term < sum * NEGLIGIBLE && i * population < draws * marked) break
  }
  return sum
}

const NEGLIGIBLE = 1e-20

/** Pr[X = x]; `x` lies within the support. */
function probability({ population, marked, draws }: Hypergeometric, x: number): number {
  return Math.exp(logBinomial(marked, x) + logBinomial(population - marked, draws - x) - logBinomial(population, draws))
}

function logBinomial(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k)
}

const exact = [0, 0]
for (let n = 2; n < 32; n++) exact.push((exact[n - 1] ?? 0) + Math.log(n))

/** ln n!: a sum below 32, Stirling's series from there on (error below 1e-13 of the first term left out). */
function logFactorial(n: number): number {
  const small = exact[n]
  if (small !== undefined) return small
  const inverse = 1 / (n * n)
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / n
  return (n + 0.5) * Math.log(n) - n + Math.log(2 * Math.PI) / 2 + series
}

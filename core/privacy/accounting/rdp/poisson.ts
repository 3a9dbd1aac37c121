/**
 * Rényi divergence of the Poisson-sampled Gaussian (Mironov, Talwar and Zhang, "Rényi Differential Privacy of the Sampled
 * Gaussian Mechanism", 2019), neighbours by adding or removing one. With N(0, z²) for x,
 *
 *     ε(α) = ln A/(α − 1),  A = E (1 + g)^α,  g = q·(e^{(2x − 1)/(2z²)} − 1),  E g = 0.
 *
 * A is as little as 10⁻⁹ above 1, so both ways of computing it go after A − 1, and both add up positive terms only. For
 * fractional orders that is an integral; the paper's series for them has the same value, but its terms change sign.
 */
import { LogSum, logBinomials, logExpMinusOne, logOnePlusExp } from '../../numeric/log-sum.ts'
import { gaussianRdp } from './gaussian.ts'
import { checkOrder } from './orders.ts'

/** ε(α) of one round at rate q in [0, 1] and multiplier z > 0, for any order α > 1. */
export function poissonRdp(rate: number, multiplier: number, order: number): number {
  checkOrder(order)
  if (rate === 0) return 0
  if (rate === 1) return gaussianRdp(multiplier, order)
  const excess = Number.isInteger(order)
    ? logExcessByBinomials(rate, multiplier, order)
    : logExcessByIntegral(rate, multiplier, order)
  return logOnePlusExp(excess) / (order - 1)
}

/** ln(A − 1) = ln Σ_{k≥2} C(α,k)(1−q)^{α−k} q^k (e^{(k²−k)/(2z²)} − 1): the binomial weights add up to the 1. */
function logExcessByBinomials(rate: number, multiplier: number, order: number): number {
  const binomials = logBinomials(order)
  const logRate = Math.log(rate)
  const logRest = Math.log1p(-rate)
  const sum = new LogSum()
  for (let k = 2; k <= order; k++) {
    const weight = (binomials[k] as number) + k * logRate + (order - k) * logRest
    sum.add(weight + logExpMinusOne((k * (k - 1)) / (2 * multiplier ** 2)))
  }
  return sum.value
}

/** Standard deviations to each side of the outermost peak; what lies beyond is below 10⁻²² of the whole. */
const REACH = 10

/**
 * ln(A − 1) = ln E[(1 + g)^α − 1 − αg] by the trapezoidal rule, `finer` times as fine as needed. The integrand is positive
 * (Bernoulli's inequality) and analytic where |Im x| < πz², so the rule converges exponentially (Trefethen and Weideman,
 * "The Exponentially Convergent Trapezoidal Rule", SIAM Review 56, 2014); the step is for an error of about e⁻⁴⁰.
 */
export function logExcessByIntegral(rate: number, multiplier: number, order: number, finer = 1): number {
  const variance = multiplier ** 2
  const inStrip = (1.8 * Math.PI ** 2 * variance) / (40 + 0.405 * Math.PI ** 2 * variance)
  const step = (0.7 * multiplier > 2.3 ? 0.7 * multiplier : inStrip) / finer
  const from = Math.floor((-REACH * multiplier) / step)
  const to = Math.ceil((Math.max(2, order) + REACH * multiplier) / step)
  const sum = new LogSum()
  for (let i = from; i <= to; i++) {
    const x = i * step
    sum.add(logBernoulliGap(rate, (2 * x - 1) / (2 * variance), order) - x ** 2 / (2 * variance))
  }
  return sum.value + Math.log(step / multiplier) - Math.log(2 * Math.PI) / 2
}

/** ln((1 + g)^α − 1 − αg) for g = q(e^l − 1). */
function logBernoulliGap(rate: number, l: number, order: number): number {
  if (l > 1) {
    const log = l + Math.log(rate + (1 - rate) * Math.exp(-l))
    if (order * log > 30) {
      // 1 − (1 + αg)/(1 + g)^α, by the powers of 1/(1 + g) so that nothing overflows.
      const rest = order * Math.exp((1 - order) * log) - (order - 1) * Math.exp(-order * log)
      return order * log + Math.log1p(-rest)
    }
  }
  const g = rate * Math.expm1(l)
  if (Math.abs(order * g) > 0.05) return Math.log(Math.expm1(order * Math.log1p(g)) - order * g)
  // The binomial series, where the difference would cancel.
  let coefficient = (order * (order - 1)) / 2
  let term = coefficient
  let sum = term
  for (let k = 3; k <= 16; k++) {
    coefficient *= (order - k + 1) / k
    term = coefficient * g ** (k - 2)
    sum += term
  }
  return Math.log(sum) + 2 * Math.log(Math.abs(g))
}

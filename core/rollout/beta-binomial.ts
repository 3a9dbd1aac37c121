/** How often something bad happened in so many trials. Not whole numbers where counts were scaled down (`influence.ts`). */
export type Counts = { readonly bad: number; readonly trials: number }

const HALF_LOG_TWO_PI = Math.log(2 * Math.PI) / 2

/**
 * ln of the evidence against a rate p: the likelihood of the counts, mixed over all rates with weights Beta(½, ½), over that of p
 * (Robbins 1970; Howard, Ramdas, McAuliffe and Sekhon, Annals of Statistics 49(2), 2021, section 3):
 *
 *   M(p) = B(bad + ½, good + ½) / B(½, ½) / (p^bad · (1 − p)^good)
 *
 * While every trial is bad with probability p, whatever was seen before, each trial multiplies M by a factor of mean 1: a
 * martingale that begins at 1. By Ville's inequality it *ever* reaches 1/α with a probability of at most α, however often
 * somebody looks and whenever they stop. So the rates with M(p) < 1/α are a confidence sequence.
 */
export function logEvidence(counts: Counts, p: number): number {
  return logMixtureOverBest(counts) + distance(counts, p)
}

/**
 * ln of the mixture over the largest likelihood that any rate has, ≤ 0: `logEvidence` at bad / trials. Γ by Stirling's formula with the large
 * terms taken out by hand, so that it is as good for 10¹² trials as for ten.
 */
export function logMixtureOverBest({ bad, trials }: Counts): number {
  const good = trials - bad
  const logs = spread(bad, 0.5) + spread(good, 0.5) - spread(trials, 1) - Math.log1p(trials) / 2
  const rest = correction(bad + 0.5) + correction(good + 0.5) - correction(trials + 1)
  return logs + rest + HALF_LOG_TWO_PI - Math.log(Math.PI)
}

/** ln of the largest likelihood over that of p: trials · KL(bad / trials ‖ p), ≥ 0. */
export function distance({ bad, trials }: Counts, p: number): number {
  if (trials === 0) return 0
  const good = trials - bad
  const part = (n: number, rate: number) =>
    n <= 0 ? 0 : rate <= 0 ? Number.POSITIVE_INFINITY : n * Math.log(n / (trials * rate))
  return Math.max(0, part(bad, p) + part(good, 1 - p))
}

/** n · ln((n + more) / n). */
function spread(n: number, more: number): number {
  return n <= 0 ? 0 : n * Math.log1p(more / n)
}

/** ln Γ(x) − (x − ½) ln x + x − ½ ln 2π for x > 0: Stirling's series from 10 on (Abramowitz and Stegun 6.1.41), Γ(x + 1) = x Γ(x) before. */
function correction(x: number): number {
  let carried = 0
  while (x < 10) {
    carried += (x + 0.5) * Math.log1p(1 / x) - 1
    x++
  }
  const square = x * x
  return carried + (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * square)) / square) / square) / x
}

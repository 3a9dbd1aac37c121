/** Adds up numbers that are known by their logarithms, without overflow: ln Σ e^{xᵢ}; −∞ while nothing was added. */
export class LogSum {
  #greatest = Number.NEGATIVE_INFINITY
  /** Σ e^{xᵢ − greatest}. */
  #scaled = 0

  add(x: number): void {
    if (x === Number.NEGATIVE_INFINITY) return
    if (x <= this.#greatest) {
      this.#scaled += Math.exp(x - this.#greatest)
      return
    }
    this.#scaled = this.#scaled * Math.exp(this.#greatest - x) + 1
    this.#greatest = x
  }

  get value(): number {
    return this.#greatest + Math.log(this.#scaled)
  }
}

/** ln(1 + e^x), without overflow. */
export function logOnePlusExp(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x))
}

/** ln(e^x − 1) for x > 0. */
export function logExpMinusOne(x: number): number {
  return x > 1 ? x + Math.log1p(-Math.exp(-x)) : Math.log(Math.expm1(x))
}

/** ln C(n, 0), …, ln C(n, n) for an integer n ≥ 0. */
export function logBinomials(n: number): Float64Array {
  const logs = new Float64Array(n + 1)
  for (let k = 1; k <= n; k++) logs[k] = (logs[k - 1] as number) + Math.log((n - k + 1) / k)
  return logs
}

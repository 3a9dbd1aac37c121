/**
 * From Rényi divergences to (ε, δ) and back (Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential Privacy",
 * 2020, proposition 12): every order gives a valid bound, the best one counts.
 */

/** Rényi divergences ε(α): `values[i]` belongs to `orders[i]`. Composition adds them order by order. */
export type RdpCurve = { readonly orders: readonly number[]; readonly values: Float64Array }

/** A bound from the best order; `order` is absent when none was needed (0) or none gives any (∞, 1). */
export type Converted = { readonly value: number; readonly order?: number }

/** Orders nearer to 1 give nothing but rounding errors: ln(1 − 1/α) diverges there. */
const LOWEST_ORDER = 1.01

/** Far above what the sums before can be off by, so that no ε is too small because of rounding. */
const ROUNDING = 1e-13

/** ε ≥ 0 for δ in (0, 1): min over orders of ε(α) + ln(1 − 1/α) − ln(δα)/(α − 1). */
export function rdpEpsilon({ orders, values }: RdpCurve, delta: number): Converted {
  let best: Converted = { value: Number.POSITIVE_INFINITY }
  orders.forEach((order, i) => {
    const rdp = values[i] as number
    // Total variation is at most √(1 − e^{−KL}) (Bretagnolle and Huber): then δ alone covers it.
    if (delta ** 2 + Math.expm1(-rdp) > 0) best = { value: 0 }
    if (order <= LOWEST_ORDER) return
    const value = rdp + Math.log1p(-1 / order) - Math.log(delta * order) / (order - 1)
    if (value < best.value) best = value > 0 ? { value, order } : { value: 0 }
  })
  return best.value === 0 ? best : { ...best, value: best.value + ROUNDING * Math.max(1, best.value) }
}

/** δ ≤ 1 for ε ≥ 0: min over orders of e^{(α−1)(ε(α) − ε + ln(1 − 1/α))}/α and of √(1 − e^{−ε(α)}). */
export function rdpDelta({ orders, values }: RdpCurve, epsilon: number): Converted {
  let best: Converted = { value: 1 }
  orders.forEach((order, i) => {
    const rdp = values[i] as number
    let value = Math.sqrt(-Math.expm1(-rdp))
    if (order > LOWEST_ORDER) {
      value = Math.min(value, Math.exp((order - 1) * (rdp - epsilon + Math.log1p(-1 / order)) - Math.log(order)))
    }
    if (value < best.value) best = { value, order }
  })
  return { ...best, value: Math.min(1, best.value * (1 + 1e-10)) }
}

import type { Rule } from './rule.ts'

/**
 * The weighted mean of the updates: Σ aᵢ·xᵢ / Σ aᵢ in float64, with aᵢ = 1 (`equal`) or the training rows (`samples`).
 * Federated averaging: McMahan et al., Communication-Efficient Learning of Deep Networks from Decentralized Data,
 * AISTATS 2017. No breakdown point: one client can move it anywhere within the norm screen.
 */
export function mean(options: { readonly weights: 'equal' | 'samples' }): Rule {
  return async (rows) => {
    const raw = rows.map((row) => (options.weights === 'samples' ? row.samples : 1))
    const total = raw.reduce((sum, weight) => sum + weight, 0)
    const weights = raw.map((weight) => weight / total)
    return { weights, reduce: (tile, out) => weightedSum(tile, weights, out) }
  }
}

/** out = Σ weights[i]·rows[i], added up in the order of the rows. */
export function weightedSum(rows: readonly Float32Array[], weights: readonly number[], out: Float64Array): void {
  out.fill(0)
  rows.forEach((row, index) => {
    const weight = weights[index] ?? 0
    for (let j = 0; j < row.length; j++) out[j] = (out[j] as number) + weight * (row[j] as number)
  })
}

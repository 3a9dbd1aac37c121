import type { ServerOptimizer, ServerTile } from './optimizer.ts'

/** Options that the three adaptive optimizers have in common. */
export type AdaptiveOptions = { readonly learningRate: number; readonly beta1: number; readonly tau: number }

/** The new second moment of one parameter from the old one and Δ². */
type SecondMoment = (v: number, square: number) => number

/**
 * Algorithm 2 of Reddi et al., Adaptive federated optimization, ICLR 2021:
 *   m ← β₁·m + (1 − β₁)·Δ,  v ← secondMoment(v, Δ²),  w ← w + η·m / (√v + τ),
 * from m = 0 and v = τ², without correction of the bias.
 */
export function adaptive<Options extends AdaptiveOptions>(
  options: ServerOptimizer<Options>['options'],
  secondMomentOf: (options: Options) => SecondMoment,
): ServerOptimizer<Options> {
  return {
    options,
    state: ['momentum', 'second-moment'],
    start: ({ tau }) => [0, tau * tau],
    apply: (options, tile) => step(options, secondMomentOf(options), tile),
  }
}

function step(
  { learningRate, beta1, tau }: AdaptiveOptions,
  secondMoment: SecondMoment,
  { weights, aggregate, out, state }: ServerTile,
): void {
  const [momentum, moment] = state as [Float32Array, Float32Array]
  for (let j = 0; j < out.length; j++) {
    const delta = aggregate[j] as number
    const m = beta1 * (momentum[j] as number) + (1 - beta1) * delta
    const v = secondMoment(moment[j] as number, delta * delta)
    momentum[j] = m
    moment[j] = v
    out[j] = (weights[j] as number) + (learningRate * m) / (Math.sqrt(v) + tau)
  }
}

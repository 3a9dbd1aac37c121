import type { FrozenTensor } from '../../core/plan/freeze.ts'
import type { Adam, Optimizer, Sgd } from '../../core/plan/training.ts'

/** Changes `weights` in place by one step along `gradient`; both are flat vectors in layout order. */
export type Step = (weights: Float32Array, gradient: Float32Array) => void

/**
 * A fresh optimizer for a flat vector of `length` values. It works on plain arrays, so its bytes are those of no engine. A weight
 * that never has a gradient stays exactly where it is, with `adamw` only where it is `frozen`.
 */
export function createOptimizer(optimizer: Optimizer, length: number, frozen: readonly FrozenTensor[] = []): Step {
  if ('sgd' in optimizer) return gradientDescent(optimizer.sgd, length)
  if ('adam' in optimizer) return adam(optimizer.adam, 0, length, [])
  return adam(optimizer.adamw, optimizer.adamw.weightDecay, length, frozen)
}

/**
 * v ← momentum · v + g; w ← w − rate · v (heavy ball: Polyak 1964), or with `nesterov` w ← w − rate · (g + momentum · v); both in the
 * form of Sutskever et al., ICML 2013, as PyTorch and TensorFlow have it.
 */
function gradientDescent({ learningRate: rate, momentum, nesterov = false }: Sgd, length: number): Step {
  if (momentum === 0) {
    return (weights, gradient) => {
      for (let i = 0; i < length; i++) weights[i] = (weights[i] as number) - rate * (gradient[i] as number)
    }
  }
  const velocity = new Float32Array(length)
  return (weights, gradient) => {
    for (let i = 0; i < length; i++) {
      const g = gradient[i] as number
      const v = momentum * (velocity[i] as number) + g
      velocity[i] = v
      weights[i] = (weights[i] as number) - rate * (nesterov ? g + momentum * v : v)
    }
  }
}

/**
 * Adam with bias correction (Kingma and Ba, ICLR 2015, algorithm 1), and with a `decay` AdamW: w ← w − rate · decay · w beside the
 * step, which is not scaled by the moments (Loshchilov and Hutter, ICLR 2019, algorithm 2).
 */
function adam(
  { learningRate, beta1, beta2, epsilon }: Adam,
  decay: number,
  length: number,
  frozen: readonly FrozenTensor[],
): Step {
  const mean = new Float32Array(length)
  const square = new Float32Array(length)
  const moving = movingParts(frozen, length)
  const shrink = learningRate * decay
  let [power1, power2] = [1, 1]
  return (weights, gradient) => {
    power1 *= beta1
    power2 *= beta2
    const rate = learningRate / (1 - power1)
    const scale = 1 / (1 - power2)
    for (const [begin, end] of moving) {
      for (let i = begin; i < end; i++) {
        const g = gradient[i] as number
        const m = beta1 * (mean[i] as number) + (1 - beta1) * g
        const v = beta2 * (square[i] as number) + (1 - beta2) * g * g
        mean[i] = m
        square[i] = v
        const w = weights[i] as number
        // Not w − 0 · w, which would make 0 of −0.
        const kept = shrink === 0 ? w : w - shrink * w
        weights[i] = kept - (rate * m) / (Math.sqrt(v * scale) + epsilon)
      }
    }
  }
}

/** The parts of a flat vector that are not frozen; `frozen` is in its order. */
export function movingParts(
  frozen: readonly FrozenTensor[],
  length: number,
): readonly (readonly [begin: number, end: number])[] {
  const begins = [0, ...frozen.map(({ offset, length }) => offset + length)]
  const ends = [...frozen.map(({ offset }) => offset), length]
  return begins.map((begin, i) => [begin, ends[i] as number] as const)
}

/**
 * Scales a gradient that is longer than `most` down to that length (Pascanu et al., On the difficulty of training recurrent neural
 * networks, ICML 2013); the length is Euclidean, over all of the vector, in double precision.
 */
export function clipToNorm(gradient: Float32Array, most: number): void {
  const length = norm(gradient)
  if (!(length > most)) return
  const factor = most / length
  for (let i = 0; i < gradient.length; i++) gradient[i] = (gradient[i] as number) * factor
}

/** Adds the gradient of decay/2 · ‖w‖² to `gradient`. */
export function addDecay(gradient: Float32Array, weights: Float32Array, decay: number): void {
  for (let i = 0; i < gradient.length; i++) {
    gradient[i] = (gradient[i] as number) + decay * (weights[i] as number)
  }
}

/** Adds one vector to another. */
export function addTo(gradient: Float32Array, correction: Float32Array): void {
  for (let i = 0; i < gradient.length; i++) gradient[i] = (gradient[i] as number) + (correction[i] as number)
}

/** Adds the gradient of the FedProx term mu/2 · ‖w − w₀‖² (Li et al., MLSys 2020) to `gradient`. */
export function addProximal(gradient: Float32Array, weights: Float32Array, start: Float32Array, mu: number): void {
  for (let i = 0; i < gradient.length; i++) {
    gradient[i] = (gradient[i] as number) + mu * ((weights[i] as number) - (start[i] as number))
  }
}

/** ‖values‖, summed in double precision. */
export function norm(values: Float32Array): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += (values[i] as number) ** 2
  return Math.sqrt(sum)
}

import type { Optimizer } from '../../core/plan/training.ts'

/** Changes `weights` in place by one step along `gradient`; both are flat vectors in layout order. */
export type Step = (weights: Float32Array, gradient: Float32Array) => void

/** A fresh optimizer for a flat vector of `length` values. It works on plain arrays, so its bytes are those of no engine. */
export function createOptimizer(optimizer: Optimizer, length: number): Step {
  return 'sgd' in optimizer
    ? gradientDescent(optimizer.sgd.learningRate, optimizer.sgd.momentum, length)
    : adam(optimizer.adam, length)
}

/** v ← momentum · v + g; w ← w − rate · v (heavy ball: Polyak 1964; the form of Sutskever et al., ICML 2013). */
function gradientDescent(rate: number, momentum: number, length: number): Step {
  if (momentum === 0) {
    return (weights, gradient) => {
      for (let i = 0; i < length; i++) weights[i] = (weights[i] as number) - rate * (gradient[i] as number)
    }
  }
  const velocity = new Float32Array(length)
  return (weights, gradient) => {
    for (let i = 0; i < length; i++) {
      const v = momentum * (velocity[i] as number) + (gradient[i] as number)
      velocity[i] = v
      weights[i] = (weights[i] as number) - rate * v
    }
  }
}

type AdamOptions = Extract<Optimizer, { adam: unknown }>['adam']

/** Adam with bias correction (Kingma and Ba, ICLR 2015, algorithm 1). */
function adam({ learningRate, beta1, beta2, epsilon }: AdamOptions, length: number): Step {
  const mean = new Float32Array(length)
  const square = new Float32Array(length)
  let [power1, power2] = [1, 1]
  return (weights, gradient) => {
    power1 *= beta1
    power2 *= beta2
    const rate = learningRate / (1 - power1)
    const scale = 1 / (1 - power2)
    for (let i = 0; i < length; i++) {
      const g = gradient[i] as number
      const m = beta1 * (mean[i] as number) + (1 - beta1) * g
      const v = beta2 * (square[i] as number) + (1 - beta2) * g * g
      mean[i] = m
      square[i] = v
      weights[i] = (weights[i] as number) - (rate * m) / (Math.sqrt(v * scale) + epsilon)
    }
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

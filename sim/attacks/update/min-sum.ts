import type { z } from 'zod'
import { defineUpdateAttack, known } from '../attack.ts'
import { type PerturbationOptions, perturbation, perturbationOptions } from '../perturbation.ts'
import { dot, momentsOf, plus, squaredDistance, squaredDistances } from '../vectors.ts'

/**
 * Min-Sum: μ − γ·p with the largest γ at which the attack is in sum no farther from the honest updates than one of them,
 * Σᵢ ‖m − hᵢ‖² ≤ maxᵢ Σⱼ ‖hᵢ − hⱼ‖².
 * Shejwalkar and Houmansadr, Manipulating the Byzantine, NDSS 2021. They find γ by bisection; it is a root of a quadratic.
 */
export const minSum = defineUpdateAttack<z.output<typeof perturbationOptions>>({
  kind: 'update',
  options: perturbationOptions,
  knowledge: 'updates',
  craft: async (input, options) => farthestInSum(await known(input), options),
})

function farthestInSum(honest: readonly Float32Array[], options: PerturbationOptions): Float32Array {
  const moments = momentsOf(honest)
  const { mean } = moments
  const direction = perturbation(moments, options)
  const square = dot(direction, direction)
  if (square === 0) return plus(mean, 0, direction)
  const n = honest.length
  const distances = squaredDistances(honest)
  const sums = honest.map((_, i) => distances.subarray(i * n, (i + 1) * n).reduce((a, b) => a + b, 0))
  // Σ ‖μ − γp − hᵢ‖² = Σ ‖μ − hᵢ‖² + n·γ²‖p‖²: the differences to the mean add up to zero.
  const around = honest.reduce((sum, update) => sum + squaredDistance(mean, update), 0)
  const room = Math.max(0, Math.max(...sums) - around)
  return plus(mean, -Math.sqrt(room / (n * square)), direction)
}

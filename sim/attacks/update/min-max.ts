import type { z } from 'zod'
import { defineUpdateAttack, known } from '../attack.ts'
import { type PerturbationOptions, perturbation, perturbationOptions } from '../perturbation.ts'
import { dot, momentsOf, plus, squaredDistance, squaredDistances } from '../vectors.ts'

/**
 * Min-Max: μ − γ·p with the largest γ at which the attack is no farther from any honest update than two honest ones are from
 * each other, maxᵢ ‖m − hᵢ‖ ≤ maxᵢⱼ ‖hᵢ − hⱼ‖.
 * Shejwalkar and Houmansadr, Manipulating the Byzantine, NDSS 2021. They find γ by bisection; it is a root of a quadratic.
 */
export const minMax = defineUpdateAttack<z.output<typeof perturbationOptions>>({
  kind: 'update',
  options: perturbationOptions,
  knowledge: 'updates',
  craft: async (input, options) => farthestWithin(await known(input), options),
})

function farthestWithin(honest: readonly Float32Array[], options: PerturbationOptions): Float32Array {
  const moments = momentsOf(honest)
  const { mean } = moments
  const direction = perturbation(moments, options)
  const most = squaredDistances(honest).reduce((a, b) => Math.max(a, b), 0)
  // ‖μ − γp − h‖² = ‖μ − h‖² − 2γ⟨p, μ − h⟩ + γ²‖p‖² ≤ most, for each h.
  const square = dot(direction, direction)
  if (square === 0) return plus(mean, 0, direction)
  const alongMean = dot(direction, mean)
  const gammas = honest.map((update) => {
    const along = alongMean - dot(direction, update)
    const room = Math.max(0, most - squaredDistance(mean, update))
    return (along + Math.sqrt(along * along + square * room)) / square
  })
  return plus(mean, -Math.max(0, Math.min(...gammas)), direction)
}

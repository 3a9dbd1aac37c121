import { checkOrder } from './orders.ts'

/** Zero-concentrated privacy ρ of one Gaussian or discrete Gaussian (Bun and Steinke 2016): 1/(2z²). */
export function gaussianZcdp(multiplier: number): number {
  return 1 / (2 * multiplier ** 2)
}

/** The Rényi divergence of order α > 1 that ρ-zCDP promises: ρα. Of a Gaussian it is exact. */
export function zcdpRdp(rho: number, order: number): number {
  checkOrder(order)
  return rho * order
}

/** Rényi divergence of order α > 1 of one Gaussian of multiplier z without sampling: α/(2z²). */
export function gaussianRdp(multiplier: number, order: number): number {
  return zcdpRdp(gaussianZcdp(multiplier), order)
}

/** Levels that one contribution touches in a binary tree over `leaves` rounds: ⌈log₂(leaves + 1)⌉. */
export function treeDepth(leaves: number): number {
  let depth = 0
  while (2 ** depth < leaves + 1) depth++
  return depth
}

/**
 * Rényi divergence of order α > 1 of all sums of a binary tree (Kairouz et al., "Practical and Private (Deep) Learning
 * without Sampling or Shuffling", 2021), every node with noise of multiplier z, every client in at most one leaf.
 */
export function treeRdp(multiplier: number, leaves: number, order: number): number {
  return treeDepth(leaves) * gaussianRdp(multiplier, order)
}

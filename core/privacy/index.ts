/** The face of differential privacy: mechanisms, what they spend, and the ledger. */
export { type Accountant, deltaSpent, type Spent, spent, wouldSpend } from './accounting/accountant.ts'
export { analyticMultiplier, gaussianDelta, gaussianEpsilon } from './accounting/analytic-gaussian.ts'
export { type Calibration, calibrateMultiplier } from './accounting/calibrate.ts'
export { checkDelta } from './accounting/delta.ts'
export {
  checkSpend,
  type DistributedSpend,
  type GaussianSpend,
  multiplierOf,
  type Neighbours,
  type NoisySum,
  type Sampling,
  type Spend,
  sensitivityOf,
  type TreeSpend,
  timesRounds,
} from './accounting/spend.ts'
export {
  type AdaptiveClip,
  type AdaptiveClipping,
  defaultAdaptiveClipping,
  nextAdaptiveClip,
  startAdaptiveClip,
  sumMultiplier,
  unclippedFraction,
} from './clipping/adaptive.ts'
export { privateClipFactor, unclippedIndicator } from './clipping/flat.ts'
export {
  type DistributedNoise,
  type DistributedPlan,
  distributedEpsilon,
  distributedNoise,
} from './distributed.ts'
export {
  type Budget,
  type Charged,
  charge,
  emptyLedger,
  epsilonOf,
  type Ledger,
  type Payment,
  partOf,
  paymentsLeft,
  type Refusal,
  spendsOf,
} from './ledger.ts'
export { parseLedger, spendSchema } from './ledger-json.ts'
export { releaseMean } from './noise/central.ts'
export { DiscreteGaussian } from './noise/discrete-gaussian.ts'
export { exactDiscreteGaussian, exactDiscreteLaplace } from './noise/exact.ts'
export { addGridGaussian, gridGaussian, gridStep, roundingSensitivity } from './noise/grid-gaussian.ts'
export { type RandomBytes, RandomWords } from './noise/random-source.ts'
export { roundedNorm, roundRandomly } from './noise/randomized-rounding.ts'

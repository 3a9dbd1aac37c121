/** The face of what an institution allows its own client. */
export { changeText, type PlanChange, planChanges } from './difference.ts'
export { coordinatorName, evaluatePolicy } from './evaluate.ts'
export type { Asked, Facts, Loaded, Standing, TaskFacts, Verdict } from './facts.ts'
export { type FilePolicyOptions, filePolicy, reviewsIn } from './file-policy.ts'
export { isDay, isInstant } from './instants.ts'
export { type Leaving, leavingOf, leavingText, updateBytes } from './leaving.ts'
export { canonicalPolicy, checkPolicy, parsePolicy } from './parse.ts'
export {
  approvalsNeeded,
  loadPolicy,
  MOST_SITE_KEYS,
  pinnedKeys,
  readPolicy,
  signaturePath,
  type TrustedPolicy,
} from './policy-file.ts'
export type { Review, Reviews } from './reviews.ts'
export type { Policy } from './schema.ts'
export { type Decision, policyDigest, policySignatures, signDecision, signPolicy } from './signed.ts'
export { standingOf } from './standing.ts'

/** The face of secure aggregation (mode `masked`): what clients, coordinators and simulations use. */
export { bucketsOf, survivorsOf } from './buckets.ts'
export { checksumKey } from './checksum.ts'
export { advertise, type Expectation } from './client/advertise.ts'
export { confirmSurvivors } from './client/confirm-survivors.ts'
export { maskInput, vectorDigest } from './client/mask-input.ts'
export { shareKeys } from './client/share-keys.ts'
export type { Answered, ClientContext, ClientState, Transition } from './client/state.ts'
export { storedAnswer, unmask } from './client/unmask.ts'
export { configHashOf, MODULUS, type SessionConfiguration, sessionConfigurationSchema } from './configuration.ts'
export { broadcastFor, bucketOf } from './coordinator/broadcast.ts'
export { awaited, type Closed, closePhase } from './coordinator/close.ts'
export type { Dispute } from './coordinator/culprits.ts'
export { type OpenedSession, openSession, signConfiguration, startSession } from './coordinator/open.ts'
export {
  type ClosedBucket,
  type OpenBucket,
  planUnmasking,
  removeMasks,
  type UnmaskingPlan,
} from './coordinator/plan-unmasking.ts'
export type { CoordinatorContext, CoordinatorState, Receipt, SessionFailure, TakeRefusal } from './coordinator/state.ts'
export { delivered, type Taken, take } from './coordinator/take.ts'
export {
  type Decoded,
  type DecodedSum,
  type DecodeFailure,
  decodeSum,
  type Encoding,
  encodeInput,
  type Input,
  laneCount,
  vectorBytes,
} from './encoding.ts'
export {
  chooseGraph,
  completeGraph,
  completeThresholds,
  type Graph,
  regularGraph,
  type ServerClass,
  type ThreatModel,
} from './graph.ts'
export { addVector, type Mask, type MaskArithmetic, maskArithmeticOf } from './masks.ts'
export { type Broadcast, broadcastLimit, messageLimit, secaggPayloadTypes } from './messages.ts'
export { assess, type ClientPolicy, clientPolicy } from './policy.ts'
export type { Refusal, RefusalReason } from './refusal.ts'

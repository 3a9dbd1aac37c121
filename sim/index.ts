/** The face of the simulator: a laboratory that runs the product's own coordinator and clients. */
export type {
  Attack,
  CraftInput,
  DataAttack,
  FrameAttack,
  Knowledge,
  Malformation,
  UpdateAttack,
} from './attacks/attack.ts'
export { type AttackName, attackOf, attacks, type ChosenAttack } from './attacks/registry.ts'
export { kFold } from './partition/k-fold.ts'
export type { Partitioner } from './partition/partitioner.ts'
export { partition, partitioners } from './partition/registry.ts'
export type { SimulatedRound, SimulationEvent, SimulationResult } from './results.ts'
export { type SimulateOptions, scenarioDigest, simulate } from './simulate.ts'
export { checkScenario, type Scenario, type WorldPlan } from './world/scenario.ts'

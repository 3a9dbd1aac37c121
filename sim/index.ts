/** The face of the simulator: a laboratory that runs the product's own coordinator and clients. */
export { cosine, type Gram, norm, product, squaredDistance } from '../core/aggregation/gram.ts'
export { rules } from '../core/aggregation/registry.ts'
export {
  type AnyRule,
  type Combination,
  defineRule,
  meanOf,
  type Reduction,
  type Rule,
  type RuleInput,
} from '../core/aggregation/rule.ts'
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
export type { Columns, Partitioner } from './partition/partitioner.ts'
export { partition, partitioners } from './partition/registry.ts'
export { compareReport } from './report/compare-report.ts'
export { foldsReport } from './report/folds-report.ts'
export { runReport } from './report/run-report.ts'
export { sweepReport } from './report/sweep-report.ts'
export type { SweepAxis, SweepRow, SweepTable } from './report/sweep-table.ts'
export type { SimulatedRound, SimulationEvent, SimulationResult } from './results.ts'
export type { OwnRule, OwnRules, RuleOptions } from './rules/own-rules.ts'
export { type SimulateOptions, scenarioDigest, simulate } from './simulate.ts'
export type { SweepCell } from './sweep/cells.ts'
export { type Comparison, compareRuns, type Difference, differences } from './sweep/compare.ts'
export {
  type CrossValidateOptions,
  type CrossValidation,
  crossValidate,
  type FoldResult,
  type FoldSpread,
  withFold,
} from './sweep/cross-validate.ts'
export { checkSweep, type Sweep } from './sweep/definition.ts'
export { type FromFile, readScenario, readSweep } from './sweep/files.ts'
export { ResultFolder, readRun, type StoredRun, writeWhole } from './sweep/result-folder.ts'
export { type SweepEvent, type SweepOptions, sweep } from './sweep/sweep.ts'
export type { PointRow, PointTable, SweepResult } from './sweep/table.ts'
export { checkScenario, type Scenario, type WorldPlan } from './world/scenario.ts'
export type { DealRows } from './world/world.ts'

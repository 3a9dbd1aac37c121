import type { Command } from 'commander'
import { MIN_COHORT } from '../client/index.ts'
import { type ClientOptions, withClientOptions } from './client-options.ts'
import { type MaskingOptions, withMaskingOptions } from './masking-options.ts'
import { countOption, deltaOption, epsilonOption } from './options.ts'
import { USUAL_DELTA } from './privacy-ledger.ts'

/** All that a client is started with. */
export type ClientStartOptions = MaskingOptions &
  ClientOptions & {
    readonly minCohort?: number
    readonly privacyBudget?: number
    readonly privacyDelta: number
    readonly recordBudget?: number
    readonly recordDelta: number
  }

export function withClientStartOptions(one: Command): Command {
  return withClientOptions(withMaskingOptions(one))
    .option(
      '--min-cohort <n>',
      `smallest cohort to take part in, and smallest sum where updates are masked; by default ${MIN_COHORT}, and 16 masked`,
      countOption,
    )
    .option(
      '--privacy-budget <epsilon>',
      'most privacy to spend in all its life; without it only counted',
      epsilonOption,
    )
    .option('--privacy-delta <delta>', 'δ of that', deltaOption, USUAL_DELTA)
    .option(
      '--record-budget <epsilon>',
      'most privacy of each training row to spend in all its life; without it only counted',
      epsilonOption,
    )
    .option('--record-delta <delta>', 'δ of that', deltaOption, USUAL_DELTA)
}

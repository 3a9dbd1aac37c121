import type { CoordinatorState } from '../../../core/secagg/index.ts'
import type { VectorRef } from '../../aggregation/memory.ts'
import type { Instant } from '../state.ts'

/** Where a masked round stands in the protocol. */
export type Masking = {
  /** When its present step began. */
  readonly since: Instant
  readonly session: CoordinatorState
}

/** One sum that was opened: the mean of the updates of these clients. */
export type OpenedSum = {
  /** What the rule and its report call it. */
  readonly name: string
  readonly clients: readonly string[]
  /** The mean as a blob of float32 values. */
  readonly vector: VectorRef
  /** Sum of the weights. */
  readonly weight: number
  /** Euclidean norm of the mean. */
  readonly norm: number
  /** Sum of ½ for every update that was within the clipping norm and −½ for every other, with its noise; where that adapts. */
  readonly unclipped?: number
}

/** What came out of the sums of a masked round. */
export type Unmasked = {
  readonly sums: readonly OpenedSum[]
  /** Sums that were opened and do not stand for updates: their clients' work is lost. */
  readonly spoiled: readonly { readonly clients: readonly string[]; readonly reason: string }[]
  /** Clients whose shares were lies. */
  readonly culprits: readonly string[]
}

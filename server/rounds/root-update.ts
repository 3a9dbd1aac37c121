import { pipelineOf } from '../../core/aggregation/pipeline.ts'
import type { RuleTable } from '../../core/aggregation/rule.ts'
import { bytesView, float32View } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { SEGMENT_BYTES } from '../../core/wire/limits.ts'
import type { VectorRef } from '../aggregation/memory.ts'
import type { Store } from '../store/ports.ts'
import type { Aggregating } from './state.ts'

/** Trains on the coordinator's own rows: the update to `weights`, a new vector of the same length. */
export type RootUpdate = (plan: Plan, round: number, weights: Float32Array) => Promise<Float32Array>

/** Throws `plan.infeasible` when the plan's rule needs data that the coordinator does not have. */
export function checkRootData(plan: Plan, rootUpdate: RootUpdate | undefined, rules?: RuleTable): void {
  const { rule, name } = pipelineOf(plan.aggregation, rules).rule
  if (rule.extra !== 'root') return
  if (plan.training.scaffold !== undefined) {
    throw new ParleyError('plan.infeasible', `${name} has no control variate of its own to compare: leave scaffold out`)
  }
  if (rootUpdate !== undefined) return
  throw new ParleyError(
    'plan.infeasible',
    `${name} compares updates with one that the coordinator makes on data of its own, and this one has none: start it with --root-data`,
  )
}

/** The coordinator's own update for the open round, stored, where the plan's rule asks for one. */
export async function rootUpdateOf(
  deps: {
    readonly store: Pick<Store, 'blobs'>
    readonly rootUpdate: RootUpdate | undefined
    readonly rules?: RuleTable | undefined
  },
  plan: Plan,
  state: Aggregating,
): Promise<VectorRef | undefined> {
  if (pipelineOf(plan.aggregation, deps.rules).rule.rule.extra !== 'root') return undefined
  checkRootData(plan, deps.rootUpdate, deps.rules)
  const { blobs } = deps.store
  const { model, round, settings } = state
  const bytes = 4 * settings.parameters
  const file = await blobs.read(model.digest, model.bytes - bytes, bytes)
  const update = await deps.rootUpdate?.(plan, round, float32View(file))
  if (update?.length !== settings.parameters || !update.every(Number.isFinite)) {
    throw new ParleyError('round.aggregation-failed', 'training on the root data gave no finite update')
  }
  return { digest: await storeVector(blobs, update), bytes }
}

async function storeVector(blobs: Store['blobs'], vector: Float32Array): Promise<string> {
  const bytes = bytesView(vector)
  const writer = await blobs.create()
  try {
    for (let at = 0; at < bytes.length; at += SEGMENT_BYTES) await writer.write(bytes.subarray(at, at + SEGMENT_BYTES))
    return await writer.commit()
  } finally {
    await writer.release()
  }
}

import type { Crypto } from '../../core/crypto/primitives.ts'
import { toHex, utf8 } from '../../core/encoding/bytes.ts'
import { frozenTensors } from '../../core/plan/freeze.ts'
import { canonicalPlan } from '../../core/plan/parse.ts'
import type { Plan } from '../../core/plan/plan.ts'
import type { StartedFrom } from '../../core/run/started-from.ts'
import { type Layout, layoutBytes, layoutLength } from '../../core/tensors/layout.ts'
import type { Limits } from '../../core/wire/limits.ts'
import type { Store } from '../store/ports.ts'
import { checkHoldout, type HoldoutDeps } from './holdout.ts'
import { checkRootData, type RootUpdate } from './root-update.ts'
import { controlOf, settingsOf } from './settings.ts'
import { type FindBase, startingModel } from './starting-model.ts'
import type { RunSettings } from './state.ts'
import { checkLayout } from './stored-model.ts'

/** The model of a plan before anything was trained. */
export type InitialModel = { readonly layout: Layout; readonly weights: Float32Array }

export type PreparingDeps = {
  readonly crypto: Pick<Crypto, 'sha256'>
  readonly store: Pick<Store, 'records' | 'blobs'>
  readonly limits: Limits
  readonly initialModel: (plan: Plan) => Promise<InitialModel>
  readonly baseFiles?: FindBase
  readonly rootUpdate?: RootUpdate
  readonly rules?: Parameters<typeof checkRootData>[2]
}

export type PreparedRun = InitialModel & {
  readonly settings: RunSettings
  /** The canonical text of the plan, whose digest is in the settings. */
  readonly planBytes: Uint8Array
  readonly from?: StartedFrom
}

/**
 * Everything that a run needs before it is started, with nothing kept yet. Rejects with all that keeps the plan from being run here:
 * rows or engines of the coordinator's own that it asks for, another layout than its model has, a start that is not there.
 */
export async function preparedRun(deps: PreparingDeps, holdouts: HoldoutDeps, plan: Plan): Promise<PreparedRun> {
  const { crypto, limits, store } = deps
  checkRootData(plan, deps.rootUpdate, deps.rules)
  await checkHoldout(plan, holdouts)
  const fresh = await deps.initialModel(plan)
  await checkLayout(store, plan, fresh.layout)
  const { layout, weights, from } = await startingModel(deps, plan, fresh)
  const frozen = frozenTensors(plan.training.freeze, layout)
  const planBytes = utf8(canonicalPlan(plan))
  const control = controlOf(plan, layout, (one) => layoutDigest(crypto, one))
  const settings = settingsOf(plan, {
    plan: { digest: toHex(crypto.sha256(planBytes)), bytes: planBytes.length },
    layout: layoutDigest(crypto, layout),
    parameters: layoutLength(layout),
    ...(control === undefined ? {} : { control }),
    ...(from === undefined ? {} : { start: from }),
    ...(frozen.length === 0 ? {} : { frozen }),
    maxRefusals: limits.refusedUpdates,
  })
  return { layout, weights, settings, planBytes, ...(from === undefined ? {} : { from }) }
}

function layoutDigest(crypto: Pick<Crypto, 'sha256'>, layout: Layout): string {
  return toHex(crypto.sha256(layoutBytes(layout)))
}

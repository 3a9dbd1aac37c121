import { float32View } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { comparesOnHoldout, isOnHoldout, plannedEvaluations } from '../../core/plan/check-holdout.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { targetClass } from '../../core/plan/probe-target.ts'
import {
  type Holdout,
  type HoldoutCounts,
  type HoldoutLook,
  type HoldoutResult,
  inTimes,
} from '../../core/run/holdout.ts'
import type { LatencyMeter } from '../../core/run/latency.ts'
import type { ModelRef } from '../../core/run/round-configuration.ts'
import type { BlobStore } from '../store/ports.ts'
import type { HoldoutLooks } from './holdout-looks.ts'
import type { Aggregating, Champion, Made } from './state.ts'
import { steeredTo } from './steered.ts'
import { evaluationDue } from './window.ts'

export type HoldoutDeps = {
  readonly holdout: Holdout | undefined
  /** Measures how long models take to answer, on the same rows where there are any. */
  readonly latency: LatencyMeter | undefined
  readonly looks: HoldoutLooks
  readonly blobs: Pick<BlobStore, 'read'>
}

/**
 * Throws `plan.infeasible` when gates of the plan are to be decided on rows that the coordinator does not have, that lack a column of
 * theirs, or that the run would look at more often than it allows itself. What is wrong with the rows themselves is `data.…`.
 */
export async function checkHoldout(
  plan: Plan,
  { holdout, looks }: Pick<HoldoutDeps, 'holdout' | 'looks'>,
): Promise<void> {
  const gates = plan.gates.filter(isOnHoldout)
  const [first] = gates
  if (first === undefined) return
  if (holdout === undefined) {
    throw infeasible(
      `the gate ${first.id} is decided on rows that the coordinator holds, and this one has none: start it with --holdout-data`,
    )
  }
  const trigger = gates.find((gate) => 'probe' in gate && gate.probe === 'trigger')
  if (trigger !== undefined && !holdout.hasTrigger) {
    throw infeasible(
      `the gate ${trigger.id} asks for rows with a trigger, and the coordinator has none: start it with --trigger-data`,
    )
  }
  const { sha256, lacking } = await holdout.facts(plan)
  for (const gate of gates) {
    const by = 'groupBy' in gate ? gate.groupBy : undefined
    const missing = lacking.find((one) => one.by === by)
    if (missing !== undefined)
      throw infeasible(`the gate ${gate.id} needs the column ${missing.column}, which the holdout does not have`)
  }
  const { holdoutLooks } = plan.evaluation
  const used = await looks.used(plan.name, sha256)
  if (holdoutLooks === undefined || used + (plannedEvaluations(plan) ?? 1) <= holdoutLooks) return
  throw infeasible(
    `candidates of ${plan.name} were evaluated ${inTimes(used)} on the holdout ${sha256.slice(0, 12)}, and evaluation.holdoutLooks allows ${holdoutLooks}: it needs other rows`,
  )
}

function infeasible(message: string): ParleyError {
  return new ParleyError('plan.infeasible', message)
}

/**
 * Evaluates what the open round made on the coordinator's rows, where it is due and a gate asks for it. Never fails: without
 * counts the gates cannot be evaluated, and the round has its model all the same.
 */
export async function holdoutOf(
  deps: HoldoutDeps,
  plan: Plan,
  state: Aggregating,
  made: Pick<Made, 'model' | 'weights'>,
  inUse: Champion | undefined,
): Promise<HoldoutResult | undefined> {
  if (!plan.gates.some(isOnHoldout) || !evaluationDue(state.settings, state.completed + 1, state.round))
    return undefined
  if (deps.holdout === undefined)
    return { failure: 'the coordinator holds no rows any more: start it with --holdout-data' }
  try {
    return await look({ ...deps, holdout: deps.holdout }, plan, state, made, inUse)
  } catch (cause) {
    const { code, message } = ParleyError.from(cause)
    return { failure: `${code}: ${message}`.slice(0, 500) }
  }
}

async function look(
  { holdout, looks, blobs }: HoldoutDeps & { readonly holdout: Holdout },
  plan: Plan,
  { round, settings }: Aggregating,
  { model, weights = model }: Pick<Made, 'model' | 'weights'>,
  inUse: Champion | undefined,
): Promise<HoldoutResult> {
  const { sha256, rows } = await holdout.facts(plan)
  const used = await looks.used(plan.name, sha256)
  const { holdoutLooks = Number.POSITIVE_INFINITY } = plan.evaluation
  if (used >= holdoutLooks) {
    const failure = `the holdout ${sha256.slice(0, 12)} was looked at ${inTimes(used)}, and evaluation.holdoutLooks allows ${holdoutLooks}`
    return { sha256, rows, looks: used, failure }
  }
  const parameters = settings.control?.parameters ?? settings.parameters
  const champion = plan.gates.some(comparesOnHoldout) ? inUse : undefined
  const candidate = await vectorOf(blobs, weights, parameters)
  const models = champion === undefined ? {} : { champion: await vectorOf(blobs, champion.model, parameters) }
  const number = await looks.next(plan.name, sha256)
  const counts = await holdout.evaluate(plan, round, { candidate, ...models })
  if (counts.sha256 !== sha256)
    throw new ParleyError('data.malformed', 'the holdout was changed while it was evaluated')
  return lookOf(plan, counts, number, champion)
}

/** The flat vector at the end of a model file. */
export async function vectorOf(
  blobs: Pick<BlobStore, 'read'>,
  model: ModelRef,
  parameters: number,
): Promise<Float32Array> {
  const bytes = 4 * parameters
  return float32View(await blobs.read(model.digest, model.bytes - bytes, bytes))
}

/** What the journal keeps: of trigger rows only what the gates ask for. */
function lookOf(
  plan: Plan,
  { trigger, ...counts }: HoldoutCounts,
  looks: number,
  champion: Champion | undefined,
): HoldoutLook {
  const targets = plan.gates.flatMap((gate) => ('probe' in gate && gate.probe === 'trigger' ? [gate.target] : []))
  const steered = [...new Set(targets)].map((target) => ({
    target,
    ...steeredTo(trigger?.counts, targetClass(plan.data, target) ?? -1),
  }))
  return {
    ...counts,
    looks,
    ...(champion === undefined ? {} : { champion: { version: champion.version } }),
    ...(trigger === undefined ? {} : { trigger: { sha256: trigger.sha256, rows: trigger.rows, steered } }),
  }
}

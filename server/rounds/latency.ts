import { ParleyError } from '../../core/errors/index.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { type LatencyResult, latenciesAsked } from '../../core/run/latency.ts'
import { type HoldoutDeps, vectorOf } from './holdout.ts'
import type { Aggregating, Made } from './state.ts'
import { evaluationDue } from './window.ts'

/**
 * Measures how long what the open round made takes to answer, where it is evaluated and a gate asks for it. Never fails: without
 * a figure the gate cannot be evaluated, and the round has its model all the same.
 */
export async function latencyOf(
  { latency: meter, blobs }: Pick<HoldoutDeps, 'latency' | 'blobs'>,
  plan: Plan,
  state: Aggregating,
  { model, weights = model }: Pick<Made, 'model' | 'weights'>,
): Promise<LatencyResult | undefined> {
  const { settings, completed, round } = state
  if (latenciesAsked(plan).length === 0 || !evaluationDue(settings, completed + 1, round)) return undefined
  if (meter === undefined) {
    return {
      failure:
        'the coordinator has no engine: `parley coordinator` has one, a program of its own gives it as `latency`',
    }
  }
  try {
    const parameters = settings.control?.parameters ?? settings.parameters
    return await meter.measure(plan, await vectorOf(blobs, weights, parameters))
  } catch (cause) {
    const { code, message } = ParleyError.from(cause)
    return { failure: `${code}: ${message}`.slice(0, 500) }
  }
}

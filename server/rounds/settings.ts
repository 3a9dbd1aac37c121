import { isCountedMasked } from '../../core/plan/check-evaluation.ts'
import { durationMs } from '../../core/plan/duration.ts'
import { cohortSize, type Plan } from '../../core/plan/plan.ts'
import { firstClip } from '../../core/plan/round-privacy.ts'
import { evaluationLanes } from '../../core/run/masked-evaluation.ts'
import { withoutControl } from '../../core/tensors/control.ts'
import { type Layout, layoutLength } from '../../core/tensors/layout.ts'
import { maskedSettingsOf } from './masked/settings.ts'
import { privacySettingsOf } from './privacy-settings.ts'
import type { RunSettings } from './state.ts'

/** What the machine needs of a plan, and of what it came to: its canonical text as a blob, the layout's digest, a limit. */
export function settingsOf(
  plan: Plan,
  stored: Pick<RunSettings, 'plan' | 'layout' | 'parameters' | 'control' | 'start' | 'frozen' | 'maxRefusals'>,
): RunSettings {
  const { window, evaluation } = plan
  const masked = maskedSettingsOf(plan, stored.parameters)
  const clip = firstClip(plan)
  const privacy = privacySettingsOf(plan, stored.parameters)
  return {
    model: plan.name,
    ...stored,
    rounds: plan.rounds,
    cohortSize: cohortSize(plan),
    ...(plan.cohort.population === undefined ? {} : { population: plan.cohort.population }),
    window: {
      min: window.count.min,
      max: window.count.max,
      minMs: durationMs(window.time.min),
      maxMs: durationMs(window.time.max),
    },
    evaluation: {
      every: evaluation.every,
      min: evaluation.window.count.min,
      minMs: durationMs(evaluation.window.time.min),
      maxMs: durationMs(evaluation.window.time.max),
      ...(evaluation.trim === 0 ? {} : { trim: evaluation.trim }),
      ...(isCountedMasked(plan) ? { counts: { one: evaluationLanes(plan, 1), two: evaluationLanes(plan, 2) } } : {}),
    },
    ...(plan.stop === undefined ? {} : { stop: plan.stop }),
    gates: plan.gates,
    alias: plan.publish.alias,
    select: plan.publish.select,
    ...(masked === undefined ? {} : { masked }),
    ...(clip === undefined ? {} : { clip }),
    ...(privacy === undefined ? {} : { privacy }),
    ...recordsOf(plan),
  }
}

function recordsOf({ privacy: { records } }: Plan): Pick<RunSettings, 'records'> {
  if (records === undefined) return {}
  const { delta, epsilon } = records
  return { records: { delta, ...(epsilon === undefined ? {} : { epsilon }) } }
}

/** What the machine needs to know of SCAFFOLD, where the plan trains with it. `layout` is that of the rounds' models. */
export function controlOf(plan: Plan, layout: Layout, digest: (layout: Layout) => string): RunSettings['control'] {
  const { scaffold } = plan.training
  if (scaffold === undefined) return undefined
  const published = withoutControl(layout)
  return {
    clients: scaffold.clients ?? cohortSize(plan),
    layout: digest(published),
    parameters: layoutLength(published),
  }
}

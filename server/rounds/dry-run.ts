import { fromUtf8 } from '../../core/encoding/bytes.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { recordExamples } from '../../core/plan/record-examples.ts'
import type { DryRun, DryRunClient } from '../../core/run/dry-run.ts'
import type { PrivacyView } from '../../core/run/view.ts'
import { writeHeader } from '../../core/tensors/safetensors.ts'
import type { PreparedRun } from './prepared-run.ts'
import { type PrivacySettings, spentAfter } from './privacy-settings.ts'
import type { RunSettings } from './state.ts'

const FLOAT_BYTES = 4
/** Of a masked coordinate. */
const WORD_BYTES = 4

/** What a run that is prepared would be, with these clients. */
export function dryRunOf(
  { layout, weights, settings, planBytes, from }: PreparedRun,
  clients: readonly DryRunClient[],
): DryRun {
  const { model, plan, rounds, parameters, cohortSize, population = 0, window, masked, privacy } = settings
  const down = writeHeader(layout).length + weights.length * FLOAT_BYTES
  return {
    model,
    plan: plan.digest,
    canonical: fromUtf8(planBytes),
    ...(from === undefined ? {} : { start: from }),
    parameters,
    rounds,
    clients,
    cohort: {
      size: cohortSize,
      atOnce: Math.max(population, cohortSize),
      later: Math.max(population, window.min),
      waitMs: window.minMs,
      ready: clients.filter(({ connected, refusal }) => connected && refusal === undefined).length,
    },
    bytes: {
      down,
      evaluation: down,
      up: masked === undefined ? weights.length * FLOAT_BYTES : masked.coordinates * WORD_BYTES,
    },
    ...(privacy === undefined ? {} : { privacy: privacyOf(privacy, rounds) }),
    ...recordsOf(settings, planBytes),
  }
}

function recordsOf({ records, parameters }: RunSettings, planBytes: Uint8Array): Pick<DryRun, 'records'> {
  if (records === undefined) return {}
  const { delta, epsilon: budget } = records
  // Moments: nobody's rounds wait for a page that a person looks at.
  const examples = recordExamples(JSON.parse(fromUtf8(planBytes)) as Plan, parameters, undefined, 'rdp')
  return { records: { delta, ...(budget === undefined ? {} : { budget }), examples } }
}

/** A budget ends the run before it is passed. */
function privacyOf(privacy: PrivacySettings, planned: number): PrivacyView {
  const { budget } = privacy
  const rounds = Math.min(planned, budget?.rounds ?? planned)
  const { epsilon, delta, accountant } = spentAfter(privacy, rounds)
  return { epsilon, delta, rounds, accountant, ...(budget === undefined ? {} : { budget: budget.epsilon }) }
}

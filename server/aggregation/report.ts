import type { Decision } from '../../core/aggregation/decide.ts'
import { type Gram, productsWith } from '../../core/aggregation/gram.ts'
import type { Pipeline } from '../../core/aggregation/pipeline.ts'
import { marksOf } from '../../core/aggregation/suspects.ts'
import type { ClientRobustness, RobustnessReport } from '../../core/run/robustness.ts'
import type { UpdateRow } from './update-row.ts'

/** How the aggregate lies to the updates. */
export type Alignment = {
  /** ‖aggregate‖². */
  readonly squaredNorm: number
  /** ⟨xᵢ, aggregate⟩ for each update. */
  readonly products: ArrayLike<number>
}

/** The alignment of a combination follows from the inner products. */
export function alignmentOf(gram: Gram, coefficients: Float64Array): Alignment {
  const products = productsWith(gram, coefficients)
  const squaredNorm = coefficients.reduce(
    (sum, weight, i) => (weight === 0 ? sum : sum + weight * (products[i] as number)),
    0,
  )
  return { squaredNorm: Math.max(0, squaredNorm), products }
}

export function reportOf(
  pipeline: Pipeline,
  rows: readonly UpdateRow[],
  decision: Decision,
  alignment: Alignment,
  kept: readonly number[] | undefined,
): RobustnessReport {
  const norm = Math.sqrt(alignment.squaredNorm)
  const placed = rows.map((row, i) => placeOf(row.norm, norm, alignment.products[i] ?? 0))
  const marks = marksOf(placed)
  const clients = rows.map(({ client }, i): ClientRobustness => {
    const weight = weightOf(decision, i)
    const leftOut = leftOutOf(decision, i, weight)
    return {
      client,
      weight,
      kept: kept?.[i] ?? null,
      ...(placed[i] as (typeof placed)[number]),
      scale: decision.scales[i] ?? null,
      ...(leftOut === undefined ? {} : { leftOut }),
      marks: [...(marks[i] ?? []), ...(leftOut === undefined ? [] : (['left-out'] as const))],
    }
  })
  const names = [...pipeline.stages.map(({ name }) => name), pipeline.rule.name]
  return { rule: names.join(', '), attackers: pipeline.attackers ?? null, norm, clients }
}

function placeOf(own: number, norm: number, product: number) {
  return {
    norm: own,
    distance: Math.sqrt(Math.max(0, own * own + norm * norm - 2 * product)),
    cosine: own === 0 || norm === 0 ? 0 : Math.max(-1, Math.min(1, product / (own * norm))),
  }
}

function weightOf({ result }: Decision, i: number): number | null {
  return result.kind === 'combination' ? (result.coefficients[i] as number) : null
}

/** Why an update has no part: the rule's own words where it spoke of this update, else what its weight says. */
function leftOutOf(decision: Decision, i: number, weight: number | null): string | undefined {
  const said = decision.renumbered ? undefined : decision.leftOut.find(({ point }) => point === i)?.why
  if (weight === 0) return said ?? 'nothing that was kept contains it'
  // After mixing, the rule left a neighbourhood out, not the update that it is named after.
  return weight === null && decision.scales[i] !== undefined ? said : undefined
}

import type { Metrics } from '../../core/metrics/metrics.ts'
import type { Manifest } from '../../core/release/manifest.ts'
import type { GateVerdict } from '../../core/run/view.ts'
import type { Digest } from '../store/ports.ts'

/** A result of a run that has passed its gates. */
export type Candidate = {
  readonly model: string
  readonly run: string
  readonly round: number
  readonly weights: { readonly digest: Digest; readonly bytes: number }
  /** SHA-256 of the canonical layout. */
  readonly layout: string
  readonly parameters: number
  readonly plan: Digest
  /** The model file that the run started from. */
  readonly base: Digest
  /** Name of the aggregation rule. */
  readonly rule: string
  readonly clients: { readonly invited: number; readonly accepted: number; readonly refused: number }
  /** Absent when the round was not evaluated. */
  readonly metrics?: Metrics
  readonly gates: readonly GateVerdict[]
  /** What its rounds have spent of their clients' privacy. */
  readonly privacy?: {
    readonly epsilon: number
    readonly delta: number
    readonly rounds: number
    readonly mechanism: 'gaussian' | 'distributed-discrete-gaussian' | 'tree'
    readonly neighbours: 'add-or-remove' | 'replace'
  }
}

export type Publication = {
  readonly number: number
  readonly parent: number | null
  /** RFC 3339, UTC, with milliseconds. */
  readonly publishedAt: string
  readonly parleyVersion: string
}

/** What is signed when the candidate becomes this version. */
export function manifestOf(
  candidate: Candidate,
  { number, parent, publishedAt, parleyVersion }: Publication,
): Manifest {
  const { model, run, round, weights, layout, parameters, plan, base, rule, clients, metrics, gates, privacy } =
    candidate
  return {
    v: 1,
    model,
    number,
    weights: weights.digest,
    weightsBytes: weights.bytes,
    layout,
    parameters,
    plan,
    run,
    round,
    parent,
    base,
    rule,
    clients: { invited: clients.invited, accepted: clients.accepted, refused: clients.refused },
    metrics: metrics === undefined ? null : metricsOf(metrics),
    gates: gates.map(({ gate, metric, verdict, value, bound, explanation }) => ({
      gate,
      metric,
      verdict,
      value: decimal(value),
      bound: decimal(bound),
      explanation,
    })),
    ...(privacy === undefined
      ? {}
      : { privacy: { ...privacy, epsilon: String(privacy.epsilon), delta: String(privacy.delta) } }),
    publishedAt,
    parleyVersion,
  }
}

function metricsOf(metrics: Metrics): Manifest['metrics'] {
  return {
    rows: metrics.rows,
    loss: decimal(metrics.loss),
    accuracy: decimal(metrics.accuracy),
    precision: decimal(metrics.precision),
    recall: decimal(metrics.recall),
    f1: decimal(metrics.f1),
    auc: decimal(metrics.auc),
  }
}

/** The shortest text that reads as the same double. */
function decimal(value: number | null): string | null {
  return value === null ? null : String(value)
}

import type { UpdatesEvidence } from '../../core/attestation/provenance.ts'
import type { EvaluationCounts } from '../../core/metrics/counts.ts'
import type { Metrics } from '../../core/metrics/metrics.ts'
import type { Plan } from '../../core/plan/plan.ts'
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
  readonly evidence: RunEvidence
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
  /** What its run has cost single training rows, at the client where that is most. */
  readonly records?: { readonly epsilon: number; readonly delta: number; readonly clients: number }
}

/** What the run knows of how a candidate came about, beside what the manifest says. */
export type RunEvidence = {
  readonly plan: Plan
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  /** Rounds that made a model, up to the candidate's. */
  readonly rounds: readonly { readonly round: number; readonly pooled: Metrics | undefined }[]
  /** What each client counted on its held-out rows, and the groups of rows over all clients. */
  readonly sites: readonly { readonly client: string; readonly counts: EvaluationCounts; readonly metrics: Metrics }[]
  readonly groups: readonly { readonly by: string; readonly group: string; readonly metrics: Metrics }[]
  /** Over all rows; absent where the round was not evaluated. */
  readonly counts?: EvaluationCounts
  readonly participants: readonly string[]
  readonly updates: UpdatesEvidence
  readonly rejected: readonly { readonly round: number; readonly client: string; readonly code: string }[]
}

export type Publication = {
  readonly number: number
  readonly parent: number | null
  /** RFC 3339, UTC, with milliseconds. */
  readonly publishedAt: string
  readonly parleyVersion: string
} & Pick<Manifest, 'root' | 'releaseKey' | 'files'>

/** What is signed when the candidate becomes this version. */
export function manifestOf(
  candidate: Candidate,
  { number, parent, publishedAt, parleyVersion, root, releaseKey, files }: Publication,
): Manifest {
  const {
    model,
    run,
    round,
    weights,
    layout,
    parameters,
    plan,
    base,
    rule,
    clients,
    metrics,
    gates,
    privacy,
    records,
  } = candidate
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
    gates: gates.map(gateOf),
    ...(privacy === undefined
      ? {}
      : { privacy: { ...privacy, epsilon: String(privacy.epsilon), delta: String(privacy.delta) } }),
    ...(records === undefined
      ? {}
      : { records: { ...records, epsilon: String(records.epsilon), delta: String(records.delta) } }),
    root,
    releaseKey,
    files,
    publishedAt,
    parleyVersion,
  }
}

function gateOf({ gate, metric, verdict, value, bound, explanation, n, interval, hard, holdout }: GateVerdict) {
  return {
    gate,
    metric,
    verdict,
    value: decimal(value),
    bound: decimal(bound),
    explanation,
    ...(n === undefined ? {} : { n }),
    ...(interval === undefined ? {} : { interval: intervalOf(interval) }),
    ...(hard === undefined ? {} : { hard }),
    ...(holdout === undefined ? {} : { holdout: { ...holdout } }),
  }
}

function intervalOf({ low, high, confidence }: NonNullable<GateVerdict['interval']>) {
  return { low: String(low), high: String(high), confidence: String(confidence) }
}

function metricsOf(metrics: Metrics): Manifest['metrics'] {
  const { rows, ...figures } = metrics
  const known = Object.entries(figures).filter(([, value]) => value !== undefined)
  return { rows, ...(mapped(known) as Omit<NonNullable<Manifest['metrics']>, 'rows'>) }
}

function mapped(figures: readonly [string, number | null][]): Record<string, string | null> {
  return Object.fromEntries(figures.map(([name, value]) => [name, decimal(value)]))
}

/** The shortest text that reads as the same double. */
function decimal(value: number | null): string | null {
  return value === null ? null : String(value)
}

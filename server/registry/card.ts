import type { CardAuthor, CardInput, CardResult } from '../../core/attestation/model-card/input.ts'
import { estimateOf } from '../../core/metrics/confidence/estimate.ts'
import type { EvaluationCounts } from '../../core/metrics/counts.ts'
import { type MetricName, type Metrics, metricTable } from '../../core/metrics/metrics.ts'
import { dataEnds } from '../../core/plan/data.ts'
import type { GateVerdict } from '../../core/run/view.ts'
import type { Candidate } from './manifest.ts'

const NOT_SAID = 'The plan does not say.'

/** Of a plan without a card: nobody is led to believe that somebody thought about it. */
const unsaid: CardAuthor = {
  summary: NOT_SAID,
  intendedUse: NOT_SAID,
  notIntended: NOT_SAID,
  dataDescription: NOT_SAID,
  dataPeriod: NOT_SAID,
  limits: NOT_SAID,
  ethics: NOT_SAID,
  contact: NOT_SAID,
  withdrawal: NOT_SAID,
  changes: NOT_SAID,
  license: { id: 'unknown' },
}

/** The card's intervals have 95 % between their two sides. */
const ONE_SIDE = 0.025

/** Metrics that are drawn and listed for each site and each group of rows, where the plan's gates name none. */
const SHOWN: readonly MetricName[] = ['accuracy', 'auc']
const SHOWN_OF_NUMBERS: readonly MetricName[] = ['mae', 'rmse', 'bias']

/** All that the model card of a candidate is made of. */
export function cardInputOf(
  { model, run, round, rule, weights, plan, clients, privacy, records, gates, evidence }: Candidate,
  version: { readonly number: number; readonly evaluation: string; readonly parent?: string | undefined },
): CardInput {
  const { number, evaluation, parent } = version
  const author = evidence.plan.card
  const shown = shownOf(evidence.plan)
  return {
    author: author === undefined ? unsaid : authorOf(author),
    model,
    number,
    weights: weights.digest,
    evaluation,
    run,
    round,
    ...(parent === undefined ? {} : { baseModel: parent }),
    verifyCommand: `parley model verify ${model}/${number} --key <public key of the coordinator>`,
    participants: { kind: 'clients', pseudonyms: evidence.participants },
    training: {
      plan,
      rounds: evidence.rounds.length,
      rule,
      mode: evidence.plan.privacy.mode,
      accepted: acceptedOf(evidence) ?? clients.accepted,
      rejected: countByCode(evidence.rejected.map(({ code }) => code)),
    },
    privacy:
      privacy === undefined
        ? null
        : {
            epsilon: String(privacy.epsilon),
            delta: String(privacy.delta),
            accountant: privacy.mechanism,
            unit: `one client, ${privacy.neighbours}`,
          },
    ...(records === undefined
      ? {}
      : { records: { ...records, epsilon: String(records.epsilon), delta: String(records.delta) } }),
    robustness: { tolerated: toleratedBy(evidence.plan.aggregation.rule), clients: clients.accepted, attacks: [] },
    gates: gates.map(gateOf),
    sites: evidence.sites.flatMap(({ client, metrics, counts }) => resultsOf(client, metrics, shown, counts)),
    subgroups: evidence.groups.flatMap(({ by, group, metrics }) => resultsOf(`${by}: ${group}`, metrics, shown)),
    deviations: [],
    ...curveOf(evidence.rounds, shown),
    ...(evidence.counts?.task === 'binary' ? { scores: evidence.counts } : {}),
    ...(evidence.counts?.task === 'regression' ? { errors: evidence.counts } : {}),
  }
}

function authorOf({ license, ...rest }: NonNullable<Candidate['evidence']['plan']['card']>): CardAuthor {
  const { id, name, link } = license
  const named = { ...(name === undefined ? {} : { name }), ...(link === undefined ? {} : { link }) }
  return { ...(rest as Omit<CardAuthor, 'license'>), license: { id, ...named } }
}

function gateOf({ gate, metric, verdict, value, interval, n, explanation }: GateVerdict): CardInput['gates'][number] {
  return {
    gate,
    metric,
    verdict,
    value,
    interval: interval === undefined ? null : [interval.low, interval.high],
    n: n ?? 0,
    condition: explanation,
  }
}

/** What the gates judge is what readers want to see of each site: of a rare event accuracy, say, tells nothing. */
function shownOf({ gates, data }: Candidate['evidence']['plan']): readonly MetricName[] {
  const named = gates.flatMap((gate) => ('metric' in gate && gate.metric !== undefined ? [gate.metric] : []))
  const metrics = [...new Set(named)].filter((metric) => metric !== 'recallAtPrecision')
  if (metrics.length > 0) return metrics
  return dataEnds(data).numeric === undefined ? SHOWN : SHOWN_OF_NUMBERS
}

/** Updates of all rounds; undefined where only sums of them were seen. */
function acceptedOf({ updates }: Candidate['evidence']): number | undefined {
  if (updates.kind === 'sums') return undefined
  return updates.kind === 'list' ? updates.count : updates.updates.length
}

function resultsOf(
  name: string,
  metrics: Metrics,
  shown: readonly MetricName[],
  counts?: EvaluationCounts,
): CardResult[] {
  return shown.flatMap((metric) => {
    const value = metrics[metric] ?? null
    if (value === null) return []
    const estimate = counts === undefined ? undefined : estimateOf(metricTable[metric], counts, ONE_SIDE)
    const bounds = estimate === undefined || 'why' in estimate ? undefined : estimate.interval
    const interval = bounds === undefined ? null : ([bounds.low, bounds.high] as const)
    return [{ name, metric, value, interval, n: metrics.rows }]
  })
}

function curveOf(
  rounds: Candidate['evidence']['rounds'],
  shown: readonly MetricName[],
): Pick<CardInput, 'learningCurve'> {
  const metric = shown.find((name) => rounds.some(({ pooled }) => pooled?.[name] != null))
  if (metric === undefined) return {}
  return {
    learningCurve: { metric, points: rounds.map(({ round, pooled }) => ({ round, value: pooled?.[metric] ?? null })) },
  }
}

function countByCode(codes: readonly string[]): { readonly code: string; readonly count: number }[] {
  const counts = new Map<string, number>()
  for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1)
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([code, count]) => ({ code, count }))
}

/** How many clients may send anything and not decide the result: the rule's f, where it has one. */
function toleratedBy(rule: Candidate['evidence']['plan']['aggregation']['rule']): number {
  const [options] = Object.values(rule as Record<string, { readonly f?: unknown }>)
  return typeof options?.f === 'number' ? options.f : 0
}

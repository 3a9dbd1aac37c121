import { headlineOf, type MetricName, type Metrics } from '../core/metrics/metrics.ts'
import { listingOf, type RunListing } from '../core/run/listing.ts'
import type { Recomputation } from '../core/run/recomputation.ts'
import type { RobustnessReport, Suspect } from '../core/run/robustness.ts'
import type { GateVerdict, PrivacyView, RecordsView, RoundSummary, RunView } from '../core/run/view.ts'
import { recordedLatencyText } from './latency-text.ts'

/** A run on one line: where it is, who has answered, how good the last model was. */
export function progressLine(view: RunView): string {
  return listingLine(listingOf(view))
}

/** The same of a run in a list. */
export function listingLine(view: RunListing): string {
  const { metrics: last, engaged } = view
  const parts = [`round ${Math.min(view.round, view.rounds)}/${view.rounds}`, phaseText(view).padEnd(11)]
  if (engaged.clients > 0) parts.push(`${engaged.answered}/${engaged.clients} answered`, bytes(engaged.bytes))
  if (last !== undefined) {
    const names = last.mae === undefined ? (['loss', 'accuracy', 'auc'] as const) : (['mae', 'rmse', 'r2'] as const)
    parts.push(...names.map((name) => `${name} ${figure(last[name] ?? null)}`))
  }
  if (view.privacy !== undefined) parts.push(privacyText(view.privacy))
  if (view.records !== undefined) parts.push(recordsText(view.records))
  const left = timeLeft(view)
  if (left !== undefined) parts.push(`about ${left} left`)
  return parts.join('  ')
}

/** ε so far, and of how much. */
export function privacyText({ epsilon, delta, budget }: PrivacyView): string {
  const of = budget === undefined ? '' : ` of ${budget}`
  return `ε ${epsilon.toPrecision(3)}${of} (δ ${delta})`
}

/** ε of single rows so far, at the client where it is most, and of how much. */
export function recordsText({ epsilon, delta, budget }: Omit<RecordsView, 'clients'>): string {
  const of = budget === undefined ? '' : ` of ${budget}`
  return `ε of a row ${epsilon.toPrecision(3)}${of} (δ ${delta})`
}

/** What each client says that the run has cost its rows, a line each. */
export function recordsLines({ records }: RunView): string[] {
  if (records === undefined || records.clients.length === 0) return []
  return [
    `${recordsText(records)}; of each client, as it says itself:`,
    ...records.clients.map(({ client, epsilon }) => `  ${client}: ε ${epsilon.toPrecision(3)}`),
  ]
}

/** Seconds that the remaining rounds take at the pace of those done, in words; undefined before the first. */
function timeLeft({ completed, firstOpenedAt, lastClosedAt, phase, rounds }: RunListing): string | undefined {
  if (firstOpenedAt === undefined || lastClosedAt === undefined || phase === 'over') return undefined
  const perRound = (Date.parse(lastClosedAt) - Date.parse(firstOpenedAt)) / completed
  const seconds = Math.max(0, Math.round((perRound * (rounds - completed)) / 1000))
  return seconds < 60 ? `${seconds} s` : `${Math.round(seconds / 60)} min`
}

/** One closed round on one line. */
export function roundLine(round: RoundSummary, rounds: number): string {
  const { pooled, accepted, cohort, refused, failure, unevaluated } = round
  const parts = [`round ${String(round.round).padStart(String(rounds).length)}/${rounds}`]
  parts.push(`${accepted.length}/${cohort.length} updates`, bytes(round.bytes))
  if (pooled !== undefined) parts.push(...headlineOf([pooled]).map((name) => `${name} ${figure(pooled[name] ?? null)}`))
  if (failure !== undefined) parts.push(`failed: ${failure.code}, ${failure.message}`)
  if (unevaluated !== undefined) parts.push(`not evaluated: ${unevaluated.message}`)
  for (const { client, code, message } of refused) {
    const own = code === 'node.plan-refused' || code === 'node.plan-held'
    parts.push(`${client} refused: ${code}${own ? `, ${printable(message)}` : ''}`)
  }
  return parts.join('  ')
}

/** What a client said, without what a terminal would obey. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, ' ')
}

/** The metrics of the last evaluated round, a line per client, one for all rows together, and one for the coordinator's own. */
export function metricsTable(view: RunView, asked?: readonly MetricName[]): string {
  const round = view.history.findLast(({ pooled }) => pooled !== undefined)
  if (round?.pooled === undefined) return 'no round was evaluated'
  const metrics = asked ?? headlineOf([round.pooled])
  const rows: [string, Metrics][] = round.clients.map(({ client, metrics }) => [client, metrics])
  const { summed } = round
  rows.push([summed === undefined ? 'pooled' : `sum of ${summed.length} clients`, round.pooled])
  const { holdout } = round
  if (holdout !== undefined && 'metrics' in holdout) {
    rows.push(['holdout', holdout.metrics])
    if (holdout.champion !== undefined) rows.push([`holdout, v${holdout.champion.version}`, holdout.champion.metrics])
  }
  const width = Math.max(...rows.map(([name]) => name.length))
  const head = `${' '.repeat(width)}  ${['rows', ...metrics].map((name) => name.padStart(9)).join(' ')}`
  const lines = rows.map(([name, values]) => {
    const figures = metrics.map((column) => figure(values[column] ?? null).padStart(9))
    return `${name.padEnd(width)}  ${[String(values.rows).padStart(9), ...figures].join(' ')}`
  })
  return [head, ...lines].join('\n')
}

/** The pooled metrics of every evaluated round, and each client's value beside them: the first of `asked`, or of the headline metrics. */
export function roundsTable(view: RunView, asked?: readonly MetricName[]): string {
  const evaluated = view.history.filter(({ pooled }) => pooled !== undefined)
  const metrics = asked ?? headlineOf(evaluated.map(({ pooled }) => pooled))
  const [first = 'accuracy'] = metrics
  const clients = [...new Set(evaluated.flatMap((round) => round.clients.map(({ client }) => client)))]
  const width = Math.max(9, ...clients.map((client) => client.length))
  const head = `round  ${metrics.map((name) => name.padStart(9)).join(' ')}  | ${first}: ${clients.map((name) => name.padStart(width)).join(' ')}`
  const lines = evaluated.map((round) => {
    const pooled = metrics.map((column) => figure(round.pooled?.[column] ?? null).padStart(9)).join(' ')
    const own = clients.map((name) => {
      const value = round.clients.find(({ client }) => client === name)?.metrics[first] ?? null
      return figure(value).padStart(width)
    })
    return `${String(round.round).padStart(5)}  ${pooled}  ${'|'.padEnd(first.length + 4)}${own.join(' ')}`
  })
  return [head, ...lines].join('\n')
}

/** Each gate on a line: what was measured, over how many rows, the interval where one was asked for, and the bound. */
export function gatesTable(gates: readonly GateVerdict[]): string {
  // Bytes are counted, and would look measured with decimals.
  const shortOf = (figure: number | null) => (Number.isInteger(figure) ? String(figure) : brief(figure))
  const rows = gates.map(({ gate, verdict, value, bound, n, interval }) => [
    gate,
    verdict,
    shortOf(value),
    interval === undefined ? '-' : `${brief(interval.low)} to ${brief(interval.high)}`,
    shortOf(bound),
    n === undefined ? '-' : String(n),
  ])
  const all = [['gate', 'verdict', 'value', 'interval', 'bound', 'n'], ...rows]
  const widths = all.reduce<number[]>((most, row) => row.map((cell, i) => Math.max(most[i] ?? 0, cell.length)), [])
  return all
    .map((row) => row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))))
    .map((cells) => cells.join('  ').trimEnd())
    .join('\n')
}

/** What became of each client's update in one round. */
export function robustnessTable({ rule, attackers, norm, clients }: RobustnessReport): string {
  const width = Math.max(6, ...clients.map(({ client }) => client.length))
  const weighted = clients.some(({ weight }) => weight !== null)
  const columns = [weighted ? 'weight' : 'kept', 'scale', 'norm', 'distance', 'cosine'] as const
  const head = `${'client'.padEnd(width)}  ${columns.map((name) => name.padStart(9)).join(' ')}  marks`
  const lines = clients.map((one) => {
    const cells = columns.map((name) => brief(one[name]).padStart(9)).join(' ')
    const why = one.leftOut === undefined ? '' : ` (${one.leftOut})`
    return `${one.client.padEnd(width)}  ${cells}  ${one.marks.join(', ')}${why}`.trimEnd()
  })
  const assumed = attackers === null ? '' : `, against ${attackers} attacker${attackers === 1 ? '' : 's'}`
  return [`combined by ${rule}${assumed}; norm of the aggregate ${brief(norm)}`, head, ...lines].join('\n')
}

/** Which sums a masked round opened, of whom, and what was lost: nothing else is known of single updates. */
export function sumsText({ opened, spoiled, culprits }: NonNullable<RoundSummary['sums']>): string {
  const width = Math.max(0, ...opened.map(({ name }) => name.length))
  const count = `${opened.length} sum${opened.length === 1 ? '' : 's'} opened; nothing else is known of an update`
  return [
    count,
    ...opened.map(({ name, clients }) => `  ${name.padEnd(width)}  ${clients.length} clients: ${clients.join(', ')}`),
    ...spoiled.map(({ clients, reason }) => `  lost (${reason}): ${clients.join(', ')}`),
    ...(culprits.length === 0 ? [] : [`  wrong shares came from ${culprits.join(', ')}`]),
  ].join('\n')
}

/** What a recomputation came to, and the weights of each client then and now. */
export function recomputationText(recomputation: Recomputation): string {
  const { round, without, identical, difference, recomputed } = recomputation
  const { norm, relative, cosine } = difference
  const { recordedReport, recordedLatency, recomputedReport } = recomputation
  const changed = without.length === 0 ? '' : ` without ${without.join(', ')}`
  const head = identical
    ? `round ${round}${changed} gives the same bytes again: ${recomputed}`
    : `round ${round}${changed} would have made ${recomputed}`
  const share = relative === null ? '' : `, ${(100 * relative).toFixed(1)} % of the way that the round went`
  const line = `the new weights would lie ${brief(norm)} from those that were made${share}; cosine ${brief(cosine)}`
  return [
    head,
    ...(identical ? [] : [line]),
    ...(recordedReport === undefined ? [] : ['', `then: ${robustnessTable(recordedReport)}`]),
    '',
    `now: ${robustnessTable(recomputedReport)}`,
    '',
    ...(recordedLatency === undefined ? [] : [recordedLatencyText(recordedLatency), '']),
    'Nothing was stored, and what is published stays as it is.',
  ].join('\n')
}

/** One line for each client that a person should look at; none when there is none. */
export function suspectLines(suspects: readonly Suspect[]): string[] {
  return suspects.map(
    ({ client, marked, of, marks }) =>
      `suspicious: ${client}, marked in ${marked} of its last ${of} rounds (${marks.join(', ')})`,
  )
}

function brief(value: number | null): string {
  if (value === null) return '-'
  const size = Math.abs(value)
  return size !== 0 && (size < 0.001 || size >= 100_000) ? value.toExponential(2) : value.toFixed(4)
}

export function outcomeText(view: RunView): string {
  const { outcome } = view
  if (outcome === undefined) return `run ${view.run} is ${view.phase}${pauseText(view)}`
  switch (outcome.kind) {
    case 'published':
      return [`published ${view.model}/${outcome.version}`, ...outcome.gates.map(gateLine)].join('\n')
    case 'rejected': {
      const why =
        outcome.gates.length === 0
          ? 'the plan has no gates, so nothing is published'
          : 'the candidate did not pass its gates'
      return [`not published: ${why}`, ...outcome.gates.map(gateLine)].join('\n')
    }
    case 'failed':
      return `failed: ${outcome.code}: ${outcome.message}`
    case 'stopped':
      return `stopped: ${outcome.reason}`
    default:
      return outcome satisfies never
  }
}

function phaseText({ phase, paused }: RunListing): string {
  if (paused === undefined) return phase
  return phase === 'waiting' ? 'paused' : `${phase}, then paused`
}

function pauseText({ paused, holding = [] }: RunView): string {
  const people = holding.length === 0 ? '' : `; the plan waits for a person at ${holding.join(', ')}`
  return paused === undefined ? people : `; paused since ${paused.at}: ${printable(paused.reason)}${people}`
}

function gateLine(gate: GateVerdict): string {
  return `  gate ${gate.gate}: ${gate.verdict} (${gate.explanation})`
}

export function figure(value: number | null): string {
  return value === null ? '-' : value.toFixed(3)
}

export function bytes(value: number): string {
  if (value < 1024) return `${value} B`
  if (value < 1024 ** 2) return `${(value / 1024).toFixed(1)} KiB`
  return `${(value / 1024 ** 2).toFixed(1)} MiB`
}

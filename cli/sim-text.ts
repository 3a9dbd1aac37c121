import { leadingOf } from '../core/metrics/metrics.ts'
import type { RobustnessMark, RobustnessReport } from '../core/run/robustness.ts'
import type { RunOutcome } from '../core/run/view.ts'
import type {
  Comparison,
  CrossValidation,
  FoldResult,
  FoldSpread,
  PointRow,
  PointTable,
  SimulatedRound,
  SimulationResult,
  SweepCell,
  SweepResult,
} from '../sim/index.ts'
import { bytes, figure, suspectLines } from './run-text.ts'

/** Clients that a line names before it only counts them. */
const MOST_NAMED = 4

/** A closed round on one line. */
export function simulatedRoundLine(round: SimulatedRound, of: number, secondsLeft: number | undefined): string {
  const { accepted, cohort, refused, central, attackSuccess, robustness } = round
  const parts = [`round ${String(round.round).padStart(String(of).length)}/${of}`]
  parts.push(`${accepted.length}/${cohort.length} updates`, bytes(round.bytes))
  if (central !== undefined)
    parts.push(...leadingOf([central]).map((name) => `${name} ${figure(central[name] ?? null)}`))
  if (attackSuccess !== undefined) parts.push(`attack succeeds ${figure(attackSuccess)}`)
  if (round.closedMs > 0) parts.push(`at ${duration(round.closedMs / 1000)} of virtual time`)
  if (refused.length > 0) parts.push(`refused: ${few(refused.map(({ client, code }) => `${client} (${code})`))}`)
  if (round.weights === undefined) parts.push('failed')
  if (robustness !== undefined) parts.push(...marksOf(robustness))
  if (secondsLeft !== undefined) parts.push(`about ${duration(secondsLeft)} left`)
  return parts.join('  ')
}

/** Who was out of the ordinary. Who was left out is counted: many rules leave out most of the honest, too. */
function marksOf({ clients }: RobustnessReport): string[] {
  const telling = (marks: readonly RobustnessMark[]) => marks.filter((mark) => mark !== 'left-out')
  const marked = clients.filter(({ marks }) => telling(marks).length > 0)
  const left = clients.filter(({ marks }) => marks.includes('left-out')).length
  const names = marked.map(({ client, marks }) => `${client} (${telling(marks).join(', ')})`)
  return [...(names.length === 0 ? [] : [`marked: ${few(names)}`]), ...(left === 0 ? [] : [`left out: ${left}`])]
}

function few(names: readonly string[]): string {
  const more = names.length - MOST_NAMED
  return more <= 1 ? names.join(', ') : `${names.slice(0, MOST_NAMED).join(', ')} and ${more} more`
}

/** What a simulation came to, below its rounds. */
export function simulationText(result: SimulationResult): string {
  const { suspects, outcome, weights, attackers, records, trainedOn } = result
  const lines = suspectLines(suspects).map((line, i) => {
    const attacker = attackers.includes(suspects[i]?.client ?? '')
    return `${line}${attacker ? ': an attacker' : ': honest'}`
  })
  const ofWeights = weights === undefined ? [] : [`weights ${weights}`]
  const ofRows =
    records === undefined
      ? []
      : [`a row of ${records.client} has cost most: ε ${records.epsilon.toPrecision(3)} (δ ${records.delta})`]
  const engine = trainedOn === undefined ? [] : [`trained on ${trainedOn.engine} (${trainedOn.why})`]
  return [...lines, ...outcomeLines(outcome), ...ofRows, ...engine, ...ofWeights].join('\n')
}

function outcomeLines(outcome: RunOutcome): string[] {
  switch (outcome.kind) {
    case 'published':
    case 'rejected': {
      if (outcome.gates.length === 0) return []
      const gates = outcome.gates.map(({ gate, verdict, explanation }) => `  gate ${gate}: ${verdict} (${explanation})`)
      return [outcome.kind === 'published' ? 'it would be published' : 'it would not be published', ...gates]
    }
    case 'failed':
      return [`the run failed: ${outcome.code}: ${outcome.message}`]
    case 'stopped':
      return [`stopped: ${outcome.reason}`]
    default:
      return outcome satisfies never
  }
}

/** A fold that is done on one line. */
export function foldLine({ fold, heldOut, outside, result }: FoldResult, of: number): string {
  const figures =
    outside === undefined
      ? 'not evaluated'
      : leadingOf([outside])
          .map((name) => `${name} ${figure(outside[name] ?? null)}`)
          .join('  ')
  const failed = result.outcome.kind === 'failed' ? [`failed: ${result.outcome.message}`] : []
  return [`fold ${fold}/${of}  held out: ${few(heldOut)}`, figures, ...failed].join('  ')
}

/** Mean and standard deviation of each metric over the folds. */
export function foldsText({ metrics, folds }: CrossValidation): string {
  const cell = ({ mean, deviation }: FoldSpread) =>
    deviation === undefined ? scoreText(mean) : `${scoreText(mean)} ± ${scoreText(deviation)}`
  const rows = metrics
    .filter(({ outside, inside }) => outside.folds > 0 || inside.folds > 0)
    .map(({ metric, outside, inside }) => [metric, cell(outside), `${outside.folds}/${folds.length}`, cell(inside)])
  return aligned([['mean ± sd', 'clients held out', 'folds', 'clients that trained'], ...rows])
}

/** One simulation of a sweep on one line. */
export function cellLine(
  { values, seed, score, reason }: SweepCell,
  metric: string,
  { done, of, fresh, secondsLeft }: { done: number; of: number; fresh: boolean; secondsLeft: number | undefined },
): string {
  const parts = [`${String(done).padStart(String(of).length)}/${of}`, valuesText(values)]
  if (seed !== undefined) parts.push(`seed ${seed}`)
  parts.push(score === null ? `no ${metric}: ${brief(reason ?? '')}` : `${metric} ${scoreText(score)}`)
  if (!fresh && score !== null) parts.push('(done before)')
  if (secondsLeft !== undefined) parts.push(`about ${duration(secondsLeft)} left`)
  return parts.join('  ')
}

/** The table of a sweep, its best and its worst point, and why there are points without a score. */
export function sweepText({ table, best, worst }: SweepResult): string {
  const { rows, metric } = table
  const extremes = [`best:  ${rowText(best)}`, `worst: ${rowText(worst)}`]
  return [`${metric}:`, isMatrix(table) ? matrix(table) : list(table), '', ...extremes, ...reasons(rows)].join('\n')
}

function rowText(row: PointRow): string {
  return `${cellText(row)} at ${valuesText(row.values)}${row.worst === undefined ? '' : `, by ${row.worst}`}`
}

/** Two axes with a point at each combination, and few enough columns for a terminal. */
function isMatrix({ axes, rows }: PointTable): boolean {
  const [down, across, ...others] = axes.map(({ values }) => values.length)
  return (
    down !== undefined && across !== undefined && others.length === 0 && across <= 8 && rows.length === down * across
  )
}

/** Two axes: the first one down, the second one across. */
function matrix({ axes, rows }: PointTable): string {
  const [down, across] = axes
  if (down === undefined || across === undefined) return ''
  const found = new Map(rows.map((row) => [JSON.stringify([row.values[down.name], row.values[across.name]]), row]))
  const body = down.values.map((value) => {
    const cells = across.values.map((other) => {
      const row = found.get(JSON.stringify([value, other]))
      if (row === undefined) return ''
      return row.worst === undefined ? cellText(row) : `${cellText(row)} ${row.worst}`
    })
    return [value, ...cells]
  })
  return aligned([[`${down.name} \\ ${across.name}`, ...across.values], ...body])
}

function list({ axes, rows, metric }: PointTable): string {
  const names = axes.map(({ name }) => name)
  const worst = rows.some((row) => row.worst !== undefined)
  const head = [...names, metric, ...(worst ? ['worst'] : [])]
  const body = rows.map((row) => [
    ...names.map((name) => row.values[name] ?? ''),
    cellText(row),
    ...(worst ? [row.worst ?? ''] : []),
  ])
  return aligned([head, ...body])
}

/** With a star where some of its simulations have no score. */
function cellText({ score, spread, incomplete }: PointRow): string {
  if (score === null) return '-'
  const figure = spread === undefined ? scoreText(score) : `${scoreText(score)} ± ${scoreText(spread)}`
  return incomplete === undefined ? figure : `${figure}*`
}

/** Why there are points without a score: each reason once. */
function reasons(rows: readonly PointRow[]): string[] {
  const byReason = new Map<string, PointRow[]>()
  for (const row of rows) {
    const reason = row.failure ?? row.incomplete
    if (reason !== undefined) byReason.set(reason, [...(byReason.get(reason) ?? []), row])
  }
  if (byReason.size === 0) return []
  const lines = [...byReason].slice(0, 10).map(([reason, [first, ...others]]) => {
    const more = others.length === 0 ? '' : ` and ${others.length} more`
    return `  ${valuesText(first?.values ?? {})}${more}: ${brief(reason)}`
  })
  const more =
    byReason.size > lines.length ? [`  and ${byReason.size - lines.length} other reasons: see table.json`] : []
  return ['', 'without a score (-), or with one of only some simulations (*):', ...lines, ...more]
}

/** The first part of a message: what comes after a semicolon is advice. */
function brief(reason: string): string {
  const [first = ''] = reason.split('; ')
  return first.length > 200 ? `${first.slice(0, 200)}…` : first
}

/** Two simulations side by side. */
export function comparisonText({ scenario, identical, weights, outcome, metrics, rounds }: Comparison): string {
  const fields = scenario.map(({ path, a, b }) => `  ${path}: ${fieldText(a)} → ${fieldText(b)}`)
  const same =
    identical === null
      ? 'weights: one of them has none'
      : identical
        ? `weights: identical, ${weights.a}`
        : `weights: ${weights.a} → ${weights.b}`
  const figures = metrics
    .filter(({ a, b }) => a !== null || b !== null)
    .map(({ name, a, b }) => [name, scoreText(a), scoreText(b), change(a, b)])
  const [first, second] = rounds.some(({ mae }) => mae !== undefined)
    ? (['mae', 'rmse'] as const)
    : (['accuracy', 'loss'] as const)
  const table = rounds.map(({ round, same, ...own }) => [
    String(round),
    ...[own[first], own[second]].flatMap((pair) => [scoreText(pair?.a ?? null), scoreText(pair?.b ?? null)]),
    same ? 'identical' : '',
  ])
  return [
    fields.length === 0 ? 'the scenarios are the same' : 'the scenarios differ in',
    ...fields,
    ...(outcome.a === outcome.b ? [] : [`outcome: ${outcome.a} → ${outcome.b}`]),
    same,
    '',
    aligned([['last round', 'A', 'B', 'B − A'], ...figures]),
    '',
    aligned([['round', `${first} A`, 'B', `${second} A`, 'B', 'weights'], ...table]),
  ].join('\n')
}

function fieldText(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value)
}

function change(a: number | null, b: number | null): string {
  if (a === null || b === null) return ''
  return `${b > a ? '+' : ''}${scoreText(b - a)}`
}

function valuesText(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name.split('.').at(-1)} = ${value}`)
    .join(', ')
}

export function scoreText(value: number | null): string {
  if (value === null) return '-'
  const size = Math.abs(value)
  if (size >= 100_000) return String(Math.round(value))
  return size !== 0 && size < 0.001 ? value.toExponential(2) : value.toFixed(3)
}

/** Columns under each other: the first to the left, the others to the right. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>((all, row) => row.map((cell, i) => Math.max(all[i] ?? 0, cell.length)), [])
  return rows
    .map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))))
    .map((cells) => cells.join('  ').trimEnd())
    .join('\n')
}

/** Seconds in words. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${Number(seconds.toPrecision(2))} s`
  if (seconds < 90) return `${Math.round(seconds)} s`
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`
  return `${(seconds / 3_600).toFixed(1)} h`
}

import { allowedValues, type LabelKind, type Metric, metricTable } from './metric-table.ts'

/** The text of docs/metrics.md, before the formatter has lined up its tables. */
export function metricsPage(): string {
  const rows = Object.values<Metric>(metricTable).map(
    ({ name, kind, labels, help }) => `| \`${name}\` | ${kind} | ${labelsOf(labels)} | ${help} |`,
  )
  const histograms = Object.values<Metric>(metricTable).flatMap(({ name, buckets }) =>
    buckets === undefined ? [] : [`| \`${name}\` | ${buckets.join(', ')} |`],
  )
  return `${[
    '# Metrics',
    '',
    'The coordinator answers `GET /metrics` in the text format of Prometheus. Series never carry names of clients, runs or',
    'models: each label has a fixed set of values, and anything else is counted as `other`. Beside these there are the usual',
    'metrics of a Node.js process (`process_*`, `nodejs_*`). Counters start at 0 with the process.',
    '',
    '| metric | kind | labels | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    'Upper bounds of the buckets, in seconds:',
    '',
    '| histogram | buckets |',
    '| --- | --- |',
    ...histograms,
    '',
    '## Worth an alert',
    '',
    '| condition | what it means |',
    '| --- | --- |',
    '| `parley_journal_append_seconds` above 0.1 at the 99th percentile | the disk is slow or nearly full; rounds slow down with it |',
    '| `parley_updates_refused_total` grows faster than `parley_updates_accepted_total` | clients and plan do not fit; the code says how |',
    '| `parley_rounds_total{outcome="failed"}` grows | too few updates in time; see `round.quorum` in [errors.md](errors.md) |',
    '| `parley_sessions_open` falls to 0 while `parley_runs_active` is above 0 | nobody is connected who could train |',
  ].join('\n')}\n`
}

function labelsOf(labels: Metric['labels']): string {
  const parts = Object.entries(labels).map(([label, kind]) => `\`${label}\`: ${valuesOf(kind)}`)
  return parts.length === 0 ? '–' : parts.join('; ')
}

function valuesOf(kind: LabelKind): string {
  return kind === 'code' ? 'the codes of [errors.md](errors.md)' : allowedValues(kind).join(', ')
}

import { headlineOf, leadingOf, lowerIsBetter } from '../../../core/metrics/metrics.ts'
import type { SimulatedRound } from '../../results.ts'
import { figureOf } from '../page/figure.ts'
import { type Markup, markup } from '../page/markup.ts'
import { table } from '../page/table.ts'
import { count, percent, plural } from '../page/text.ts'
import { sequentialScale } from '../plot/bins.ts'
import { matrix } from '../plot/matrix.ts'
import { ramp } from '../plot/ramp.ts'
import { evenly } from '../reduce/downsample.ts'
import { lastWith, metricCells, metricHead, nameOfMetric } from './overview.ts'

/** Beyond so many classes only those with the most errors are shown. */
const MOST_CLASSES = 40
/** Up to so many there is room for figures on the cells. */
const FIGURED_CLASSES = 12
const MOST_CLIENTS = 200

type Confusion = {
  readonly classes: readonly number[]
  /** Of how many classes. */
  readonly of: number
  readonly at: (actual: number, given: number) => number
}

/** The last evaluated round, class by class and client by client. */
export function evaluation(rounds: readonly SimulatedRound[]): Markup {
  const round = lastWith(rounds, 'confusion')
  const confusion = round?.confusion === undefined ? undefined : confusionOf(round.confusion)
  const clients = rounds.findLast((one) => one.clients.length > 0)
  return markup`<div class="grid">${
    confusion !== undefined && round !== undefined && confusionFigure(confusion, round.round)
  }${confusion !== undefined && mistakes(confusion)}${clients !== undefined && clientTable(clients)}</div>`
}

export function confusionOf(counts: readonly number[]): Confusion {
  const of = Math.round(Math.sqrt(counts.length))
  const at = (actual: number, given: number) => counts[actual * of + given] ?? 0
  const errors = Array.from({ length: of }, (_, label) => {
    let sum = 0
    for (let other = 0; other < of; other++) if (other !== label) sum += at(label, other) + at(other, label)
    return { label, sum }
  })
  const worst = errors.sort((a, b) => b.sum - a.sum || a.label - b.label).slice(0, MOST_CLASSES)
  return { classes: worst.map(({ label }) => label).sort((a, b) => a - b), of, at }
}

function rowTotal({ of, at }: Confusion, actual: number): number {
  return Array.from({ length: of }, (_, given) => at(actual, given)).reduce((sum, n) => sum + n, 0)
}

function confusionFigure(confusion: Confusion, round: number): Markup {
  const { classes, of, at } = confusion
  const title = `Confusion matrix, round ${round}`
  const scale = sequentialScale([0, 1])
  const side = Math.max(9, Math.min(of <= 4 ? 72 : 34, Math.floor(290 / classes.length)))
  const rows = classes.map((actual) => {
    const whole = rowTotal(confusion, actual)
    const cells = classes.map((given) => {
      const n = at(actual, given)
      const share = whole === 0 ? 0 : n / whole
      return {
        value: whole === 0 ? null : share,
        tip: `class ${actual} taken for ${given}: ${count(n)} (${percent(share)})`,
        ...(of <= FIGURED_CLASSES ? { text: compact(n) } : {}),
      }
    })
    return { name: String(actual), cells }
  })
  const left = classes.length < of ? ` The ${classes.length} of ${of} classes with the most errors.` : ''
  return figureOf({
    title,
    note: `The whole test set. Rows are true classes, columns what the model gave them; colours are shares of a row.${left}`,
    plot: markup`${ramp(scale, 'share of a true class', (value) => percent(value))}${matrix({
      title,
      description: `Counts of true against given classes; the diagonal is right. The table has the figures.`,
      x: 'given',
      y: 'true',
      columns: classes.map(String),
      rows,
      scale,
      cell: { width: side, height: of <= 4 ? 44 : side },
    })}`,
    table: table({
      label: title,
      head: ['true class', ...classes.map((given) => `given ${given}`)],
      rows: classes.map((actual) => [String(actual), ...classes.map((given) => count(at(actual, given)))]),
    }),
  })
}

/** At most four letters, for a small cell. */
function compact(n: number): string {
  if (n < 10_000) return String(n)
  return n < 1e6 ? `${Math.round(n / 1e3)}k` : `${Math.round(n / 1e6)}M`
}

const MOST_MISTAKES = 10

/** What the model takes for what, the most frequent first; and how many of each class it finds. */
function mistakes(confusion: Confusion): Markup {
  const { of, at } = confusion
  const wrong: { actual: number; given: number; n: number }[] = []
  for (let actual = 0; actual < of; actual++) {
    for (let given = 0; given < of; given++) {
      const n = at(actual, given)
      if (actual !== given && n > 0) wrong.push({ actual, given, n })
    }
  }
  const most = wrong.sort((a, b) => b.n - a.n).slice(0, MOST_MISTAKES)
  const title = 'Most frequent mistakes'
  if (most.length === 0) return markup`<div class="block"><h3>${title}</h3><p>There was none.</p></div>`
  return markup`<div class="block"><h3>${title}</h3>${table({
    label: title,
    head: ['true', 'given', 'rows', 'of the class'],
    words: [1],
    rows: most.map(({ actual, given, n }) => [
      `class ${actual}`,
      `class ${given}`,
      count(n),
      percent(n / rowTotal(confusion, actual)),
    ]),
  })}</div>`
}

const WORST_SHOWN = 10

/** The clients that the model serves worst; below, all of them with all figures. */
function clientTable({ clients, round }: SimulatedRound): Markup {
  const records = clients.map(({ metrics }) => metrics)
  const [leading] = leadingOf(records)
  const names = headlineOf(records)
  const shown = leading === 'accuracy' ? (['accuracy', 'f1', 'auc', 'loss'] as const) : names
  const sign = lowerIsBetter(leading) ? -1 : 1
  const order = [...clients].sort(
    (a, b) => sign * (a.metrics[leading] ?? sign * Infinity) - sign * (b.metrics[leading] ?? sign * Infinity) || 0,
  )
  const worst = order.slice(0, WORST_SHOWN)
  const all = evenly(clients, MOST_CLIENTS)
  const title = `Clients in round ${round}`
  const lead =
    worst.length < clients.length
      ? `The ${WORST_SHOWN} with the worst ${nameOfMetric(leading)} of ${plural(clients.length, 'client')}, each on its own held-out rows.`
      : `Each on its own held-out rows, the worst ${nameOfMetric(leading)} first.`
  const summary =
    all.length < clients.length ? `${count(all.length)} of ${count(clients.length)} clients` : 'All clients'
  return markup`<div class="block"><h3>${title}</h3>
<p class="lead">${lead}</p>
${table({
  label: title,
  head: ['client', 'rows', ...metricHead(shown)],
  rows: worst.map(({ client, metrics }) => [client, count(metrics.rows), ...metricCells(metrics, shown)]),
})}
<details><summary>${summary}, all figures</summary>${table({
    label: `${title}, all figures`,
    head: ['client', 'rows', ...metricHead(names)],
    rows: all.map(({ client, metrics }) => [client, count(metrics.rows), ...metricCells(metrics, names)]),
  })}</details></div>`
}

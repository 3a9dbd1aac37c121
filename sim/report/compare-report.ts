import { headlineOf, leadingOf, lowerIsBetter, type MetricName } from '../../core/metrics/metrics.ts'
import type { SimulatedRound, SimulationResult } from '../results.ts'
import { documentOf } from './page/document.ts'
import { figureOf } from './page/figure.ts'
import { type Markup, markup, type Part } from './page/markup.ts'
import { table } from './page/table.ts'
import { bytes, capitalised, count, difference, duration, figure, listed, percent } from './page/text.ts'
import { LINE_POINTS, type LineChart, lineChart, type Series } from './plot/line-chart.ts'
import { type ClientTotals, clientTotals, shareKind } from './run/clients.ts'
import { lineLegend, measured, metricAxis, overRounds, ROUND_AXIS, SHARE_AXIS, thinningNote } from './run/learning.ts'
import { headline, nameOfMetric, outcomeWords, rulesOf, titleOf } from './run/overview.ts'
import { partitionWords } from './run/world.ts'

/** How the two runs are called, such as their files. */
export type Names = readonly [a: string, b: string]

/** Two runs side by side as one HTML document that needs nothing besides itself. */
export function compareReport(a: SimulationResult, b: SimulationResult, names: Names = ['A', 'B']): string {
  return documentOf({
    kind: 'comparison',
    title: `${names[0]} and ${names[1]}`,
    summary: markup`${verdict(a, b)}${conditions(a, b, names)}`,
    sections: [
      { id: 'figures', title: 'Final figures', body: figuresTable(a, b, names) },
      { id: 'rounds', title: 'Round by round', body: curves(a, b, names) },
      { id: 'clients', title: 'Clients', ...clientsTable(a, b, names) },
    ],
  })
}

function verdict(a: SimulationResult, b: SimulationResult): Markup {
  const same = a.weights !== undefined && a.weights === b.weights
  if (a.scenario !== b.scenario) {
    const words = `${a.plan === b.plan ? 'The plan is the same, the world is not' : 'The plans differ'}. The last weights are ${same ? 'the same even so' : 'different'}.`
    return markup`<div class="notice"><b>Different scenarios</b><br/>${words}</div>`
  }
  return same
    ? markup`<div class="notice good"><b>The same scenario, the same weights</b><br/>The last models agree to the last bit.</div>`
    : markup`<div class="notice"><b>The same scenario, other weights</b><br/>One of the two runs is not of this version, or was not finished.</div>`
}

type Condition = readonly [name: string, of: (result: SimulationResult) => Part]

const CONDITIONS: readonly Condition[] = [
  ['description', titleOf],
  ['outcome', ({ outcome }) => outcomeWords(outcome)],
  ['rule', ({ rounds }) => rulesOf(rounds)],
  ['attack', ({ attack, attackers }) => (attackers.length === 0 ? 'none' : (attack ?? 'none'))],
  ['attackers', ({ attackers, clients }) => `${count(attackers.length)} of ${count(clients)}`],
  ['suspects', ({ suspects }) => listed(suspects.map(({ client }) => client))],
  ['data', ({ world }) => partitionWords(world)],
  ['seed', ({ seed }) => String(seed)],
  ['rounds', ({ rounds }) => count(rounds.length)],
  ['virtual time', ({ virtualMs }) => duration(virtualMs)],
  ['accepted updates', ({ rounds }) => bytes(rounds.reduce((sum, round) => sum + round.bytes, 0))],
]

const DIGESTS: readonly (readonly [string, (result: SimulationResult) => string | undefined])[] = [
  ['plan', ({ plan }) => plan],
  ['scenario', ({ scenario }) => scenario],
  ['last weights', ({ weights }) => weights],
]

function conditions(a: SimulationResult, b: SimulationResult, names: Names): Markup {
  const rows = [
    ...CONDITIONS.map(([name, of]) => {
      const [own, other] = [of(a), of(b)]
      const cell = (words: Part) => markup`<span class="w">${words}</span>`
      return [name, cell(own), cell(other), own === other ? 'same' : markup`<b>differs</b>`]
    }),
    ...DIGESTS.map(([name, of]) => {
      const [own, other] = [of(a), of(b)]
      const cell = (digest: string | undefined) =>
        digest === undefined ? 'none' : markup`<code class="w">${digest.slice(0, 16)}…</code>`
      return [name, cell(own), cell(other), own === other ? 'same' : markup`<b>differs</b>`]
    }),
  ]
  return markup`<div class="block">${table({ label: 'Conditions', head: ['', ...names, ''], words: [1, 2, 3], rows })}</div>`
}

/** Of accuracies more is better, of losses less; whether a difference is more than chance only further seeds can tell. */
function figuresTable(a: SimulationResult, b: SimulationResult, names: Names): Markup {
  const [own, other] = [lastHeadline(a), lastHeadline(b)]
  const rows = headlineOf([own, other]).map((name) => {
    const [x, y] = [own?.[name] ?? null, other?.[name] ?? null]
    return [nameOfMetric(name), figure(x), figure(y), change(!lowerIsBetter(name), x, y)]
  })
  const success = (result: SimulationResult) =>
    result.rounds.findLast(({ attackSuccess }) => attackSuccess !== undefined)?.attackSuccess ?? null
  const [x, y] = [success(a), success(b)]
  return markup`${table({
    label: 'Final figures',
    head: ['', ...names, 'difference'],
    rows: x === null && y === null ? rows : [...rows, ['attack success', figure(x), figure(y), change(false, x, y)]],
  })}`
}

function lastHeadline({ rounds }: SimulationResult) {
  const last = rounds.findLast((round) => headline(round) !== undefined)
  return last === undefined ? undefined : headline(last)
}

function change(moreIsBetter: boolean, x: number | null, y: number | null): Part {
  if (x === null || y === null) return '–'
  const delta = y - x
  if (delta === 0) return '0'
  const better = moreIsBetter ? delta > 0 : delta < 0
  return markup`<span class="${better ? 'better' : 'worse'}">${difference(delta)} ${better ? '▲ better' : '▼ worse'}</span>`
}

type Curve = {
  readonly title: string
  readonly note: string
  readonly of: (round: SimulatedRound) => number | null | undefined
  readonly y: LineChart['y']
}

function curveOf(metric: MetricName, note: string): Curve {
  const title = capitalised(nameOfMetric(metric))
  return { title, note, of: (round) => headline(round)?.[metric], y: metricAxis(metric) }
}

function curves(a: SimulationResult, b: SimulationResult, names: Names): Markup {
  const [first, second] = leadingOf([lastHeadline(a), lastHeadline(b)])
  const drawn: Curve[] = [
    curveOf(first, 'On the central test set, or else pooled.'),
    curveOf(second, 'On the same rows.'),
    {
      title: 'Attack success',
      note: 'On the attack’s own probe.',
      of: ({ attackSuccess }) => attackSuccess,
      y: { name: 'share', ...SHARE_AXIS },
    },
    {
      title: 'Norm of the aggregate',
      note: 'How far a round moves the model.',
      of: ({ robustness }) => robustness?.norm,
      y: { name: 'norm', quantity: 'number', maybeLog: true },
    },
    {
      title: 'Accepted updates',
      note: 'Of the clients that were asked.',
      of: ({ accepted }) => accepted.length,
      y: { name: 'updates', quantity: 'integer', include: [0] },
    },
    {
      title: 'Virtual time',
      note: 'When each round closed.',
      of: ({ closedMs }) => closedMs,
      y: { name: 'since the start', quantity: 'duration', include: [0] },
    },
  ]
  return markup`<div class="grid">${drawn.map((curve) => curveFigure(curve, a, b, names))}</div>`
}

function curveFigure({ title, note, of, y }: Curve, a: SimulationResult, b: SimulationResult, names: Names): Markup {
  const series: Series[] = [overRounds(names[0], 0, a.rounds, of), overRounds(names[1], 1, b.rounds, of)].filter(
    measured,
  )
  if (series.length === 0) return markup``
  const longer = a.rounds.length > b.rounds.length ? a.rounds : b.rounds
  const thinned = longer.length > LINE_POINTS ? ` ${thinningNote(longer)}` : ''
  return figureOf({
    title,
    note: `${note}${thinned}`,
    legend: lineLegend(series),
    plot: lineChart({ title, description: `${title} of both runs, round by round.`, x: ROUND_AXIS, y, series }),
  })
}

const MOST_CLIENTS = 100

function clientsTable(
  a: SimulationResult,
  b: SimulationResult,
  names: Names,
): { readonly lead: string; readonly body: Part } {
  const [own, other] = [clientTotals(a), clientTotals(b)].map((list) => new Map(list.map((one) => [one.client, one])))
  const ids = [...new Set([...(own?.keys() ?? []), ...(other?.keys() ?? [])])].sort()
  const rows = ids.map((client) => ({ client, x: own?.get(client), y: other?.get(client) }))
  const gap = ({ x, y }: (typeof rows)[number]) => Math.abs((x?.share ?? 0) - (y?.share ?? 0))
  const shown = [...rows].sort((p, q) => gap(q) - gap(p)).slice(0, MOST_CLIENTS)
  const kinds = [a, b].map(({ rounds }) => shareKind(rounds) ?? 'weight')
  const lead = `The greatest difference in the part that its updates had first.${shown.length < rows.length ? ` ${MOST_CLIENTS} of ${count(rows.length)} clients.` : ''}`
  const cells = (one: ClientTotals | undefined) => [
    one === undefined ? '–' : figure(one.share),
    one === undefined ? '–' : `${count(one.accepted)} of ${count(one.asked)}`,
    one === undefined || one.accepted === 0 ? '–' : percent(one.leftOut / one.accepted),
  ]
  return {
    lead,
    body: table({
      label: 'Clients',
      head: [
        'client',
        'role',
        ...names.flatMap((name, i) => [`${name}: ${kinds[i]}`, `${name}: accepted`, `${name}: left out`]),
      ],
      words: [1],
      rows: shown.map(({ client, x, y }) => [
        client,
        x?.attacker === true || y?.attacker === true ? '▲ attacker' : 'honest',
        ...cells(x),
        ...cells(y),
      ]),
    }),
  }
}

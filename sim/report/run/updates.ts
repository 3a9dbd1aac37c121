import type { ClientRobustness } from '../../../core/run/robustness.ts'
import type { SimulatedRound, SimulationResult } from '../../results.ts'
import { figureOf } from '../page/figure.ts'
import { type Markup, markup } from '../page/markup.ts'
import { count, listed, percent, plural } from '../page/text.ts'
import { BAND_POINTS, type Band, type LineChart, lineChart, type Series } from '../plot/line-chart.ts'
import { evenly } from '../reduce/downsample.ts'
import { quantile, sortedOf } from '../reduce/statistics.ts'
import { type ShareKind, shareKind } from './clients.ts'
import { bandNote, lineLegend, lines, overRounds, ROUND_AXIS, SHARE_AXIS } from './learning.ts'

/** How updates looked, and what part they had in the result: honest clients against attackers. */
export function updateLines(result: SimulationResult): Markup {
  const attackers = new Set(result.attackers)
  const combined = result.rounds.filter(({ robustness }) => robustness !== undefined)
  if (combined.length === 0) return markup``
  const kind = shareKind(combined)
  const parts = kind === undefined || attackers.size === 0 ? undefined : influence(combined, attackers, kind)
  const norms = groupFigure(combined, attackers, {
    title: 'Norms',
    meaning: 'Euclidean norm of the updates',
    of: ({ norm }) => norm,
    y: { name: 'norm', quantity: 'number', maybeLog: true },
    extra: overRounds('aggregate', 2, combined, ({ robustness }) => robustness?.norm),
  })
  const distances = groupFigure(combined, attackers, {
    title: 'Distances to the aggregate',
    meaning: 'Euclidean distance of the updates to the aggregate',
    of: ({ distance }) => distance,
    y: { name: 'distance', quantity: 'number', maybeLog: true },
  })
  const cosines = groupFigure(combined, attackers, {
    title: 'Cosines to the aggregate',
    meaning: 'Cosine of the angle between update and aggregate: below 0 it points away from the result',
    of: ({ cosine }) => cosine,
    y: { name: 'cosine', quantity: 'number', bounds: [-1, 1], include: [0], leastSpan: 0.2 },
  })
  return markup`<div class="grid">${parts ?? distances}${norms}${cosines}</div>`
}

/** Who was found, in words. */
export function suspicion({ attackers, suspects, clients }: SimulationResult): Markup {
  const bad = new Set(attackers)
  const found = suspects.filter(({ client }) => bad.has(client))
  const wrongly = suspects.filter(({ client }) => !bad.has(client)).map(({ client }) => client)
  const caught =
    attackers.length === 0
      ? 'There are no attackers.'
      : `${count(found.length)} of ${plural(attackers.length, 'attacker')} ${found.length === 1 ? 'is' : 'are'} suspected at the end (${percent(found.length / attackers.length)}).`
  const honest = clients - attackers.length
  const innocent =
    wrongly.length === 0
      ? 'No honest client is suspected.'
      : `${count(wrongly.length)} of ${plural(honest, 'honest client')} ${wrongly.length === 1 ? 'is' : 'are'} suspected: ${listed(wrongly, 4)}.`
  return markup`${caught} ${innocent}`
}

/** The part of the attackers in the result, beside their part among those who answered. */
function influence(rounds: readonly SimulatedRound[], attackers: ReadonlySet<string>, kind: ShareKind): Markup {
  const series = [
    overRounds('of the aggregate', 1, rounds, ({ robustness }) =>
      robustness === undefined ? undefined : partOf(robustness.clients, attackers, kind),
    ),
    overRounds('of the accepted updates', 5, rounds, ({ accepted }) =>
      accepted.length === 0 ? null : accepted.filter((client) => attackers.has(client)).length / accepted.length,
    ),
  ]
  const meaning =
    kind === 'weight'
      ? 'Sum of the attackers’ weights, of the sum of all; without a defence it is their share of the updates'
      : 'Sum of the attackers’ kept shares, of the sum of all; without a defence it is their share of the updates'
  return lines('Part of the attackers', meaning, series, rounds, { name: 'share', ...SHARE_AXIS, include: [0] })
}

function partOf(clients: readonly ClientRobustness[], attackers: ReadonlySet<string>, kind: ShareKind): number | null {
  let all = 0
  let theirs = 0
  for (const one of clients) {
    const share = Math.abs(one[kind] ?? 0)
    all += share
    if (attackers.has(one.client)) theirs += share
  }
  return all === 0 ? null : theirs / all
}

type GroupFigure = {
  readonly title: string
  readonly meaning: string
  readonly of: (client: ClientRobustness) => number
  readonly y: LineChart['y']
  readonly extra?: Series
}

type Spread = {
  readonly x: number
  readonly low: number | null
  readonly y: number | null
  readonly high: number | null
}

/** Median and middle 80\u00a0% of a figure of the updates, of honest clients and of attackers. */
function groupFigure(
  rounds: readonly SimulatedRound[],
  attackers: ReadonlySet<string>,
  { title, meaning, of, y, extra }: GroupFigure,
): Markup {
  const shown = evenly(rounds, BAND_POINTS)
  const spreadOf = (attacking: boolean): Spread[] =>
    shown.map(({ round, robustness }) => {
      const own = (robustness?.clients ?? []).filter(({ client }) => attackers.has(client) === attacking)
      const sorted = sortedOf(own.map(of))
      return { x: round, low: quantile(sorted, 0.1), y: quantile(sorted, 0.5), high: quantile(sorted, 0.9) }
    })
  const honest = spreadOf(false)
  const groups: { series: Series; band: Band }[] = [
    {
      series: { name: attackers.size > 0 ? 'honest, median' : 'median', style: 0, points: honest },
      band: { style: 0, points: honest },
    },
  ]
  if (attackers.size > 0) {
    const points = spreadOf(true)
    groups.push({ series: { name: 'attackers, median', style: 1, points }, band: { style: 1, points } })
  }
  const series = [...groups.map((group) => group.series), ...(extra === undefined ? [] : [extra])]
  return figureOf({
    title,
    note: `${meaning}. Bands are the middle 80\u00a0% of a group.${bandNote(rounds)}`,
    legend: lineLegend(series),
    plot: lineChart({
      title,
      description: `${meaning}, round by round: medians and middle 80\u00a0%.`,
      x: ROUND_AXIS,
      y,
      series,
      bands: groups.map((group) => group.band),
    }),
  })
}

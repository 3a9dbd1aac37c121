import type { SimulationResult } from '../../results.ts'
import { figureOf, type LegendEntry } from '../page/figure.ts'
import { type Markup, markup } from '../page/markup.ts'
import { table } from '../page/table.ts'
import { count, figure, plural } from '../page/text.ts'
import { extentOf, type Interval } from '../plot/axis.ts'
import { type ColourScale, divergingScale, sequentialScale } from '../plot/bins.ts'
import { fitsColumn, heatmap } from '../plot/heatmap.ts'
import { ramp } from '../plot/ramp.ts'
import { chosenClients } from '../reduce/choose.ts'
import { bucketsOf, evenly } from '../reduce/downsample.ts'
import { type ClientTotals, type ShareKind, shareKind } from './clients.ts'
import { bucketNote, roundsName } from './traffic.ts'
import { type GridRow, updateGrid } from './update-grid.ts'

const MOST_CLIENTS = 40
const MOST_COLUMNS = 60
const MOST_ROWS = 1_000

/** The signs that there are. */
function signsOf(grid: readonly GridRow[], shown: readonly ClientTotals[], onCells: boolean): LegendEntry[] {
  const cells = new Set(onCells ? grid.flatMap(({ signs }) => signs) : [])
  return [
    ...(shown.some(({ attacker }) => attacker) ? [{ name: 'attacker', sign: '▲' }] : []),
    ...(shown.some(({ suspect }) => suspect) ? [{ name: 'suspect at the end', sign: '!' }] : []),
    ...(cells.has('point') ? [{ name: 'marked for norm, direction or distance', sign: '●' }] : []),
    ...(cells.has('cross') ? [{ name: 'left out of the result', sign: '×' }] : []),
  ]
}

type Map = {
  readonly title: string
  readonly note: string
  readonly key: 'share' | 'distance' | 'norm' | 'cosine'
  readonly scale: ColourScale
  readonly scaleName: string
  readonly written: (value: number) => string
}

/** What became of every update: clients down, rounds across. */
export function updateMaps({ rounds }: SimulationResult, totals: readonly ClientTotals[]): Markup {
  const combined = rounds.filter(({ robustness }) => robustness !== undefined)
  if (combined.length === 0) return markup`<p class="lead">No round was combined.</p>`
  const seen = totals.filter(({ share, accepted }) => share !== null || accepted > 0)
  const shown = chosenClients(seen.length > 0 ? seen : totals, MOST_CLIENTS)
  const buckets = bucketsOf(combined.length, MOST_COLUMNS)
  const kind = shareKind(combined)
  const grid = updateGrid(
    combined,
    shown.map(({ client }) => client),
    buckets,
    kind,
  )
  const columns = buckets.map((bucket) => roundsName(combined, bucket))
  const sampled =
    shown.length < seen.length
      ? ` ${shown.length} of ${plural(seen.length, 'client')} that took part: attackers and suspects first, the others evenly.`
      : ''
  const note = `${sampled}${bucketNote(buckets, 'Each column is the mean of')}`
  return markup`<div class="grid">${mapsOf(grid, kind).map((map) => mapFigure(map, grid, shown, columns, note))}</div>`
}

function mapsOf(grid: readonly GridRow[], kind: ShareKind | undefined): Map[] {
  const extent = (key: Map['key']) => extentOf(grid.flatMap((row) => row[key])) ?? [0, 1]
  const times = (value: number) => `${figure(2 ** value, 2)}×`
  return [
    kind === undefined
      ? {
          key: 'distance',
          title: 'Distance of each update',
          note: 'To the aggregate, by the median distance of its round. A stage before the rule mixed the updates, so that no part in the result is theirs alone.',
          scale: divergingScale(atLeast(extent('distance'), 1), 0),
          scaleName: 'times the median',
          written: times,
        }
      : shareMap(kind, extent('share')),
    {
      key: 'norm',
      title: 'Norm of each update',
      note: 'By the median norm of its round.',
      scale: divergingScale(atLeast(extent('norm'), 1), 0),
      scaleName: 'times the median',
      written: times,
    },
    {
      key: 'cosine',
      title: 'Direction of each update',
      note: 'Cosine of its angle to the aggregate: below 0 it points away from the result.',
      scale: divergingScale([-1, 1], 0),
      scaleName: 'cosine',
      written: (value) => figure(value, 2),
    },
  ]
}

function shareMap(kind: ShareKind, [least, most]: Interval): Map {
  // Among a thousand clients nobody has much weight.
  const digits = Math.max(3, 2 - Math.floor(Math.log10(Math.max(1e-12, Math.abs(most)))))
  const common = { key: 'share' as const, written: (value: number) => figure(value, digits) }
  if (kind === 'kept') {
    return {
      ...common,
      title: 'Kept share of each update',
      note: 'Of sampled coordinates the share in which its value had a part; the rule works coordinate by coordinate.',
      scale: sequentialScale([0, 1]),
      scaleName: 'kept share',
    }
  }
  return {
    ...common,
    title: 'Weight of each update',
    note: 'Its coefficient in the aggregate.',
    scale: least < 0 ? divergingScale([least, most], 0) : sequentialScale([0, most]),
    scaleName: 'weight',
  }
}

function atLeast([min, max]: Interval, reach: number): Interval {
  return [Math.min(min, -reach), Math.max(max, reach)]
}

function mapFigure(
  { key, title, note, scale, scaleName, written }: Map,
  grid: readonly GridRow[],
  shown: readonly ClientTotals[],
  columns: readonly string[],
  besides: string,
): Markup {
  // The first map has the marks.
  const signed = key === 'share' || key === 'distance'
  const names = shown.map((client) => ({ name: rowName(client) }))
  return figureOf({
    title,
    note: `${note}${besides} Where there is no colour, no update of the client was taken.`,
    legend: signsOf(grid, shown, signed),
    span: fitsColumn(names, columns.length) ? 1 : 3,
    plot: markup`${ramp(scale, scaleName, written)}${heatmap({
      title,
      description: `${note} Rows are clients, columns rounds. The table has the figures.`,
      x: 'round',
      columns,
      rows: grid.map((row, i) => ({
        name: names[i]?.name ?? row.client,
        group: shown[i]?.attacker === true ? 'attackers' : 'honest',
        values: row[key],
        ...(signed ? { signs: row.signs } : {}),
      })),
      scale,
      written,
    })}`,
    table: table({
      label: title,
      head: ['client', ...columns],
      rows: grid.map((row) => [
        row.client,
        ...row[key].map((value, i) => {
          const sign = signed ? row.signs[i] : undefined
          return `${value === null ? '–' : written(value)}${sign === undefined ? '' : sign === 'point' ? ' ●' : ' ×'}`
        }),
      ]),
    }),
  })
}

function rowName(client: ClientTotals): string {
  return `${client.attacker ? '▲ ' : ''}${client.suspect ? '! ' : ''}${client.client}`
}

/** Every client with its means over all rounds. */
export function clientTable(totals: readonly ClientTotals[], { rounds }: SimulationResult): Markup {
  const kind = shareKind(rounds) ?? 'weight'
  const shown = evenly(totals, MOST_ROWS)
  const title = 'Clients'
  return markup`<details class="block"><summary>${
    shown.length < totals.length
      ? `${count(shown.length)} of ${count(totals.length)} clients as a table`
      : 'All clients as a table'
  }</summary>${table({
    label: title,
    head: [
      'client',
      'role',
      'asked',
      'accepted',
      'refused',
      `mean ${kind}`,
      'norm / median',
      'cosine',
      'marked: norm',
      'direction',
      'distance',
      'left out',
      'suspect',
    ],
    words: [1, 12],
    rows: shown.map((one) => [
      one.client,
      one.attacker ? '▲ attacker' : 'honest',
      count(one.asked),
      count(one.accepted),
      count(one.refused),
      figure(one.share),
      figure(one.norm, 2),
      figure(one.cosine, 2),
      count(one.marks.norm ?? 0),
      count(one.marks.direction ?? 0),
      count(one.marks.distance ?? 0),
      count(one.leftOut),
      one.suspect ? '! suspect' : '',
    ]),
  })}</details>`
}

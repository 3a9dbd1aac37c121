import type { SimulationResult } from '../../results.ts'
import { clientName } from '../../world/names.ts'
import { figureOf, type LegendEntry } from '../page/figure.ts'
import { type Markup, markup } from '../page/markup.ts'
import { table } from '../page/table.ts'
import { count, figure, plural } from '../page/text.ts'
import { SURFACES } from '../page/textures.ts'
import { barChart } from '../plot/bars.ts'
import { columnChart } from '../plot/columns.ts'
import { chosenClients } from '../reduce/choose.ts'
import { evenly } from '../reduce/downsample.ts'
import { histogram } from '../reduce/histogram.ts'
import { mean, quantile, sortedOf } from '../reduce/statistics.ts'

type World = SimulationResult['world']

const MOST_CLIENTS = 40
const MOST_ROWS = 1_000

const total = (rows: readonly number[]) => rows.reduce((sum, n) => sum + n, 0)
/** Classes that any client has; not spread into a call, which takes only so many arguments. */
const widthOf = (rows: World['rows']) => rows.reduce((most, row) => Math.max(most, row.length), 0)

/**
 * How far each client's classes are from those of all rows together: the share of its rows that would have to change class
 * (total variation distance). 0 where they are the same, near 1 where it has what nobody has.
 */
export function labelSkew({ rows }: World): number[] {
  const width = widthOf(rows)
  const all = Array.from({ length: width }, (_, label) => rows.reduce((sum, row) => sum + (row[label] ?? 0), 0))
  const whole = total(all)
  return rows.map((row) => {
    const own = total(row)
    if (own === 0 || whole === 0) return 0
    return all.reduce((sum, n, label) => sum + Math.abs((row[label] ?? 0) / own - n / whole), 0) / 2
  })
}

export function partitionWords(world: World): string {
  const { rows, classes } = world
  if (rows.length === 0) return 'none'
  const sizes = sortedOf(rows.map(total))
  const kinds = sortedOf(rows.map((row) => row.filter((n) => n > 0).length))
  const range = (sorted: Float64Array, noun: string) => {
    const [least, most] = [quantile(sorted, 0) ?? 0, quantile(sorted, 1) ?? 0]
    return least === most
      ? plural(least, noun, `${noun}${noun.endsWith('s') ? 'es' : 's'}`)
      : `${count(least)} to ${count(most)} ${noun}${noun.endsWith('s') ? 'es' : 's'}`
  }
  const skew = mean(labelSkew(world))
  const all =
    world.numeric === undefined
      ? `of ${count(Math.max(2, classes))} classes`
      : `in tenths of the range from ${world.numeric.min} to ${world.numeric.max}`
  return `${count(rows.reduce((sum, row) => sum + total(row), 0))} training rows ${all}; a client has ${range(sizes, 'row')} of ${range(kinds, partWord(world))}; label skew ${figure(skew, 2)}`
}

/** What a label is told apart by. */
function partWord({ numeric }: World): 'class' | 'tenth' {
  return numeric === undefined ? 'class' : 'tenth'
}

/** Who has which rows. */
export function worldFigures(result: SimulationResult): Markup {
  const { rows } = result.world
  if (rows.length === 0) return markup`<p class="lead">No client has rows.</p>`
  return markup`<div class="grid">${classFigure(result)}${sizeFigure(rows)}${skewFigure(result.world)}</div>`
}

type Shown = {
  readonly client: string
  readonly attacker: boolean
  readonly suspect: boolean
  readonly row: readonly number[]
}

/** Ids of the clients that trained. */
function idsOf({ clients, heldOut = [] }: SimulationResult): string[] {
  const all = clients + heldOut.length
  return Array.from({ length: all }, (_, i) => clientName(i, all)).filter((id) => !heldOut.includes(id))
}

function classFigure(result: SimulationResult): Markup {
  const { rows } = result.world
  const word = partWord(result.world)
  const attackers = new Set(result.attackers)
  const suspects = new Set(result.suspects.map(({ client }) => client))
  const ids = idsOf(result)
  const all: Shown[] = rows.map((row, i) => {
    const client = ids[i] ?? ''
    return { client, attacker: attackers.has(client), suspect: suspects.has(client), row }
  })
  const shown = chosenClients(all, MOST_CLIENTS)
  const { names, kept, grouped } = classGroups(rows, word)
  const legend: LegendEntry[] = names.map((name, surface) => ({ name, surface }))
  const title = `Rows by ${word}`
  const sampled =
    shown.length < all.length ? ` ${shown.length} of ${plural(all.length, 'client')}, attackers first.` : ''
  const others =
    grouped === 0 ? '' : ` The ${count(grouped)} rarest ${word === 'class' ? 'classes' : 'tenths'} are drawn as one.`
  return figureOf({
    title,
    note: `Training rows of each client.${attackers.size === 0 ? '' : ' ▲ is an attacker.'}${sampled}${others}`,
    legend,
    plot: barChart({
      title,
      description: `Training rows of ${plural(shown.length, 'client')} by ${word}. The table below has the figures.`,
      x: { name: 'rows', quantity: 'integer' },
      pitch: shown.length > 20 ? 15 : 18,
      bars: shown.map(({ client, attacker, row }) => ({
        name: `${attacker ? '▲ ' : ''}${client}`,
        parts: partsOf(row, kept),
        tip: `${client}: ${plural(total(row), 'row')} (${row.map((n, label) => `${word} ${label}: ${n}`).join(', ')})`,
      })),
    }),
    table: classTable(all, word),
  })
}

type ClassGroups = { readonly names: readonly string[]; readonly kept: readonly number[]; readonly grouped: number }

/** The classes that get a surface of their own: all, or the largest where there are more than anybody tells apart. */
function classGroups(rows: World['rows'], word: string): ClassGroups {
  const classes = widthOf(rows)
  const sizes = Array.from({ length: classes }, (_, label) => rows.reduce((sum, row) => sum + (row[label] ?? 0), 0))
  const order = sizes.map((_, label) => label).sort((a, b) => (sizes[b] ?? 0) - (sizes[a] ?? 0) || a - b)
  const kept = order.slice(0, classes <= SURFACES ? classes : SURFACES - 1).sort((a, b) => a - b)
  const names = kept.map((label) => `${word} ${label}`)
  const grouped = classes - kept.length
  return { names: grouped === 0 ? names : [...names, 'others'], kept, grouped }
}

function partsOf(row: readonly number[], kept: readonly number[]): { size: number; surface: number }[] {
  const parts = kept.map((label, surface) => ({ size: row[label] ?? 0, surface }))
  const rest = total(row) - parts.reduce((sum, { size }) => sum + size, 0)
  return rest === 0 ? parts : [...parts, { size: rest, surface: kept.length }]
}

const MOST_TABLE_CELLS = 20_000

function classTable(all: readonly Shown[], word: string): Markup {
  const classes = widthOf(all.map(({ row }) => row))
  const shown = evenly(all, Math.min(MOST_ROWS, Math.max(40, Math.floor(MOST_TABLE_CELLS / Math.max(1, classes)))))
  return table({
    label: `Training rows of clients by ${word}`,
    head: ['client', 'rows', ...Array.from({ length: classes }, (_, label) => `${word} ${label}`)],
    rows: shown.map(({ client, row }) => [client, count(total(row)), ...row.map(count)]),
  })
}

function sizeFigure(rows: World['rows']): Markup {
  const bins = histogram(rows.map(total), 12, true)
  const title = 'Rows of a client'
  return figureOf({
    title,
    note: 'How many clients have how many training rows.',
    plot: columnChart({
      title,
      description: 'A histogram of the number of training rows of each client.',
      x: 'training rows, from',
      y: { name: 'clients', quantity: 'integer' },
      surfaces: [0],
      columns: bins.map(({ from, to, count: n }) => ({
        name: count(from),
        parts: [n],
        tip: `${plural(n, 'client')}: ${count(from)} to ${count(to)} rows`,
      })),
    }),
    table: table({
      label: title,
      head: ['from', 'to', 'clients'],
      rows: bins.map(({ from, to, count: n }) => [count(from), count(to), count(n)]),
    }),
  })
}

function skewFigure(world: World): Markup {
  const bins = histogram(labelSkew(world), 11, false)
  const title = 'Label skew'
  const word = partWord(world)
  const words = word === 'class' ? 'classes' : 'tenths'
  return figureOf({
    title,
    note: `Share of a client’s rows that would have to change ${word} for it to have the ${words} of all rows together: 0 where clients are alike.`,
    plot: columnChart({
      title,
      description: `A histogram of the total variation distance of each client’s ${words} to those of all rows.`,
      x: 'total variation distance, from',
      y: { name: 'clients', quantity: 'integer' },
      surfaces: [0],
      columns: bins.map(({ from, to, count: n }) => ({
        name: String(from),
        parts: [n],
        tip: `${plural(n, 'client')}: ${from} to ${to}`,
      })),
    }),
    table: table({
      label: title,
      head: ['from', 'to', 'clients'],
      rows: bins.map(({ from, to, count: n }) => [String(from), String(to), count(n)]),
    }),
  })
}

import { documentOf, type Section } from './page/document.ts'
import { type Markup, markup, type Part } from './page/markup.ts'
import { type Fact, facts, table, tiles } from './page/table.ts'
import { capitalised, count, duration, figure, plural } from './page/text.ts'
import { effects } from './sweep/effects.ts'
import { cellWords, heatmaps } from './sweep/heatmaps.ts'
import { shortName } from './sweep/names.ts'
import { isAttackAxis, orderOf, ranked, scoreOf, varied, worstOver } from './sweep/scores.ts'
import type { SweepRow, SweepTable } from './sweep-table.ts'

/** A sweep as one HTML document that needs nothing besides itself. The same table gives the same bytes. */
export function sweepReport(sweep: SweepTable): string {
  const [first, ...rest] = (sweep.description ?? '').trim().split('\n')
  const lead = rest.join('\n').trim()
  return documentOf({
    kind: 'sweep report',
    title: first === undefined || first === '' ? `Sweep of ${sweep.metric}` : first,
    ...(lead === '' ? {} : { lead }),
    summary: summary(sweep),
    sections: sectionsOf(sweep),
  })
}

/** What a row is, by the axes that were varied. */
function configuration(sweep: SweepTable, row: SweepRow): string {
  const axes = varied(sweep)
  const shown = axes.length > 0 ? axes : sweep.axes
  const values = shown.map(({ name }) => `${shortName(name)} ${row.values[name] ?? '–'}`).join(', ')
  return row.worst === undefined ? values : `${values}, by ${row.worst}`
}

function summary(sweep: SweepTable): Markup {
  const { rows, metric, axes } = sweep
  const order = orderOf(sweep)
  const scored = ranked(rows, order).filter((row) => scoreOf(row) !== null)
  const best = scored[0]
  const worst = scored.at(-1)
  const attack = varied(sweep).find(isAttackAxis)
  const safest = attack === undefined ? undefined : safestOf(worstOver(sweep, attack))
  const seconds = rows.reduce((sum, row) => sum + (row.seconds ?? 0), 0)
  const failed = rows.length - scored.length
  const incomplete = scored.filter((row) => row.incomplete !== undefined).length
  const notes = [
    ...(failed === 0 ? [] : [`${count(failed)} without a score`]),
    ...(incomplete === 0 ? [] : [`${count(incomplete)} with a score of only some simulations`]),
  ]
  const tile = (name: string, row: SweepRow | undefined) =>
    row === undefined ? [] : [{ name, value: figure(scoreOf(row)), note: configuration(sweep, row) }]
  return markup`${tiles([
    ...tile(`Best ${metric}`, best),
    ...tile('Best worst case', safest),
    ...tile(`Worst ${metric}`, worst),
    {
      name: 'Configurations',
      value: count(rows.length),
      note: notes.length === 0 ? 'each has a score' : notes.join(', '),
    },
    { name: 'Runs', value: count(rows.reduce((sum, { seeds }) => sum + seeds, 0)), note: seedWords(rows) },
    ...(seconds > 0
      ? [{ name: 'Computing time', value: duration(1_000 * seconds), note: 'of all runs together' }]
      : []),
  ])}${facts([
    ['Score', `${metric}; ${order.better} is better`],
    ...axes.map(({ name, values }): Fact => [shortName(name), axisWords(values)]),
  ])}`
}

function safestOf(sweep: SweepTable): SweepRow | undefined {
  return ranked(sweep.rows, orderOf(sweep)).find((row) => scoreOf(row) !== null)
}

function seedWords(rows: readonly SweepRow[]): string {
  const seeds = [...new Set(rows.map((row) => row.seeds))].sort((a, b) => a - b)
  const [least, most] = [seeds[0] ?? 0, seeds.at(-1) ?? 0]
  return least === most ? `${plural(least, 'seed')} each` : `${count(least)} to ${count(most)} seeds each`
}

const MOST_NAMED = 12

function axisWords(values: readonly string[]): string {
  if (values.length <= MOST_NAMED) return values.join(', ')
  return `${count(values.length)} values from ${values[0]} to ${values.at(-1)}`
}

function sectionsOf(sweep: SweepTable): Section[] {
  const attack = varied(sweep).find(isAttackAxis)
  const maps = heatmaps(sweep)
  // Without the attacks there must be a grid left.
  const reduced = attack === undefined || varied(sweep).length < 3 ? undefined : heatmaps(worstOver(sweep, attack))
  const sections: (Section | false)[] = [
    reduced !== undefined && {
      id: 'worst',
      title: `Worst of the ${plural(attack?.values.length ?? 0, 'attack')}`,
      lead: 'An attacker chooses its attack: each cell is the worst score over all of them.',
      body: reduced,
    },
    maps !== undefined && {
      id: 'heatmaps',
      title: capitalised(sweep.metric),
      lead: 'A frame is the worst cell of its row. ★ is the row whose worst cell is the best.',
      body: maps,
    },
    varied(sweep).length > 0 && {
      id: 'axes',
      title: 'One axis at a time',
      body: effects(sweep),
    },
    { id: 'configurations', title: 'All configurations', ...allRows(sweep) },
  ]
  return sections.filter((section) => section !== false)
}

const MOST_ROWS = 2_000

function allRows(sweep: SweepTable): { readonly lead: string; readonly body: Part } {
  const { axes, rows, metric } = sweep
  const shown = ranked(rows, orderOf(sweep)).slice(0, MOST_ROWS)
  const timed = rows.some(({ seconds }) => seconds !== undefined)
  const digests = rows.some(({ weights }) => weights !== undefined)
  const worst = rows.some((row) => row.worst !== undefined)
  const noted = rows.some((row) => scoreOf(row) === null || row.incomplete !== undefined)
  const lead = shown.length < rows.length ? `The best ${count(MOST_ROWS)} of ${count(rows.length)}.` : 'The best first.'
  if (rows.length === 0) return { lead: 'None was run.', body: undefined }
  return {
    lead,
    body: table({
      label: 'All configurations',
      head: [
        'rank',
        ...axes.map(({ name }) => shortName(name)),
        metric,
        '±',
        ...(worst ? ['worst case'] : []),
        'seeds',
        ...(timed ? ['time'] : []),
        ...(digests ? ['weights'] : []),
        ...(noted ? ['what is missing'] : []),
      ],
      words: wordColumns(axes.length, [worst, timed, digests, noted]),
      rows: shown.map((row, i) => [
        scoreOf(row) === null ? '–' : count(i + 1),
        ...axes.map(({ name }) => row.values[name] ?? '–'),
        figure(scoreOf(row)),
        row.spread === undefined ? '–' : figure(row.spread, 4),
        ...(worst ? [row.worst ?? '–'] : []),
        count(row.seeds),
        ...(timed ? [row.seconds === undefined ? '–' : duration(1_000 * row.seconds)] : []),
        ...(digests ? [row.weights === undefined ? '–' : markup`<code>${row.weights.slice(0, 12)}</code>`] : []),
        ...(noted ? [markup`<span class="w">${missingWords(row)}</span>`] : []),
      ]),
    }),
  }
}

/** Columns of the table that hold words: the axes, the worst case, digests, and what is missing. */
function wordColumns(
  axes: number,
  [worst, timed, digests, noted]: readonly [boolean, boolean, boolean, boolean],
): number[] {
  // Rank, axes, score and spread stand before the first that may be absent.
  const at = (...before: readonly boolean[]) => axes + 3 + before.filter((there) => there).length
  return [
    ...Array.from({ length: axes }, (_, i) => i + 1),
    ...(worst ? [at()] : []),
    ...(digests ? [at(worst, true, timed)] : []),
    ...(noted ? [at(worst, true, timed, digests)] : []),
  ]
}

function missingWords(row: SweepRow): string {
  if (scoreOf(row) === null) return cellWords(row)
  return row.incomplete === undefined ? '' : `not of all simulations: ${row.incomplete}`
}

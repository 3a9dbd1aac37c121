import { MARKERS } from '../plot/markers.ts'
import { type Markup, markup, type Part } from './markup.ts'

/** How a thing is drawn: a line of a style, a filled surface of a style, or a sign of text. */
export type LegendEntry = {
  readonly name: string
  readonly line?: number
  readonly surface?: number
  readonly band?: number
  readonly sign?: string
}

export type Figure = {
  readonly title: string
  /** What is to be said besides: what was left out, what a sign means. */
  readonly note?: Part
  readonly legend?: readonly LegendEntry[]
  readonly plot: Markup
  /** The same figures as a table. */
  readonly table?: Markup
  /** Columns of the page that it takes. */
  readonly span?: 1 | 2 | 3
}

/** Keeps the place of a part that a figure has not: caption, legend, plot and table of figures side by side stand in line. */
const EMPTY = markup`<div></div>`

export function figureOf({ title, note, legend = [], plot, table, span = 1 }: Figure): Markup {
  return markup`<figure class="span${span}">
<figcaption><h3>${title}</h3>${note === undefined ? undefined : markup`<p>${note}</p>`}</figcaption>
${legend.length === 0 ? EMPTY : legendOf(legend)}
<div class="scroll" tabindex="0" role="region" aria-label="${title}">${plot}</div>
${table === undefined ? EMPTY : markup`<details><summary>As a table</summary>${table}</details>`}
</figure>\n`
}

export function legendOf(entries: readonly LegendEntry[]): Markup {
  return markup`<ul class="legend">${entries.map((entry) => markup`<li>${swatch(entry)} ${entry.name}</li>`)}</ul>`
}

function swatch({ line, surface, band, sign }: LegendEntry): Markup {
  if (sign !== undefined) return markup`<b class="sign" aria-hidden="true">${sign}</b>`
  if (line !== undefined) {
    const marker = MARKERS[line % MARKERS.length]
    return markup`<svg class="swatch" width="28" height="12" aria-hidden="true"><path class="line s${line}" d="M0 6h28"/><path class="dot s${line}" transform="translate(14 6)" d="${marker}"/></svg>`
  }
  if (band !== undefined)
    return markup`<svg class="swatch" width="16" height="12" aria-hidden="true"><rect class="band s${band}" width="16" height="12"/></svg>`
  return markup`<svg class="swatch" width="12" height="12" aria-hidden="true"><rect class="f${surface ?? 0}" width="12" height="12"/></svg>`
}

import { type Markup, markup, type Part } from './markup.ts'

export type Table = {
  readonly head: readonly Part[]
  /** The first cell names the row. */
  readonly rows: readonly (readonly Part[])[]
  /** Columns that hold words; the others hold figures, which stand at the right. */
  readonly words?: readonly number[]
  readonly label: string
}

/** A table in a box of its own that scrolls where it is wider than the page; by keyboard as well. */
export function table({ head, rows, words = [], label }: Table): Markup {
  const side = head.map((_, i) => (i === 0 || words.includes(i) ? markup`` : markup` class="n"`))
  const cells = (row: readonly Part[]) =>
    row.map((cell, i) => (i === 0 ? markup`<th scope="row">${cell}</th>` : markup`<td${side[i]}>${cell}</td>`))
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${label}"><table>
<thead><tr>${head.map((cell, i) => markup`<th scope="col"${side[i]}>${cell}</th>`)}</tr></thead>
<tbody>${rows.map((row) => markup`<tr>${cells(row)}</tr>\n`)}</tbody></table></div>`
}

export type Fact = readonly [name: string, value: Part]

/** What was done, as names and values. */
export function facts(list: readonly Fact[]): Markup {
  return markup`<dl class="facts">${list.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}</dl>`
}

export type Tile = { readonly name: string; readonly value: Part; readonly note?: Part }

/** The few figures that a reader looks for first. */
export function tiles(list: readonly Tile[]): Markup {
  return markup`<ul class="tiles">${list.map(
    ({ name, value, note }) =>
      markup`<li><span class="name">${name}</span> <strong>${value}</strong> <span class="note">${note}</span></li>\n`,
  )}</ul>`
}

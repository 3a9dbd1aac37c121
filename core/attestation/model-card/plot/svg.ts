/** SVG as text, whole in itself: no script, no font, no picture from elsewhere. Equal data give equal bytes. */

/** What a plot is called, and what it says in words to whoever does not see it. */
export type Described = { readonly title: string; readonly description: string }

export type Size = { readonly width: number; readonly height: number }

const STYLE =
  '.ground{fill:#fff}text{font:12px system-ui,sans-serif;fill:#333}.title{font-weight:600;font-size:13px}' +
  '.end{text-anchor:end}.middle{text-anchor:middle}.rule{stroke:#ddd;fill:none}.base{stroke:#666;fill:none}' +
  '.line{stroke:#1f5fa8;stroke-width:2;fill:none;stroke-linejoin:round}.dot{fill:#1f5fa8}.bar{fill:#8fb6de}' +
  '.whisker{stroke:#12406f;stroke-width:1.5;fill:none}.guide{stroke:#888;stroke-dasharray:4 4;fill:none}' +
  '.bound{stroke:#b3401f;stroke-dasharray:6 3;fill:none}.bound-name{fill:#b3401f}' +
  '@media(prefers-color-scheme:dark){.ground{fill:#15181c}text{fill:#ddd}.rule{stroke:#333}.base{stroke:#999}' +
  '.line{stroke:#6aa9ea}.dot{fill:#6aa9ea}.bar{fill:#2f5f90}.whisker{stroke:#b7d6f5}.bound{stroke:#f08a6a}' +
  '.bound-name{fill:#f08a6a}}'

/** The document: its title is shown above the plot and read out, its description is read out. `body` is SVG already. */
export function svgDocument({ width, height }: Size, { title, description }: Described, body: string): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title description" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">` +
    `<title id="title">${xmlText(title)}</title><desc id="description">${xmlText(description)}</desc><style>${STYLE}</style>` +
    `<rect class="ground" width="${width}" height="${height}"/><text class="title" x="12" y="20">${xmlText(title)}</text>${body}</svg>\n`
  )
}

/** A tenth of a pixel is as fine as anybody sees, and the same on every machine. */
export function px(value: number): number {
  const rounded = Math.round(value * 10) / 10
  return rounded === 0 ? 0 : rounded
}

export function text(x: number, y: number, words: string, classes = ''): string {
  return `<text${classes === '' ? '' : ` class="${classes}"`} x="${px(x)}" y="${px(y)}">${xmlText(words)}</text>`
}

/** About how wide a text of 12 px is; digits and small letters are about this wide in any sans-serif. */
export function textWidth(words: string): number {
  return [...words].length * 7
}

/** A name cut to its first letters. */
export function shortened(words: string, most: number): string {
  const letters = [...words]
  return letters.length <= most ? words : `${letters.slice(0, most - 1).join('')}…`
}

const ENTITIES: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text between tags. What XML has no characters for, and what turns the direction of text, becomes U+FFFD. */
export function xmlText(words: string): string {
  return words
    .toWellFormed()
    .replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu, '\ufffd')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}

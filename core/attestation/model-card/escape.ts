/** Text from outside as it may stand in a card: it stays text, whatever it holds. */

/** Whole text on one line, without control characters and without what turns the direction of the text around it. */
export function oneLine(words: string): string {
  return words
    .toWellFormed()
    .replace(/[\s\u0085\u2028\u2029]+/gu, ' ')
    .replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/gu, '\ufffd')
    .trim()
}

/**
 * Text for a paragraph, a list item or a cell of a table (CommonMark 0.31, GitHub's tables and strikethrough, `$` formulas):
 *
 * - `&`, `<` and `>` as entities, so that there is neither HTML nor an entity;
 * - what begins emphasis, code, links, tables or formulas behind a backslash, wherever it stands;
 * - what makes a block of a line behind a backslash where the line begins;
 * - the colon and the dot that make a link of an address.
 */
export function inline(words: string): string {
  return oneLine(words)
    .replace(/[\\`*_{}[\]#|~$^]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/:(?=\S)/g, '\\:')
    .replace(/www\./gi, (found) => `${found.slice(0, -1)}\\.`)
    .replace(/^[-+=:]/, '\\$&')
    .replace(/^(\d+)([.)])(?=\s|$)/, '$1\\$2')
}

/** An id or a digest between backticks. There is no escape in code, so a backtick in it becomes an apostrophe. */
export function code(words: string): string {
  const text = oneLine(words).replace(/`/g, "'")
  return text === '' ? '–' : `\`${text.replace(/\|/g, '¦')}\``
}

/** What the author wrote: paragraphs with a blank line between them, or the items of a list. All of it is plain text. */
export type Prose = string | readonly string[]

export function isBlank(prose: Prose | undefined): boolean {
  return prose === undefined || (typeof prose === 'string' ? [prose] : prose).every((words) => oneLine(words) === '')
}

/** The lines of a prose, a blank one between paragraphs. */
export function proseLines(prose: Prose): string[] {
  if (typeof prose !== 'string') return bullets(prose.filter((item) => oneLine(item) !== '').map(inline))
  return prose
    .split(/\r?\n[ \t]*\r?\n/)
    .map(inline)
    .filter((paragraph) => paragraph !== '')
    .flatMap((paragraph, i) => (i === 0 ? [paragraph] : ['', paragraph]))
}

/** A list of what is Markdown already. */
export function bullets(items: readonly string[]): string[] {
  return items.map((item) => `- ${item}`)
}

/** A table of what is Markdown already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)]
}

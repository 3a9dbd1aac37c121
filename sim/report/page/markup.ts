/** Text that is HTML or SVG already. Whatever else is put into a document is escaped, so that nothing from outside becomes markup. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type Part = string | number | Markup | false | undefined | readonly Part[]

/** A template of markup. Values may stand in elements and in quoted attributes; strings are escaped for both. */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  let text = strings[0] ?? ''
  parts.forEach((part, i) => {
    text += textOf(part) + (strings[i + 1] ?? '')
  })
  return new Markup(text)
}

function textOf(part: Part): string {
  if (part === undefined || part === false) return ''
  if (part instanceof Markup) return part.text
  if (typeof part === 'string') return escaped(part)
  if (typeof part === 'number') return String(part)
  return part.map(textOf).join('')
}

const ENTITIES: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/**
 * Text as it may stand between tags and in quoted attributes. What HTML has no characters for, and what turns the direction
 * of the text around it, is replaced by U+FFFD.
 */
export function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(UNSHOWABLE, '\ufffd')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}

const UNSHOWABLE = /(?![\t\n\r])[\p{Cc}\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu

/**
 * The Markdown of model cards, read into plain values: headings, paragraphs, lists, tables, fenced code; in them code, bold and
 * pictures. Everything else stays the text that it is, HTML and links included: nothing of a card becomes markup.
 */
export type Span =
  | { readonly kind: 'text' | 'code' | 'bold'; readonly text: string }
  | { readonly kind: 'picture'; readonly text: string; readonly path: string }

export type Block =
  | { readonly kind: 'heading'; readonly level: number; readonly spans: readonly Span[] }
  | { readonly kind: 'paragraph'; readonly spans: readonly Span[] }
  | { readonly kind: 'list'; readonly items: readonly (readonly Span[])[] }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'table'; readonly rows: readonly (readonly (readonly Span[])[])[] }

/** The blocks of a card; its front matter is left out. */
export function readCard(markdown: string): readonly Block[] {
  const lines = markdown.replace(/^---\n[\s\S]*?\n---\n/, '').split('\n')
  const blocks: Block[] = []
  let at = 0
  const takeWhile = (fits: (line: string) => boolean): string[] => {
    const taken: string[] = []
    for (let line = lines[at]; line !== undefined && fits(line); line = lines[at]) {
      taken.push(line)
      at++
    }
    return taken
  }
  while (at < lines.length) {
    const line = lines[at] ?? ''
    const heading = /^(#{1,6}) (.*)$/.exec(line)
    if (line.trim() === '') at++
    else if (heading !== null) {
      blocks.push({ kind: 'heading', level: heading[1]?.length ?? 1, spans: spansOf(heading[2] ?? '') })
      at++
    } else if (line.startsWith('```')) {
      at++
      blocks.push({ kind: 'code', text: takeWhile((one) => !one.startsWith('```')).join('\n') })
      at++
    } else if (line.startsWith('|')) {
      const rows = takeWhile((one) => one.startsWith('|')).map(cellsOf)
      blocks.push({ kind: 'table', rows: rows.filter((_, i) => i !== 1).map((cells) => cells.map(spansOf)) })
    } else if (line.startsWith('- ')) {
      const items = takeWhile((one) => one.startsWith('- '))
      blocks.push({ kind: 'list', items: items.map((one) => spansOf(one.slice(2))) })
    } else {
      const text = [line]
      at++
      text.push(...takeWhile((one) => one.trim() !== '' && !/^(#{1,6} |```|\||- )/.test(one)))
      blocks.push({ kind: 'paragraph', spans: spansOf(text.join(' ')) })
    }
  }
  return blocks
}

/** Cells of a row; a bar behind a backslash is none. */
function cellsOf(line: string): string[] {
  return line
    .replace(/^\|/, '')
    .replace(/\|\s*$/, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim())
}

/** A picture lies in `plots/` beside the card, or is none. */
const span = /(?<!\\)`([^`]*)`|(?<!\\)\*\*(.+?)(?<!\\)\*\*|(?<!\\)!\[([^\]]*)\]\((plots\/[\w-]+\.svg)\)/g

function spansOf(text: string): readonly Span[] {
  const spans: Span[] = []
  let at = 0
  const add = (upTo: number) => {
    if (upTo > at) spans.push({ kind: 'text', text: plain(text.slice(at, upTo)) })
  }
  for (const match of text.matchAll(span)) {
    add(match.index)
    const [whole, code, bold, words, path] = match
    if (code !== undefined) spans.push({ kind: 'code', text: code })
    else if (bold !== undefined) spans.push({ kind: 'bold', text: plain(bold) })
    else spans.push({ kind: 'picture', text: plain(words ?? ''), path: path ?? '' })
    at = match.index + whole.length
  }
  add(text.length)
  return spans
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>' }

function plain(text: string): string {
  return text
    .replace(/\\([!-/:-@[-`{-~])/g, '$1')
    .replace(/&(amp|lt|gt);/g, (whole, name: string) => entities[name] ?? whole)
}

import { ParleyError } from '../../core/errors/index.ts'

/**
 * The records of delimited text (RFC 4180): fields in double quotes may hold delimiters, line ends and doubled quotes; lines
 * end with LF or CRLF; empty lines are skipped. Unquoted fields lose surrounding blanks. Fails with `data.malformed` where a
 * quote is not closed.
 */
export function* csvRecords(text: string, delimiter: string): Generator<string[]> {
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0
  while (at < text.length) {
    const { fields, next } = readRecord(text, at, delimiter)
    at = next
    if (fields.length > 1 || fields[0] !== '') yield fields
  }
}

function readRecord(text: string, at: number, delimiter: string): { fields: string[]; next: number } {
  const fields: string[] = []
  for (;;) {
    const field = text[at] === '"' ? quotedField(text, at) : plainField(text, at, delimiter)
    fields.push(field.value)
    at = field.next
    while (text[at] === ' ' || text[at] === '\r') at++
    if (text[at] === delimiter) at++
    else if (at >= text.length || text[at] === '\n') return { fields, next: at + 1 }
    else throw new ParleyError('data.malformed', 'text follows a closing quote within a field')
  }
}

function plainField(text: string, start: number, delimiter: string): { value: string; next: number } {
  let end = start
  while (end < text.length && text[end] !== delimiter && text[end] !== '\n') end++
  return { value: text.slice(start, end).trim(), next: end }
}

function quotedField(text: string, start: number): { value: string; next: number } {
  let value = ''
  let from = start + 1
  for (;;) {
    const quote = text.indexOf('"', from)
    if (quote < 0) throw new ParleyError('data.malformed', 'a quoted field is not closed')
    value += text.slice(from, quote)
    if (text[quote + 1] !== '"') return { value, next: quote + 1 }
    value += '"'
    from = quote + 2
  }
}

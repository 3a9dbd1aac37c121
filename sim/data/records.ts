import { ParleyError } from '../../core/errors/index.ts'

/**
 * The records of delimited text (RFC 4180), field by field, as the client's loader reads them: fields in double quotes may hold
 * delimiters, line ends and doubled quotes, others lose surrounding blanks, empty lines are skipped. Fails with `data.malformed`.
 */
export function csvRecords(text: string, delimiter: string): string[][] {
  const end = delimiter.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&')
  const field = new RegExp(`(?:"([^"]*(?:""[^"]*)*)"[ \\r]*|([^${end}\\n]*))(${end}|\\n|$)`, 'y')
  field.lastIndex = text.charCodeAt(0) === 0xfeff ? 1 : 0
  const records: string[][] = []
  let fields: string[] = []
  for (;;) {
    const found = field.exec(text)
    if (found === null)
      throw new ParleyError('data.malformed', 'text follows a closing quote, or a quote is not closed')
    const [, quoted, plain = '', ended] = found
    fields.push(quoted?.replaceAll('""', '"') ?? plain.trim())
    if (ended === delimiter) continue
    if (fields.length > 1 || fields[0] !== '') records.push(fields)
    fields = []
    if (field.lastIndex >= text.length) return records
  }
}

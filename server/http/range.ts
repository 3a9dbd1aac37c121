import { ParleyError } from '../../core/errors/index.ts'

/** Part of a file: first byte and number of bytes. */
export type ByteRange = { readonly start: number; readonly length: number }

/**
 * The one range that a Range header asks for (RFC 9110 section 14). Undefined means the whole file: no header, another
 * unit, a header that is not well formed, and several ranges, which a server may ignore and this one does. Throws
 * `request.range` when the range lies beyond the end.
 */
export function rangeOf(header: string | undefined, size: number): ByteRange | undefined {
  const match = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i.exec(header ?? '')
  const [, first = '', last = ''] = match ?? []
  if (first === '' && last === '') return undefined
  if (first === '') {
    const length = Math.min(Number(last), size)
    if (length === 0) throw beyond(size)
    return { start: size - length, length }
  }
  const start = Number(first)
  const end = last === '' ? size - 1 : Number(last)
  if (end < start && last !== '') return undefined
  if (start >= size) throw beyond(size)
  return { start, length: Math.min(end, size - 1) - start + 1 }
}

/** Whether an If-None-Match header names this entity tag (weak comparison, RFC 9110 section 13.1.2). */
export function namesTag(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  return header.trim() === '*' || header.split(',').some((one) => one.trim().replace(/^W\//, '') === tag)
}

/** Whether a Range may be honoured beside this If-Range header: only with the very same strong tag (section 13.1.5). */
export function rangeHolds(ifRange: string, tag: string): boolean {
  return ifRange.trim() === tag
}

function beyond(size: number): ParleyError {
  return new ParleyError('request.range', `the file has ${size} bytes`)
}

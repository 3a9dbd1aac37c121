import { fromBase64 } from './bytes.ts'

/**
 * Standard or URL-safe base64, with or without padding; undefined when it is neither. Padding is counted by hand: a
 * pattern for it takes quadratic time on a text of many `=`.
 */
export function anyBase64(text: string): Uint8Array | undefined {
  let end = text.length
  while (end > 0 && text.length - end < 2 && text[end - 1] === '=') end--
  if (text[end - 1] === '=') return undefined
  const standard = text.slice(0, end).replaceAll('-', '+').replaceAll('_', '/')
  return fromBase64(standard.padEnd(4 * Math.ceil(end / 4), '='))
}

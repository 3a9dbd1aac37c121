/**
 * Text from outside as a terminal may get it: control characters, what turns the direction of text, and what is no character
 * are written out (`\u{1b}`), so that they are seen and do nothing.
 */
export function printable(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu, (one) => `\\u{${one.codePointAt(0)?.toString(16) ?? ''}}`)
}

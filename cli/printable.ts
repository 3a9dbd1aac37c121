import { ParleyError } from '../core/errors/index.ts'

/**
 * Text from outside as a terminal may get it: control characters, what turns the direction of text, and what is no character
 * are written out (`\u{1b}`), so that they are seen and do nothing.
 */
export function printable(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu, (one) => `\\u{${one.codePointAt(0)?.toString(16) ?? ''}}`)
}

/** What is wrong with a file may quote it, and what is in it may be anybody’s. */
export async function plainly<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (failure) {
    throw plainError(ParleyError.from(failure))
  }
}

/** The same error with a message that a terminal may get. */
export function plainError({ code, message, details, cause }: ParleyError): ParleyError {
  return new ParleyError(code, printable(message), { cause, ...(details === undefined ? {} : { details }) })
}

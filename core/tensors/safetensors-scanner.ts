import { ParleyError } from '../errors/index.ts'

/**
 * Reads the little JSON that a safetensors header may hold. Not `JSON.parse`: that keeps the last of two equal keys in
 * silence, takes fractions for integers, and turns names into properties. Every deviation throws `tensors.malformed`.
 */
export class HeaderScanner {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** Reads an object; `member` is called at each value and must read it. The caller looks after equal keys. */
  object(member: (key: string) => void): void {
    this.#expect('{')
    if (this.#take('}')) return
    do {
      const key = this.string()
      this.#expect(':')
      member(key)
    } while (this.#take(','))
    this.#expect('}')
  }

  /** An array of at most `limit` non-negative integers up to 2⁵³ − 1. */
  integers(limit: number): number[] {
    const values: number[] = []
    this.#expect('[')
    if (this.#take(']')) return values
    do {
      if (values.length === limit) throw this.fail(`an array has more than ${limit} numbers`)
      values.push(this.#integer())
    } while (this.#take(','))
    this.#expect(']')
    return values
  }

  string(): string {
    this.#expect('"')
    const start = this.#at
    let escaped = false
    for (; ; this.#at++) {
      const code = this.#text.charCodeAt(this.#at)
      if (code === QUOTE) break
      // NaN past the end is not a character either.
      if (!(code >= SPACE)) throw this.fail('a string is not ended')
      if (code !== BACKSLASH) continue
      escaped = true
      this.#at++
    }
    const raw = this.#text.slice(start, this.#at++)
    return escaped ? this.#unescape(raw) : raw
  }

  /** Nothing but white space may be left. */
  end(): void {
    this.#skip()
    if (this.#at < this.#text.length) throw this.fail('something follows the object')
  }

  fail(reason: string): ParleyError {
    return malformed(`the header is not sound at character ${this.#at}: ${reason}`)
  }

  #integer(): number {
    this.#skip()
    const start = this.#at
    while (isDigit(this.#text.charCodeAt(this.#at))) this.#at++
    const digits = this.#text.slice(start, this.#at)
    const value = Number(digits)
    if (digits === '' || (digits.startsWith('0') && digits !== '0') || !Number.isSafeInteger(value)) {
      throw this.fail('a non-negative integer was due')
    }
    return value
  }

  #unescape(raw: string): string {
    let value: unknown
    try {
      value = JSON.parse(`"${raw}"`)
    } catch {
      throw this.fail('an unknown escape')
    }
    if (typeof value !== 'string' || !value.isWellFormed()) throw this.fail('a string that is not Unicode')
    return value
  }

  #skip(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code !== SPACE && code !== 0x0a && code !== 0x0d && code !== 0x09) return
      this.#at++
    }
  }

  #take(character: string): boolean {
    this.#skip()
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #expect(character: string): void {
    if (!this.#take(character)) throw this.fail(`${character} was due`)
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const SPACE = 0x20

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

export function malformed(reason: string): ParleyError {
  return new ParleyError('tensors.malformed', reason)
}

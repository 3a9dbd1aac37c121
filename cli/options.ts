import { readFile } from 'node:fs/promises'
import { InvalidArgumentError } from 'commander'
import { isDay, isInstant } from '../client/index.ts'
import { fromHex } from '../core/encoding/bytes.ts'
import { ParleyError } from '../core/errors/index.ts'
import { durationSchema } from '../core/plan/duration.ts'

/** Parsers of option values; each throws what commander turns into a usage error. */
export function portOption(text: string): number {
  return wholeNumber(text, 0, 65_535)
}

export function seedOption(text: string): number {
  return wholeNumber(text, 0, 0xffff_ffff)
}

export function countOption(text: string): number {
  return wholeNumber(text, 1, 1_000_000)
}

export function countFromZero(text: string): number {
  return wholeNumber(text, 0, 1_000_000)
}

/** A share of clients: from 0, below 0.9. */
export function shareOption(text: string): number {
  return number(text, (value) => value >= 0 && value < 0.9, 'a number from 0 to below 0.9')
}

export function percentOption(text: string): number {
  return number(text, (value) => value >= 0 && value <= 100, 'a number from 0 to 100')
}

export function epsilonOption(text: string): number {
  return number(text, (value) => value > 0, 'a number above 0')
}

export function deltaOption(text: string): number {
  return number(text, (value) => value > 0 && value < 1, 'a number between 0 and 1')
}

export function keyOption(text: string): Uint8Array {
  const bytes = fromHex(text.toLowerCase())
  if (bytes?.length !== 32) throw new InvalidArgumentError('a public key is 64 hexadecimal digits')
  return bytes
}

/** A day or a time in UTC, as policies write them. */
export function dateOption(text: string): string {
  if (!isDay(text) && !isInstant(text))
    throw new InvalidArgumentError('a day, 2027-01-31, or a time, 2027-01-31T12:00:00Z')
  return text
}

/** A duration with its unit, as plans write them. */
export function durationOption(text: string): string {
  const duration = durationSchema.safeParse(text)
  if (!duration.success) throw new InvalidArgumentError(duration.error.issues[0]?.message ?? 'a duration')
  return duration.data
}

/** For an option whose text is read later: `read` throws a `ParleyError` for what it cannot read. */
export function readableOption(read: (text: string) => unknown): (text: string) => string {
  return (text) => {
    try {
      read(text)
      return text
    } catch (failure) {
      if (failure instanceof ParleyError) throw new InvalidArgumentError(failure.message)
      throw failure
    }
  }
}

/** For an option that may stand several times. */
export function listOption(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text]
}

function wholeNumber(text: string, min: number, max: number): number {
  const value = Number(text)
  if (!/^\d{1,15}$/.test(text) || value < min || value > max) {
    throw new InvalidArgumentError(`a whole number from ${min} to ${max}`)
  }
  return value
}

function number(text: string, fits: (value: number) => boolean, what: string): number {
  const value = Number(text)
  if (!/^\d*\.?\d+(e-?\d{1,3})?$/i.test(text) || !Number.isFinite(value) || !fits(value)) {
    throw new InvalidArgumentError(what)
  }
  return value
}

/** The text of a file that the user named. Throws `config.invalid`. */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new ParleyError('config.invalid', `${path} cannot be read: ${cause instanceof Error ? cause.message : ''}`, {
      cause,
    })
  }
}

import { z } from 'zod'

/** How many tags a version may have, and how long they may be, in characters. */
export const tagLimits = { key: 250, value: 5_000, perVersion: 64 } as const

/**
 * Text that stays on its line and reads in its order wherever it is shown: no control, format or private characters, no
 * separators of lines, nothing that is no character.
 */
const shown = /^[^\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]*$/u

const text = (most: number) =>
  z
    .string()
    // Before anything walks over it: a character is at most two units.
    .max(2 * most, `at most ${most} characters`)
    .normalize('NFC')
    .regex(shown, 'text on one line, without control characters')
    .refine((value) => [...value].length <= most, { message: `at most ${most} characters` })
    .refine((value) => value.trim() === value, { message: 'no space at either end' })

/** The name of a tag: 1 to 250 characters without `=`, in Unicode's form NFC. */
export const tagKeyField = text(tagLimits.key).refine((key) => key !== '' && !key.includes('='), {
  message: 'a name that is not empty, without =',
})

/** What a tag says: up to 5,000 characters, in Unicode's form NFC. */
export const tagValueField = text(tagLimits.value)

/** Reads `KEY=VALUE`; the first `=` ends the key. Undefined for what is none. */
export function parseTag(words: string): { readonly key: string; readonly value: string } | undefined {
  const end = words.indexOf('=')
  const key = tagKeyField.safeParse(words.slice(0, Math.max(0, end)))
  const value = tagValueField.safeParse(words.slice(end + 1))
  return end > 0 && key.success && value.success ? { key: key.data, value: value.data } : undefined
}

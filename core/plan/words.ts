import { z } from 'zod'
import { nearestWord } from './nearest.ts'

/** One of some words; another one is answered with the nearest of them. `what`: what the words are, for the message. */
export function wordOf<const Words extends readonly [string, ...string[]]>(words: Words, what: string) {
  return z.enum(words, {
    error: ({ input }) => (typeof input === 'string' ? unknownWord(input, words, what) : undefined),
  })
}

/** What is said of a word that is none of those that are known. */
export function unknownWord(word: string, known: readonly string[], what: string): string {
  const nearest = nearestWord(word, known)
  const advice = nearest === undefined ? `known: ${known.join(', ') || 'none'}` : `did you mean "${nearest}"?`
  return `unknown ${what} "${word.slice(0, 100)}"; ${advice}`
}

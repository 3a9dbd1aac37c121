import { type RandomBytes, RandomWords } from '../../../core/privacy/index.ts'
import { Random } from '../../../core/random/random.ts'

/** A generator for what need not be repeated, begun with 128 bits that nobody else knows. */
export function secretRandom(randomBytes: RandomBytes): Random {
  const words = new RandomWords(randomBytes, 16)
  // All zeros would stay so; one bit of 128 is not missed.
  return new Random([words.next() | 1, words.next(), words.next(), words.next()])
}

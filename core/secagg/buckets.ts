import type { Crypto } from '../crypto/primitives.ts'
import { words } from './checksum.ts'
import { digestOf } from './transcript.ts'

/**
 * Random order: a permutation from a 32-byte seed, and what is cut from it. Ring and buckets are fixed only after every
 * client is bound to its keys and coins, so that nobody chooses its neighbours or bucket mates.
 */

const DRAWS = 256

/** Fisher–Yates over 0 … `count` − 1 with unbiased draws from an AES-256-CTR keystream under the seed. */
export function permutationOf(crypto: Crypto, seed: Uint8Array, count: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i)
  const stream = crypto.keystream(seed)
  let drawn = words(stream.next(4 * DRAWS))
  let used = 0
  const draw = (below: number): number => {
    const usable = 2 ** 32 - (2 ** 32 % below)
    for (;;) {
      if (used === DRAWS) {
        drawn = words(stream.next(4 * DRAWS))
        used = 0
      }
      const value = (drawn[used++] as number) >>> 0
      if (value < usable) return value % below
    }
  }
  for (let i = count - 1; i > 0; i--) {
    const j = draw(i + 1)
    const held = order[i] as number
    order[i] = order[j] as number
    order[j] = held
  }
  return order
}

export type Chance = {
  readonly rosterHash: Uint8Array
  /** The coordinator's coin, 32 bytes. */
  readonly coin: Uint8Array
  /** The beacon's value; empty when the configuration names none. */
  readonly beacon: Uint8Array
}

/** Seed of the order of the ring, known when the roster is. */
export function ringSeed(crypto: Crypto, { rosterHash, coin, beacon }: Chance): Uint8Array {
  return digestOf(crypto, 'ring', rosterHash, coin, beacon)
}

/** Seed of the buckets: `coins` are those of the members that shared their keys, in the order of the roster. */
export function bucketSeed(
  crypto: Crypto,
  { rosterHash, coin, beacon }: Chance,
  coins: readonly Uint8Array[],
): Uint8Array {
  return digestOf(crypto, 'buckets', ...coins, rosterHash, coin, beacon)
}

/** `buckets[b]` are the roster indices of bucket b, ascending: ⌊members/size⌋ buckets whose sizes differ by one at most. */
export function bucketsOf(crypto: Crypto, seed: Uint8Array, members: readonly number[], size: number): number[][] {
  const total = Math.max(1, Math.floor(members.length / size))
  const buckets = Array.from({ length: total }, (): number[] => [])
  for (const [place, at] of permutationOf(crypto, seed, members.length).entries()) {
    buckets[place % total]?.push(members[at] as number)
  }
  for (const bucket of buckets) bucket.sort((a, b) => a - b)
  return buckets
}

/** The members of the buckets that may be opened: those with at least `minSurvivors` of `delivered` left. Ascending. */
export function survivorsOf(
  buckets: readonly (readonly number[])[],
  delivered: ReadonlySet<number>,
  minSurvivors: number,
): number[] {
  const left = buckets.map((bucket) => bucket.filter((index) => delivered.has(index)))
  return left
    .filter((bucket) => bucket.length >= minSurvivors)
    .flat()
    .sort((a, b) => a - b)
}

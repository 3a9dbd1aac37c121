import { decoderOf, evaluateAt } from './decode.ts'
import { CHUNKS, chunksOf, combineShares, type Interpolation, interpolationOf } from './shamir.ts'

/** A share and the point of its holder. */
export type PointShare = { readonly point: number; readonly share: Uint8Array }

export type Recovery =
  /** `wrong`: the points whose shares do not lie on the secret's polynomials. */
  { readonly ok: true; readonly secret: Uint8Array; readonly wrong: readonly number[] } | { readonly ok: false }

/** Below this number of subsets they are tried one by one where decoding is out of reach. */
const MAX_SUBSETS = 2_000

/** Remembers the coefficients of sets of points: most secrets of a session are opened by the same holders. */
export type InterpolationCache = (points: readonly number[]) => Interpolation

export function interpolationCache(): InterpolationCache {
  const known = new Map<string, Interpolation>()
  return (points) => {
    const key = points.join()
    const found = known.get(key) ?? interpolationOf(points)
    known.set(key, found)
    return found
  }
}

/**
 * The secret that `valid` knows (it compares with a public key or a commitment), from at least `threshold` shares of which
 * some may be lies: the first `threshold` of them; then decoding, which corrects ⌊(shares − threshold)/2⌋ lies; then, in small
 * cohorts, every subset. `ok: false` means that whoever dealt the shares lied, or too many holders.
 */
export function recoverSecret(
  shares: readonly PointShare[],
  threshold: number,
  valid: (secret: Uint8Array) => boolean,
  cached: InterpolationCache = interpolationOf,
): Recovery {
  if (shares.length < threshold) return { ok: false }
  const first = shares.slice(0, threshold)
  const secret = combined(cached, first)
  // Who lied beyond the first ones is of no consequence, and not looked for.
  if (valid(secret)) return { ok: true, secret, wrong: [] }
  return decoded(shares, threshold, valid) ?? searched(shares, threshold, valid) ?? { ok: false }
}

function combined(interpolate: InterpolationCache, shares: readonly PointShare[]): Uint8Array {
  return combineShares(
    interpolate(shares.map(({ point }) => point)),
    shares.map(({ share }) => share),
  )
}

function decoded(
  shares: readonly PointShare[],
  threshold: number,
  valid: (secret: Uint8Array) => boolean,
): Recovery | undefined {
  const points = shares.map(({ point }) => point)
  const decoder = decoderOf(points, threshold)
  const values = shares.map(({ share }) => chunksOf(share))
  const secret = new Uint8Array(2 * CHUNKS)
  const wrong = new Set<number>()
  for (let chunk = 0; chunk < CHUNKS; chunk++) {
    const column = values.map((value) => value[chunk] as number)
    const polynomial = decoder.decode(column)
    if (polynomial === undefined) return undefined
    const constant = polynomial[0] ?? 0
    secret[2 * chunk] = constant >>> 8
    secret[2 * chunk + 1] = constant & 0xff
    for (const [i, point] of points.entries()) if (evaluateAt(polynomial, point) !== column[i]) wrong.add(point)
  }
  return valid(secret) ? { ok: true, secret, wrong: [...wrong] } : undefined
}

function searched(
  shares: readonly PointShare[],
  threshold: number,
  valid: (secret: Uint8Array) => boolean,
): Recovery | undefined {
  if (subsets(shares.length, threshold) > MAX_SUBSETS) return undefined
  const chosen = Array.from({ length: threshold }, (_, i) => i)
  do {
    const some = chosen.map((i) => shares[i] as PointShare)
    const secret = combined(interpolationOf, some)
    if (valid(secret)) return { ok: true, secret, wrong: contradicting(some, shares) }
  } while (advance(chosen, shares.length))
  return undefined
}

/** The points among `all` whose shares do not fit the polynomials through `some`, which are as many as the threshold. */
export function contradicting(some: readonly PointShare[], all: readonly PointShare[]): number[] {
  const points = some.map(({ point }) => point)
  const others = all.filter(({ point }) => !points.includes(point))
  const wrong = others.filter(({ point, share }) => {
    const expected = combineShares(
      interpolationOf(points, point),
      some.map((one) => one.share),
    )
    return expected.some((byte, i) => byte !== share[i])
  })
  return wrong.map(({ point }) => point)
}

/** The next combination in lexical order, in place; false after the last one. */
function advance(chosen: number[], total: number): boolean {
  for (let i = chosen.length - 1; i >= 0; i--) {
    if ((chosen[i] as number) >= total - chosen.length + i) continue
    const from = (chosen[i] as number) + 1
    for (let j = i; j < chosen.length; j++) chosen[j] = from + j - i
    return true
  }
  return false
}

function subsets(n: number, k: number): number {
  let count = 1
  for (let i = 1; i <= k; i++) count = (count * (n - k + i)) / i
  return count
}

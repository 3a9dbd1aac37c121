import { divide, multiply } from './field.ts'

/**
 * Reed–Solomon decoding over GF(2¹⁶): the polynomial through points of which a few are wrong, by S. Gao, "A new algorithm
 * for decoding Reed–Solomon codes" (2003). Polynomials are arrays of coefficients, the constant first, without leading zeros.
 */
type Polynomial = number[]

/** A decoder for values at `points` of polynomials with fewer than `terms` coefficients. Points are distinct and not 0. */
export type Decoder = {
  /** The polynomial that agrees with all but at most ⌊(points − terms)/2⌋ of the values; undefined when there is none. */
  decode(values: readonly number[]): Polynomial | undefined
}

export function decoderOf(points: readonly number[], terms: number): Decoder {
  let all: Polynomial = [1]
  for (const point of points) all = times(all, [point, 1])
  const basis = points.map((point) => {
    const others = withoutRoot(all, point)
    const scale = evaluateAt(others, point)
    return others.map((coefficient) => divide(coefficient, scale))
  })

  return {
    decode(values) {
      const through: Polynomial = new Array<number>(points.length).fill(0)
      for (const [i, polynomial] of basis.entries()) {
        const value = values[i] as number
        for (const [k, coefficient] of polynomial.entries()) {
          through[k] = (through[k] as number) ^ multiply(value, coefficient)
        }
      }
      // Euclid's algorithm on (all, through), stopped half-way; `cofactor` becomes the polynomial of the wrong points.
      let [earlier, remainder] = [all, trimmed(through)]
      let [earlierCofactor, cofactor]: [Polynomial, Polynomial] = [[], [1]]
      while (2 * (remainder.length - 1) >= points.length + terms) {
        const [quotient, rest] = divided(earlier, remainder)
        const next = plus(earlierCofactor, times(quotient, cofactor))
        ;[earlier, remainder] = [remainder, rest]
        ;[earlierCofactor, cofactor] = [cofactor, next]
      }
      const [polynomial, rest] = divided(remainder, cofactor)
      return rest.length === 0 && polynomial.length <= terms ? polynomial : undefined
    },
  }
}

export function evaluateAt(polynomial: readonly number[], point: number): number {
  let value = 0
  for (let k = polynomial.length - 1; k >= 0; k--) value = multiply(value, point) ^ (polynomial[k] as number)
  return value
}

/** `polynomial`/(x − root) for one of its roots: synthetic division. */
function withoutRoot(polynomial: Polynomial, root: number): Polynomial {
  const out = new Array<number>(polynomial.length - 1)
  let carry = 0
  for (let k = polynomial.length - 1; k >= 1; k--) {
    carry = (polynomial[k] as number) ^ multiply(carry, root)
    out[k - 1] = carry
  }
  return out
}

function plus(a: Polynomial, b: Polynomial): Polynomial {
  const length = Math.max(a.length, b.length)
  return trimmed(Array.from({ length }, (_, k) => (a[k] ?? 0) ^ (b[k] ?? 0)))
}

function times(a: Polynomial, b: Polynomial): Polynomial {
  if (a.length === 0 || b.length === 0) return []
  const out = new Array<number>(a.length + b.length - 1).fill(0)
  for (const [i, x] of a.entries()) {
    for (const [j, y] of b.entries()) out[i + j] = (out[i + j] as number) ^ multiply(x, y)
  }
  return out
}

/** Quotient and remainder; `b` is not the zero polynomial. */
function divided(a: Polynomial, b: Polynomial): [Polynomial, Polynomial] {
  const rest = [...a]
  const lead = b[b.length - 1] as number
  const quotient: Polynomial = []
  for (let shift = a.length - b.length; shift >= 0; shift--) {
    const factor = divide(rest[shift + b.length - 1] as number, lead)
    quotient[shift] = factor
    for (const [k, coefficient] of b.entries()) {
      rest[shift + k] = (rest[shift + k] as number) ^ multiply(factor, coefficient)
    }
  }
  return [trimmed(quotient), trimmed(rest)]
}

function trimmed(polynomial: Polynomial): Polynomial {
  let length = polynomial.length
  while (length > 0 && polynomial[length - 1] === 0) length--
  return polynomial.slice(0, length)
}

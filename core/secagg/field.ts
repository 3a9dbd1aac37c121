/**
 * The field with 2¹⁶ elements: polynomials over GF(2) modulo x¹⁶ + x¹² + x³ + x + 1 (0x1100B), in which x is primitive, so
 * that logarithms to the base x exist for everything but 0. Elements are integers 0 … 65535; addition is XOR.
 */
const POLYNOMIAL = 0x1100b

/** The order of the multiplicative group. */
export const ORDER = 65_535

/** Logarithms; that of 0 does not exist and reads 0. */
export const log = new Uint16Array(ORDER + 1)
/** Powers, twice over, so that a sum of two logarithms is an index. */
export const exp = new Uint16Array(2 * ORDER)

for (let power = 0, element = 1; power < ORDER; power++) {
  exp[power] = element
  exp[power + ORDER] = element
  log[element] = power
  element <<= 1
  if (element > ORDER) element ^= POLYNOMIAL
}

export function multiply(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : (exp[(log[a] as number) + (log[b] as number)] as number)
}

/** a/b; `b` is not 0. */
export function divide(a: number, b: number): number {
  return a === 0 ? 0 : (exp[(log[a] as number) + ORDER - (log[b] as number)] as number)
}

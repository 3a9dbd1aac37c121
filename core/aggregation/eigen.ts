import type { Gram } from './gram.ts'

/** Of a symmetric matrix. The vector has length 1, and its largest component is positive. */
export type EigenPair = { readonly value: number; readonly vector: Float64Array }

/** A tridiagonal matrix: `diagonal[i]`, and `beside[i]` between i and i + 1. */
type Tridiagonal = { readonly diagonal: Float64Array; readonly beside: Float64Array }

/**
 * The largest eigenvalue of a symmetric matrix and its vector, without any random start: Householder's reduction to
 * tridiagonal form, bisection by Sturm's sequence, and the vector from the twisted factorisation (Parlett and Dhillon,
 * Fernando's solution to Wilkinson's problem, 1997). 4n³/3 operations; error of a few units in the last place of ‖A‖.
 */
export function topEigenpair(matrix: Gram): EigenPair {
  const { tridiagonal, reflectors } = reduce(matrix)
  const value = topValue(tridiagonal)
  const vector = topVector(tridiagonal, value)
  // A = Q·T·Qᵀ with Q the product of the reflections, the first one leftmost.
  for (let k = reflectors.length - 1; k >= 0; k--) reflect(vector, reflectors[k] as Float64Array, k + 1)
  return { value, vector: oriented(vector) }
}

export function topEigenvalue(matrix: Gram): number {
  return topValue(reduce(matrix).tridiagonal)
}

/** Whether every eigenvalue is below `bound`: whether bound·I − A has a Cholesky factor. A quarter of the work. */
export function eigenvaluesBelow({ size, values }: Gram, bound: number): boolean {
  const factor = new Float64Array(size * size)
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = (i === j ? bound : 0) - (values[i * size + j] as number)
      for (let k = 0; k < j; k++) sum -= (factor[i * size + k] as number) * (factor[j * size + k] as number)
      if (i > j) factor[i * size + j] = sum / (factor[j * size + j] as number)
      else if (sum > 0) factor[i * size + i] = Math.sqrt(sum)
      else return false
    }
  }
  return true
}

/** Reflection k maps what is below the diagonal of column k onto one component. */
function reduce(matrix: Gram): { tridiagonal: Tridiagonal; reflectors: Float64Array[] } {
  const n = matrix.size
  const a = matrix.values.slice()
  const beside = new Float64Array(Math.max(0, n - 1))
  const reflectors: Float64Array[] = []
  for (let k = 0; k < n - 1; k++) {
    const column = Float64Array.from({ length: n - k - 1 }, (_, i) => a[(k + 1 + i) * n + k] as number)
    const { reflector, head } = reflectorOf(column)
    beside[k] = head
    reflectors.push(reflector)
    applyBothSides(a, n, k + 1, reflector)
  }
  return {
    tridiagonal: { diagonal: Float64Array.from({ length: n }, (_, i) => a[i * n + i] as number), beside },
    reflectors,
  }
}

/** u, of length √2, with (I − u·uᵀ)·column = head·e₁; u = 0 where the column has that form already. */
function reflectorOf(column: Float64Array): { reflector: Float64Array; head: number } {
  const first = column[0] as number
  let tail = 0
  for (let i = 1; i < column.length; i++) tail += (column[i] as number) ** 2
  if (tail === 0) return { reflector: new Float64Array(column.length), head: first }
  const length = Math.sqrt(first * first + tail)
  const head = first > 0 ? -length : length
  const reflector = column.slice()
  reflector[0] = first - head
  const scale = Math.sqrt(2 / ((first - head) ** 2 + tail))
  for (let i = 0; i < reflector.length; i++) reflector[i] = (reflector[i] as number) * scale
  return { reflector, head }
}

/** B ← (I − u·uᵀ)·B·(I − u·uᵀ) = B − u·qᵀ − q·uᵀ for the block B from `start` on, q = B·u − u·(uᵀ·B·u)/2. */
function applyBothSides(a: Float64Array, n: number, start: number, u: Float64Array): void {
  const m = u.length
  const q = new Float64Array(m)
  let inner = 0
  for (let i = 0; i < m; i++) {
    const row = (start + i) * n + start
    let sum = 0
    for (let j = 0; j < m; j++) sum += (a[row + j] as number) * (u[j] as number)
    q[i] = sum
    inner += sum * (u[i] as number)
  }
  for (let i = 0; i < m; i++) q[i] = (q[i] as number) - ((u[i] as number) * inner) / 2
  for (let i = 0; i < m; i++) {
    const row = (start + i) * n + start
    const [ui, qi] = [u[i] as number, q[i] as number]
    for (let j = 0; j < m; j++) {
      a[row + j] = (a[row + j] as number) - ui * (q[j] as number) - qi * (u[j] as number)
    }
  }
}

function reflect(vector: Float64Array, u: Float64Array, start: number): void {
  let inner = 0
  for (let i = 0; i < u.length; i++) inner += (u[i] as number) * (vector[start + i] as number)
  for (let i = 0; i < u.length; i++) vector[start + i] = (vector[start + i] as number) - inner * (u[i] as number)
}

/** Bisection; the value is the upper end, above every eigenvalue by no more than rounding. */
function topValue(matrix: Tridiagonal): number {
  const size = magnitude(matrix)
  if (size === 0) return 0
  let low = -size
  let high = size * (1 + 2 ** -40)
  while (high - low > size * 2 ** -60) {
    const middle = (low + high) / 2
    if (middle <= low || middle >= high) break
    if (pivots(matrix, middle).every((pivot) => pivot > 0)) high = middle
    else low = middle
  }
  return high
}

/** The largest sum of absolute values in a row: no eigenvalue is larger (Gershgorin). */
function magnitude({ diagonal, beside }: Tridiagonal): number {
  const side = (i: number) => Math.abs(beside[i] ?? 0)
  return diagonal.reduce((most, value, i) => Math.max(most, Math.abs(value) + side(i - 1) + side(i)), 0)
}

/** Pivots of λ·I − T from the top. Those of a λ above every eigenvalue are all positive, of any other λ not. */
function pivots({ diagonal, beside }: Tridiagonal, lambda: number, least = Number.NEGATIVE_INFINITY): Float64Array {
  const result = new Float64Array(diagonal.length)
  for (let i = 0; i < diagonal.length; i++) {
    const above = i === 0 ? 0 : (beside[i - 1] as number) ** 2 / (result[i - 1] as number)
    result[i] = Math.max(least, lambda - (diagonal[i] as number) - above)
  }
  return result
}

/** Solves (λ·I − T)·z = γ·eᵣ from both ends towards the r with the smallest γ: there z is largest. */
function topVector(matrix: Tridiagonal, lambda: number): Float64Array {
  const { diagonal, beside } = matrix
  const n = diagonal.length
  // λ is within rounding of an eigenvalue: a pivot may come out as 0 or below.
  const least = magnitude(matrix) * 2 ** -60 || 1
  const down = pivots(matrix, lambda, least)
  const up = pivots({ diagonal: diagonal.toReversed(), beside: beside.toReversed() }, lambda, least).reverse()
  let twist = 0
  let smallest = Number.POSITIVE_INFINITY
  for (let i = 0; i < n; i++) {
    const gamma = Math.abs((down[i] as number) + (up[i] as number) - (lambda - (diagonal[i] as number)))
    if (gamma < smallest) [twist, smallest] = [i, gamma]
  }
  const vector = new Float64Array(n)
  vector[twist] = 1
  for (let i = twist - 1; i >= 0; i--) {
    vector[i] = ((beside[i] as number) * (vector[i + 1] as number)) / (down[i] as number)
  }
  for (let i = twist + 1; i < n; i++) {
    vector[i] = ((beside[i - 1] as number) * (vector[i - 1] as number)) / (up[i] as number)
  }
  return vector
}

function oriented(vector: Float64Array): Float64Array {
  let squares = 0
  let largest = 0
  for (const value of vector) {
    squares += value * value
    if (Math.abs(value) > Math.abs(largest)) largest = value
  }
  const scale = (largest < 0 ? -1 : 1) / Math.sqrt(squares)
  return vector.map((value) => value * scale)
}

/**
 * Inner products of `size` vectors, called rows: float64, row-major, symmetric. Rules see updates only through them
 * (docs/robust-aggregation.md). The origin needs no row of its own: all its products are zero.
 */
export type Gram = { readonly size: number; readonly values: Float64Array }

/** A dense matrix, row-major. */
export type Matrix = { readonly rows: number; readonly columns: number; readonly values: Float64Array }

export function product(gram: Gram, i: number, j: number): number {
  return gram.values[i * gram.size + j] as number
}

/** ‖xᵢ‖, at least 0. */
export function norm(gram: Gram, i: number): number {
  return Math.sqrt(Math.max(0, product(gram, i, i)))
}

/** ‖xᵢ − xⱼ‖², at least 0: rounding may leave a little below. */
export function squaredDistance(gram: Gram, i: number, j: number): number {
  return Math.max(0, product(gram, i, i) + product(gram, j, j) - 2 * product(gram, i, j))
}

/** The cosine of the angle between two rows, from −1 to 1; 0 where a row is zero. */
export function cosine(gram: Gram, i: number, j: number): number {
  return cosineOf(product(gram, i, j), product(gram, i, i), product(gram, j, j))
}

/** The same from ⟨a, b⟩, ‖a‖² and ‖b‖². */
export function cosineOf(inner: number, a: number, b: number): number {
  // One root of the product, not a product of roots: of equal vectors the cosine is then exactly 1.
  const length = Math.sqrt(Math.max(0, a) * Math.max(0, b))
  return length === 0 ? 0 : Math.min(1, Math.max(-1, inner / length))
}

/** All squared distances between the first n rows, row-major. */
export function squaredDistances(gram: Gram, n: number): Float64Array {
  const distances = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) distances[i * n + j] = distances[j * n + i] = squaredDistance(gram, i, j)
  }
  return distances
}

/** G·w: the product of each row with the vector Σ wₐ·xₐ. */
export function productsWith(gram: Gram, coefficients: Float64Array): Float64Array {
  const { size, values } = gram
  const products = new Float64Array(size)
  for (let i = 0; i < size; i++) {
    let sum = 0
    for (let a = 0; a < size; a++) {
      const weight = coefficients[a] as number
      // A row that has no part may be huge: nothing times infinity would be no number.
      if (weight !== 0) sum += (values[i * size + a] as number) * weight
    }
    products[i] = sum
  }
  return products
}

/** wᵀG·w = ‖Σ wₐ·xₐ‖², at least 0. */
export function squaredNormOf(gram: Gram, coefficients: Float64Array): number {
  return Math.max(0, dot(productsWith(gram, coefficients), coefficients))
}

/** Squared distance of each row to Σ wₐ·xₐ, at least 0. */
export function squaredDistancesTo(gram: Gram, coefficients: Float64Array): Float64Array {
  const products = productsWith(gram, coefficients)
  const length = dot(products, coefficients)
  return products.map((value, i) => Math.max(0, product(gram, i, i) - 2 * value + length))
}

/** M·G·Mᵀ: the inner products of the vectors Σⱼ Mᵢⱼ·xⱼ. `matrix` has as many columns as the gram has rows. */
export function transform(gram: Gram, matrix: Matrix): Gram {
  const half = multiply(matrix, { rows: gram.size, columns: gram.size, values: gram.values })
  const values = new Float64Array(matrix.rows * matrix.rows)
  for (let i = 0; i < matrix.rows; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0
      for (let a = 0; a < gram.size; a++) {
        const weight = matrix.values[j * gram.size + a] as number
        if (weight !== 0) sum += (half.values[i * gram.size + a] as number) * weight
      }
      values[i * matrix.rows + j] = sum
      values[j * matrix.rows + i] = sum
    }
  }
  return { size: matrix.rows, values }
}

/** A·B. */
export function multiply(a: Matrix, b: Matrix): Matrix {
  const values = new Float64Array(a.rows * b.columns)
  for (let i = 0; i < a.rows; i++) {
    for (let k = 0; k < a.columns; k++) {
      const weight = a.values[i * a.columns + k] as number
      if (weight === 0) continue
      for (let j = 0; j < b.columns; j++) {
        values[i * b.columns + j] =
          (values[i * b.columns + j] as number) + weight * (b.values[k * b.columns + j] as number)
      }
    }
  }
  return { rows: a.rows, columns: b.columns, values }
}

export function identity(n: number): Matrix {
  return diagonal(new Float64Array(n).fill(1))
}

export function diagonal(entries: Float64Array): Matrix {
  const n = entries.length
  const values = new Float64Array(n * n)
  for (let i = 0; i < n; i++) values[i * n + i] = entries[i] as number
  return { rows: n, columns: n, values }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) {
    const weight = b[i] as number
    if (weight !== 0) sum += (a[i] as number) * weight
  }
  return sum
}

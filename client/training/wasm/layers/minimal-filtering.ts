/** Points at which polynomials are taken, besides infinity: small numbers that float32 has exactly. */
const POINTS: readonly number[] = [0, 1, -1, 2, -2, 0.5, -0.5]
/** Outputs of a tile. */
export const TILE_STEP = 4

/** Row by row. */
export type FilteringMatrices = {
  /** Rows and columns of `inputs`: outputs of a tile + width − 1. */
  readonly points: number
  /** points × points. */
  readonly inputs: Float32Array
  /** points × width. */
  readonly kernel: Float32Array
  /** TILE_STEP × points. */
  readonly outputs: Float32Array
}

/**
 * The matrices of minimal filtering, by which a tile of outputs of a filter of `width` (2 to 5) values is
 * outputs · ((kernel · w) ⊙ (inputs · x)): the Toom–Cook algorithm, transposed (Winograd, Arithmetic Complexity of Computations,
 * 1980; Blahut, Fast Algorithms for Signal Processing, 2010, §5).
 */
export function filteringMatrices(width: number): FilteringMatrices {
  const points = TILE_STEP + width - 1
  const finite = POINTS.slice(0, points - 1)
  const others = (point: number) => finite.filter((other) => other !== point)
  const powers = (point: number, count: number) => Array.from({ length: count }, (_, power) => point ** power)
  const atInfinity = (count: number) => Array.from({ length: count }, (_, power) => (power === count - 1 ? 1 : 0))
  const divisor = (point: number) => others(point).reduce((product, other) => product * (point - other), 1)

  const inputs = [...finite.map((point) => [...coefficients(others(point)), 0]), coefficients(finite)]
  const kernel = [
    ...finite.map((point) => powers(point, width).map((power) => power / divisor(point))),
    atInfinity(width),
  ]
  const columns = [...finite.map((point) => powers(point, TILE_STEP)), atInfinity(TILE_STEP)]
  const outputs = Array.from({ length: TILE_STEP }, (_, row) => columns.map((column) => column[row] ?? 0))
  return {
    points,
    inputs: Float32Array.from(inputs.flat()),
    kernel: Float32Array.from(kernel.flat()),
    outputs: Float32Array.from(outputs.flat()),
  }
}

/** Of the polynomial ∏ (x − root), from that of x⁰ on. */
function coefficients(roots: readonly number[]): number[] {
  let product = [1]
  for (const root of roots) {
    product = Array.from({ length: product.length + 1 }, (_, power) => {
      return (product[power - 1] ?? 0) - root * (product[power] ?? 0)
    })
  }
  return product
}

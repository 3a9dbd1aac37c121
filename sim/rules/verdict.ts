import type { ColumnReduction, Combination, LeftOut, Reduction, RuleInput } from '../../core/aggregation/rule.ts'
import { ParleyError } from '../../core/errors/index.ts'

/** Numbers that a rule may leave for the next round. */
const MOST_REMEMBERED = 10_000

/**
 * What a rule of one's own gave, once it is what a rule has to give: for a combination `gram.size` finite coefficients, for a
 * reduction points in ascending order and enough of them. Throws `round.aggregation-failed`, naming the rule.
 */
export function checkedVerdict(name: string, input: RuleInput, verdict: unknown): Combination | Reduction {
  const why = wrongWith(verdict, input)
  if (why !== undefined) throw new ParleyError('round.aggregation-failed', `${name} gave ${why}`)
  const given = verdict as Combination | Reduction
  const leftOut = given.leftOut ?? []
  // A plain array does as well.
  return given.kind === 'combination'
    ? { ...given, coefficients: Float64Array.from(given.coefficients), leftOut }
    : { ...given, leftOut }
}

function wrongWith(verdict: unknown, { n, gram }: RuleInput): string | undefined {
  if (verdict instanceof Promise) return 'a promise: a rule decides at once'
  const { kind, leftOut = [] } = (verdict ?? {}) as Partial<Combination | Reduction>
  const wrongPart =
    kind === 'combination'
      ? wrongWithCombination(verdict as Combination, gram.size)
      : kind === 'reduction'
        ? wrongWithReduction(verdict as Reduction, n)
        : 'neither a combination nor a reduction'
  return wrongPart ?? wrongWithLeftOut(leftOut, n)
}

function wrongWithCombination({ coefficients, remember = [] }: Combination, rows: number): string | undefined {
  if (!isNumbers(coefficients)) return 'no coefficients'
  if (coefficients.length !== rows) return `${coefficients.length} coefficients for the ${rows} rows of the gram`
  const at = coefficients.findIndex((value) => !Number.isFinite(value))
  if (at >= 0) return `the coefficient ${String(coefficients[at])} to row ${at}`
  if (!isNumbers(remember) || !remember.every(Number.isFinite)) return 'something to remember that is no finite number'
  return remember.length > MOST_REMEMBERED
    ? `${remember.length} numbers to remember: at most ${MOST_REMEMBERED}`
    : undefined
}

function wrongWithReduction({ points, reduce }: Reduction, n: number): string | undefined {
  if (!isNumbers(points) || points.length === 0) return 'no points to reduce'
  const stray = points.find((point, k) => !isPoint(point, n) || point <= (points[k - 1] ?? -1))
  if (stray !== undefined) return `point ${String(stray)} of ${n} to reduce, which is none or not in ascending order`
  return fits(reduce, points.length) ? undefined : `a reduction that ${points.length} points do not allow`
}

function fits(reduce: ColumnReduction | undefined, points: number): boolean {
  switch (reduce?.kind) {
    case 'trimmed-mean':
      return Number.isInteger(reduce.drop) && reduce.drop >= 0 && 2 * reduce.drop < points
    case 'nearest-median':
      return Number.isInteger(reduce.keep) && reduce.keep >= 1 && reduce.keep <= points
    default:
      return false
  }
}

function wrongWithLeftOut(leftOut: readonly LeftOut[], n: number): string | undefined {
  if (!Array.isArray(leftOut)) return 'no list of points that it left out'
  const wrong = leftOut.find((one) => !isPoint(one?.point, n) || typeof one.why !== 'string')
  return wrong === undefined ? undefined : 'a point that it left out without its number or the reason'
}

function isPoint(point: unknown, n: number): boolean {
  return Number.isInteger(point) && Number(point) >= 0 && Number(point) < n
}

function isNumbers(values: unknown): values is readonly number[] | Float64Array {
  return values instanceof Float64Array || Array.isArray(values)
}

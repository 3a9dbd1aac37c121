import { ParleyError } from '../../core/errors/index.ts'
import { coordinateAt, type Point } from './axes.ts'
import type { Sweep } from './definition.ts'
import { scenarioAt } from './place.ts'

/** Combinations of the other axes that are tried for one value. */
const MOST_TRIED = 1_000

/**
 * Throws `plan.invalid` for the first value that is wrong in every combination with the others: what is misspelt is said before
 * anything runs. What only does not go together with other values is a matter of the points that have both.
 */
export function checkValues(sweep: Sweep): void {
  const { axes } = sweep
  for (const [i, axis] of axes.entries()) {
    // Of a range both ends are tried.
    const coordinates = axis.kind === 'range' ? [axis.from, axis.to] : [...axis.choices.keys()]
    for (const [k, coordinate] of coordinates.entries()) {
      const failure = failureEverywhere(sweep, i, coordinate)
      if (failure === undefined) continue
      const field = axis.kind === 'range' ? ['from', 'to'][k] : k
      throw new ParleyError('plan.invalid', `vary.${axis.name}.${field}: ${failure.message}`)
    }
  }
}

function failureEverywhere(sweep: Sweep, fixed: number, coordinate: number): ParleyError | undefined {
  let first: ParleyError | undefined
  let tried = 0
  for (const point of product(sweep.axes, fixed, coordinate)) {
    const failure = invalidAt(sweep, point)
    if (failure === undefined || ++tried === MOST_TRIED) return undefined
    first ??= failure
  }
  return first
}

function invalidAt(sweep: Sweep, point: Point): ParleyError | undefined {
  try {
    scenarioAt(sweep, point)
    return undefined
  } catch (failure) {
    const error = ParleyError.from(failure)
    if (error.code === 'plan.infeasible') return undefined
    if (error.code === 'plan.invalid') return error
    throw error
  }
}

/** All combinations in which one axis has this coordinate; a range is in the middle. */
function* product(axes: Sweep['axes'], fixed: number, coordinate: number, head: Point = []): Generator<Point> {
  const axis = axes[head.length]
  if (axis === undefined) {
    yield head
    return
  }
  const own =
    head.length === fixed
      ? [coordinate]
      : axis.kind === 'range'
        ? [coordinateAt(axis, 0.5)]
        : axis.choices.map((_, choice) => choice)
  for (const one of own) yield* product(axes, fixed, coordinate, [...head, one])
}

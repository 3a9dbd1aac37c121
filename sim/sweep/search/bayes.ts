import { type Random, randomOf } from '../../../core/random/random.ts'
import { type Axis, coordinateAt, type Point, placeOf } from '../axes.ts'
import type { Goal } from '../metric.ts'
import { expectedImprovement } from './expected-improvement.ts'
import { GaussianProcess } from './gaussian-process.ts'
import type { Scored } from './search.ts'

/** Points that are looked at for each proposal: anywhere, and around the best one. */
const ANYWHERE = 1_000
const AROUND = 300

/**
 * The next `count` points of a Bayesian search: of random candidates those with the largest expected improvement under a Gaussian
 * process. Points without a score count as bad as the worst, so that their surroundings are left. Of several proposals at once each
 * takes the process's word for those before it (the Kriging believer of Ginsbourger, Le Riche and Carraro, 2010). Fewer than
 * `count` where nothing new is left.
 */
export function proposals(
  axes: readonly Axis[],
  done: readonly Scored[],
  goal: Goal,
  count: number,
  seed: number,
): Point[] {
  const random = randomOf(seed, `sweep/bayes/${done.length}`)
  const scores = done.map(({ score }) => (score === null ? null : goal === 'max' ? score : -score))
  const known = scores.filter((score) => score !== null)
  const worst = known.length === 0 ? 0 : Math.min(...known)
  const points = done.map(({ point }) => point)
  const values = scores.map((score) => score ?? worst)
  const chosen: Point[] = []
  while (chosen.length < count) {
    const process = GaussianProcess.fit(
      points.map((point) => encoded(axes, point)),
      values,
      groupsOf(axes),
    )
    const best = Math.max(...values)
    const incumbent = points[values.indexOf(best)] as Point
    const seen = new Set(points.map(String))
    const candidates = candidatesOf(axes, incumbent, random).filter((point) => !seen.has(String(point)))
    const next = mostPromising(candidates, (point) => expectedImprovement(process.at(encoded(axes, point)), best))
    if (next === undefined) break
    chosen.push(next)
    points.push(next)
    values.push(process.at(encoded(axes, next)).mean)
  }
  return chosen
}

function mostPromising(candidates: readonly Point[], promise: (point: Point) => number): Point | undefined {
  let best: { readonly point: Point; readonly value: number } | undefined
  for (const point of candidates) {
    const value = promise(point)
    if (best === undefined || value > best.value) best = { point, value }
  }
  return best?.point
}

function candidatesOf(axes: readonly Axis[], incumbent: Point, random: Random): Point[] {
  const anywhere = Array.from({ length: ANYWHERE }, () => axes.map((axis) => coordinateAt(axis, random.uniform())))
  const around = Array.from({ length: AROUND }, () => {
    // Wide and narrow steps alike: the narrow ones find the top of a hill that the wide ones have found.
    const reach = 0.2 * random.uniform() ** 2
    return axes.map((axis, i) => moved(axis, incumbent[i] as number, reach, random))
  })
  return [...anywhere, ...around]
}

function moved(axis: Axis, from: number, reach: number, random: Random): number {
  if (axis.kind === 'choices') return random.uniform() < 0.2 ? coordinateAt(axis, random.uniform()) : from
  return coordinateAt(axis, Math.min(1, Math.max(0, placeOf(axis, from) + reach * random.normal())))
}

/** Ranges from 0 to 1 on their scale, choices one-hot, √½ high: two different ones are 1 apart. */
function encoded(axes: readonly Axis[], point: Point): number[] {
  return axes.flatMap((axis, i) => {
    const coordinate = point[i] as number
    if (axis.kind === 'range') return [placeOf(axis, coordinate)]
    return axis.choices.map((_, choice) => (choice === coordinate ? Math.SQRT1_2 : 0))
  })
}

/** The axis of each encoded number: those of one axis share a length scale. */
function groupsOf(axes: readonly Axis[]): number[] {
  return axes.flatMap((axis, i) => (axis.kind === 'range' ? [i] : axis.choices.map(() => i)))
}

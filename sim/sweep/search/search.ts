import { randomOf } from '../../../core/random/random.ts'
import { type Axis, coordinateAt, type Point } from '../axes.ts'
import type { SearchOptions } from '../definition.ts'
import type { Goal } from '../metric.ts'
import { proposals } from './bayes.ts'

/** A point that was run; `score` is null where it gave none. */
export type Scored = { readonly point: Point; readonly score: number | null }

/** Says which points are run. Pure: the same points and scores give the same next points. */
export interface Search {
  /** Points that it asks for at most. */
  readonly points: number
  /** Points that may be run side by side, once all before them are `done`; none at the end. */
  next(done: readonly Scored[]): readonly Point[]
}

export function searchOf(axes: readonly Axis[], options: SearchOptions, goal: Goal): Search {
  switch (options.kind) {
    case 'grid':
      return atOnce(gridOf(axes))
    case 'random':
      return atOnce(drawn(axes, options.points, options.seed))
    case 'bayes':
      return {
        points: options.points,
        next: (done) => {
          if (done.length === 0) return spreadOut(axes, options.start, options.seed)
          const wanted = Math.min(options.batch, options.points - done.length)
          return wanted <= 0 ? [] : proposals(axes, done, goal, wanted, options.seed)
        },
      }
    default:
      return options satisfies never
  }
}

function atOnce(points: readonly Point[]): Search {
  return { points: points.length, next: (done) => (done.length === 0 ? points : []) }
}

/** Every combination, the last axis fastest. */
function gridOf(axes: readonly Axis[]): Point[] {
  return axes.reduce<Point[]>(
    (heads, axis) => {
      const coordinates = axis.kind === 'choices' ? axis.choices.map((_, i) => i) : []
      return heads.flatMap((head) => coordinates.map((one) => [...head, one]))
    },
    [[]],
  )
}

/** Draws in a row that may give nothing new before a space counts as used up. */
const PATIENCE = 1_000

/** Points drawn evenly, each once; fewer where there are not so many. */
function drawn(axes: readonly Axis[], count: number, seed: number, before: readonly Point[] = []): Point[] {
  const random = randomOf(seed, 'sweep/random')
  const points = [...before]
  const seen = new Set(points.map(String))
  for (let missed = 0; points.length < count && missed < PATIENCE; ) {
    const point = axes.map((axis) => coordinateAt(axis, random.uniform()))
    if (seen.has(String(point))) missed++
    else {
      missed = 0
      seen.add(String(point))
      points.push(point)
    }
  }
  return points
}

/** A Latin hypercube: on each axis one point in each of `count` equal parts. */
function spreadOut(axes: readonly Axis[], count: number, seed: number): Point[] {
  const random = randomOf(seed, 'sweep/start')
  const columns = axes.map((axis) => {
    const parts = random.shuffle(Array.from({ length: count }, (_, i) => i))
    return parts.map((part) => coordinateAt(axis, (part + random.uniform()) / count))
  })
  const points = Array.from({ length: count }, (_, i) => columns.map((column) => column[i] as number))
  const distinct = [...new Map(points.map((point) => [String(point), point])).values()]
  return drawn(axes, count, seed, distinct)
}

import { areaFor, axes, axisOver, type Interval, place } from './axis.ts'
import { px, svgDocument, text } from './svg.ts'

export type LearningCurve = {
  /** Name of the metric. */
  readonly metric: string
  /** By round, in order; null where a round was not evaluated, which breaks the line. */
  readonly points: readonly { readonly round: number; readonly value: number | null }[]
  /** The gate's bound, as a line across. */
  readonly bound?: number
}

const SIZE = { width: 520, height: 320 }
/** Up to so many points each has its dot. */
const DOTTED = 40

/** A metric over the rounds. */
export function learningCurve({ metric, points, bound }: LearningCurve): string {
  const measured = points.flatMap(({ round, value }) =>
    value !== null && Number.isFinite(value) ? [{ round, value }] : [],
  )
  const values = [...measured.map(({ value }) => value), ...(bound === undefined ? [] : [bound])]
  const rounds = points.map(({ round }) => round)
  const xAxis = axisOver(rounds.length === 0 ? [0, 1] : extent(rounds), { integers: true })
  const yAxis = axisOver(values.length === 0 ? [0, 1] : extent(values), { bounds: boundsOf(values) })
  const area = areaFor(SIZE, yAxis)
  const at = (round: number, value: number) => `${px(place(round, xAxis, area.x))} ${px(place(value, yAxis, area.y))}`
  let path = ''
  let broken = true
  for (const { round, value } of points) {
    if (value !== null && Number.isFinite(value)) path += `${broken ? 'M' : 'L'}${at(round, value)}`
    broken = value === null || !Number.isFinite(value)
  }
  const dots = measured.map(({ round, value }) => `M${at(round, value)}m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0`)
  const last = measured.at(-1)
  const title = `${metric} by round`
  const description =
    last === undefined
      ? `No round was evaluated for ${metric}.`
      : `${metric} in ${measured.length} evaluated rounds; ${last.value.toFixed(4)} in round ${last.round}.`
  return svgDocument(
    SIZE,
    { title, description },
    `${axes(area, xAxis, yAxis, { x: 'round', y: metric })}${boundOf(bound, yAxis, area)}<path class="line" d="${path}"/>${
      measured.length <= DOTTED ? `<path class="dot" d="${dots.join('')}"/>` : ''
    }`,
  )
}

function boundOf(
  bound: number | undefined,
  axis: Parameters<typeof place>[1],
  area: ReturnType<typeof areaFor>,
): string {
  if (bound === undefined) return ''
  const y = px(place(bound, axis, area.y))
  return `<path class="bound" d="M${px(area.x[0])} ${y}H${px(area.x[1])}"/>${text(area.x[1], y - 5, 'gate', 'end bound-name')}`
}

/** Shares end at 0 and 1; losses at 0. */
function boundsOf(values: readonly number[]): Interval {
  const least = values.every((value) => value >= 0) ? 0 : -Infinity
  return [least, least === 0 && values.every((value) => value <= 1) ? 1 : Infinity]
}

function extent(values: readonly number[]): Interval {
  return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))]
}

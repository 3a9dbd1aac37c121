import type { SimulatedRound } from '../../results.ts'
import { figureOf } from '../page/figure.ts'
import { type Markup, markup } from '../page/markup.ts'
import { table } from '../page/table.ts'
import { bytes, count, duration, listed, plural } from '../page/text.ts'
import { barChart } from '../plot/bars.ts'
import { columnChart } from '../plot/columns.ts'
import { lineChart } from '../plot/line-chart.ts'
import { type Bucket, bucketsOf } from '../reduce/downsample.ts'
import { ROUND_AXIS } from './learning.ts'

/** Bars that fit beside each other in a column of the page. */
const MOST_COLUMNS = 60
const MOST_SPANS = 30

/** What went over the wire, what became of it, and how long it took. */
export function traffic(rounds: readonly SimulatedRound[]): Markup {
  const reasons = reasonsOf(rounds)
  return markup`<div class="grid">${answersFigure(rounds, reasons)}${bytesFigure(rounds)}${cumulatedFigure(rounds)}${timeline(rounds)}${durationFigure(rounds)}${refusalTable(reasons)}</div>`
}

/** Rounds `7`, or `7–12` of a bucket. */
export function roundsName(rounds: readonly SimulatedRound[], { from, to }: Bucket): string {
  const [first, last] = [rounds[from]?.round ?? from + 1, rounds[to - 1]?.round ?? to]
  return first === last ? String(first) : `${first}–${last}`
}

/** What a note adds where one bar stands for several rounds. */
export function bucketNote(buckets: readonly Bucket[], words = 'Each bar is the mean of'): string {
  const size = (buckets[0]?.to ?? 1) - (buckets[0]?.from ?? 0)
  return size <= 1 ? '' : ` ${words} ${count(size)} rounds.`
}

export type Reason = {
  readonly code: string
  readonly count: number
  readonly rounds: number
  readonly clients: readonly string[]
  readonly message: string
}

/** Why updates were refused, the most frequent reason first. */
export function reasonsOf(rounds: readonly SimulatedRound[]): Reason[] {
  const found = new Map<string, { count: number; rounds: Set<number>; clients: Set<string>; message: string }>()
  for (const { refused, round } of rounds) {
    for (const { client, code, message } of refused) {
      const reason = found.get(code) ?? { count: 0, rounds: new Set(), clients: new Set(), message }
      reason.count++
      reason.rounds.add(round)
      reason.clients.add(client)
      found.set(code, reason)
    }
  }
  return [...found]
    .map(([code, reason]) => ({
      code,
      count: reason.count,
      rounds: reason.rounds.size,
      clients: [...reason.clients].sort(),
      message: reason.message,
    }))
    .sort((a, b) => b.count - a.count)
}

/** Reasons with a surface of their own; the rest is drawn as one. */
const MOST_REASONS = 5

function answersFigure(rounds: readonly SimulatedRound[], reasons: readonly Reason[]): Markup {
  const own = reasons.slice(0, MOST_REASONS).map(({ code }) => code)
  const others = reasons.length > own.length
  const buckets = bucketsOf(rounds.length, MOST_COLUMNS)
  const names = [
    'accepted',
    ...own.map((code) => `refused: ${code}`),
    ...(others ? ['refused: other reasons'] : []),
    'no update in time',
  ]
  const columns = buckets.map((bucket) => {
    const sums = Array<number>(names.length).fill(0)
    const add = (i: number, n: number) => {
      sums[i] = (sums[i] ?? 0) + n
    }
    const within = rounds.slice(bucket.from, bucket.to)
    for (const { cohort, accepted, refused } of within) {
      add(0, accepted.length)
      for (const { code } of refused) add(1 + (own.includes(code) ? own.indexOf(code) : own.length), 1)
      add(names.length - 1, Math.max(0, cohort.length - accepted.length - refused.length))
    }
    const parts = sums.map((sum) => sum / within.length)
    const name = roundsName(rounds, bucket)
    const tip = `round ${name}: ${names.map((part, i) => `${part} ${count(parts[i] ?? 0)}`).join(', ')}`
    return { name: String(rounds[bucket.from]?.round ?? ''), parts, tip, full: name }
  })
  const title = 'Updates'
  // Solid for what was taken; every reason has a hatch or a colour of its own.
  const surfaces = names.map((_, i) => (i === 0 ? 0 : i === names.length - 1 ? 13 : i))
  const present = names.map((_, i) => columns.some(({ parts }) => (parts[i] ?? 0) > 0))
  return figureOf({
    title,
    note: `What became of the updates that a round asked for.${bucketNote(buckets)}`,
    legend: names.flatMap((name, i) => (present[i] === true ? { name, surface: surfaces[i] ?? 0 } : [])),
    plot: columnChart({
      title,
      description: 'Updates accepted, refused by reason, and never sent, round by round. The table has the figures.',
      x: 'round',
      y: { name: 'clients', quantity: 'integer' },
      columns,
      surfaces,
    }),
    table: table({
      label: title,
      head: ['round', ...names],
      rows: columns.map(({ full, parts }) => [full, ...parts.map(count)]),
    }),
  })
}

function bytesFigure(rounds: readonly SimulatedRound[]): Markup {
  const buckets = bucketsOf(rounds.length, MOST_COLUMNS)
  const columns = buckets.map((bucket) => {
    const within = rounds.slice(bucket.from, bucket.to)
    const value = within.reduce((sum, round) => sum + round.bytes, 0) / within.length
    const name = roundsName(rounds, bucket)
    return {
      name: String(rounds[bucket.from]?.round ?? ''),
      parts: [value],
      tip: `round ${name}: ${bytes(value)}`,
      full: name,
    }
  })
  const title = 'Bytes of a round'
  return figureOf({
    title,
    note: `Sealed bytes of the accepted updates.${bucketNote(buckets)}`,
    plot: columnChart({
      title,
      description: 'Sealed bytes of the accepted updates of each round.',
      x: 'round',
      y: { name: 'bytes', quantity: 'bytes' },
      columns,
      surfaces: [0],
    }),
    table: table({
      label: title,
      head: ['round', 'bytes'],
      rows: columns.map(({ full, parts }) => [full, bytes(parts[0] ?? 0)]),
    }),
  })
}

function cumulatedFigure(rounds: readonly SimulatedRound[]): Markup {
  let sum = 0
  const points = rounds.map(({ round, bytes: own }) => {
    sum += own
    return { x: round, y: sum }
  })
  const title = 'Bytes so far'
  return figureOf({
    title,
    note: `Sealed bytes of all accepted updates up to a round: ${bytes(sum)} in the end.`,
    plot: lineChart({
      title,
      description: `Cumulated sealed bytes of accepted updates, ${bytes(sum)} in the end.`,
      x: ROUND_AXIS,
      y: { name: 'bytes', quantity: 'bytes', include: [0] },
      series: [{ name: 'bytes so far', style: 0, points }],
    }),
  })
}

function timeline(rounds: readonly SimulatedRound[]): Markup {
  const buckets = bucketsOf(rounds.length, MOST_SPANS)
  const bars = buckets.flatMap((bucket) => {
    const [first, last] = [rounds[bucket.from], rounds[bucket.to - 1]]
    if (first === undefined || last === undefined) return []
    const size = Math.max(0, last.closedMs - first.openedMs)
    const within = rounds.slice(bucket.from, bucket.to)
    const failed = within.filter(({ weights }) => weights === undefined).length
    const name = roundsName(rounds, bucket)
    const broken = failed === 0 ? '' : `, ${failed === within.length ? '' : `${failed} of them `}without a new model`
    return {
      name,
      from: first.openedMs,
      parts: [{ size, surface: failed === 0 ? 0 : 1 }],
      tip: `round ${name}: from ${duration(first.openedMs)} to ${duration(last.closedMs)}${broken}`,
    }
  })
  const title = 'Virtual time'
  const failures = rounds.some(({ weights }) => weights === undefined)
  return figureOf({
    title,
    note: `From the opening of each round to its close.${bucketNote(buckets, 'Each bar is')}`,
    legend: failures
      ? [
          { name: 'made a new model', surface: 0 },
          { name: 'a round failed', surface: 1 },
        ]
      : [],
    plot: barChart({
      title,
      description: 'A timeline of the rounds in virtual time.',
      x: { name: 'since the run was started', quantity: 'duration' },
      bars,
      pitch: bars.length > 15 ? 11 : 16,
    }),
    table: table({
      label: title,
      head: ['round', 'opened', 'open for'],
      rows: bars.map(({ name, from, parts }) => [name, duration(from), duration(parts[0]?.size ?? 0)]),
    }),
  })
}

function durationFigure(rounds: readonly SimulatedRound[]): Markup {
  const buckets = bucketsOf(rounds.length, MOST_COLUMNS)
  const columns = buckets.map((bucket) => {
    const within = rounds.slice(bucket.from, bucket.to)
    const value = within.reduce((sum, { openedMs, closedMs }) => sum + closedMs - openedMs, 0) / within.length
    const name = roundsName(rounds, bucket)
    return {
      name: String(rounds[bucket.from]?.round ?? ''),
      parts: [value],
      tip: `round ${name}: ${duration(value)}`,
      full: name,
    }
  })
  const title = 'Duration of a round'
  return figureOf({
    title,
    note: `Virtual time from a round’s opening to its close.${bucketNote(buckets)}`,
    plot: columnChart({
      title,
      description: 'Virtual duration of each round.',
      x: 'round',
      y: { name: 'virtual time', quantity: 'duration' },
      columns,
      surfaces: [0],
    }),
    table: table({
      label: title,
      head: ['round', 'duration'],
      rows: columns.map(({ full, parts }) => [full, duration(parts[0] ?? 0)]),
    }),
  })
}

const MOST_LISTED = 20

function refusalTable(reasons: readonly Reason[]): Markup {
  const title = 'Refused updates'
  if (reasons.length === 0)
    return markup`<div class="block"><h3>${title}</h3><p class="lead">None: every update that was sent was accepted.</p></div>`
  const more =
    reasons.length > MOST_LISTED &&
    markup`<p class="lead">${plural(reasons.length - MOST_LISTED, 'rarer reason')} not listed.</p>`
  return markup`<div class="block"><h3>${title}</h3>${table({
    label: title,
    head: ['reason', 'updates', 'rounds'],
    rows: reasons
      .slice(0, MOST_LISTED)
      .map((reason) => [
        markup`<code>${reason.code}</code><span class="under">of ${listed(reason.clients, 4)}</span><span class="under">the first: ${reason.message}</span>`,
        count(reason.count),
        count(reason.rounds),
      ]),
  })}${more}</div>`
}

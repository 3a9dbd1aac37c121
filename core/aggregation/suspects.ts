import type { RobustnessMark, RobustnessReport, Suspect } from '../run/robustness.ts'
import { medianOf } from './order.ts'

/** Rounds that are looked back on, and how many of them must be marked, and which share. */
const WINDOW = 10
const LEAST = 3
const SHARE = 0.5

/** A norm, or a distance, of so many times the median is out of the ordinary. */
const OUTLYING = 3

/** What is out of the ordinary about each of some updates; being left out by the rule is marked by who knows it. */
export function marksOf(
  updates: readonly { readonly norm: number; readonly distance: number; readonly cosine: number }[],
): RobustnessMark[][] {
  const norm = medianOf(updates.map((update) => update.norm))
  const distance = medianOf(updates.map((update) => update.distance))
  return updates.map((update) => {
    const marks: RobustnessMark[] = []
    if (update.norm > OUTLYING * norm) marks.push('norm')
    if (update.cosine < 0) marks.push('direction')
    if (update.distance > OUTLYING * distance) marks.push('distance')
    return marks
  })
}

/**
 * Clients that were marked in at least half of the last ten rounds that they took part in, and at least three times. Being
 * left out alone is no ground: a rule that keeps one update leaves out the honest others.
 */
export function suspectsOf(reports: readonly RobustnessReport[]): Suspect[] {
  const rounds = new Map<string, RobustnessMark[][]>()
  for (const { clients, rule } of reports) {
    // A mean that attackers have moved marks those who are far from them.
    if (rule === 'mean') continue
    for (const { client, marks } of clients) {
      const grounds = marks.filter((mark) => mark !== 'left-out')
      rounds.set(client, [...(rounds.get(client) ?? []), grounds])
    }
  }
  return [...rounds]
    .map(([client, all]) => {
      const last = all.slice(-WINDOW)
      const marked = last.filter((marks) => marks.length > 0)
      return { client, marked: marked.length, of: last.length, marks: [...new Set(marked.flat())].sort() }
    })
    .filter(({ marked, of }) => marked >= LEAST && marked >= SHARE * of)
    .sort((a, b) => b.marked / b.of - a.marked / a.of || (a.client < b.client ? -1 : 1))
}

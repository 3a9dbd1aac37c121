import { leadingOf } from '../../../core/metrics/metrics.ts'
import type { SimulatedRound } from '../../results.ts'
import { type Markup, markup } from '../page/markup.ts'
import { table } from '../page/table.ts'
import { bytes, count, duration, figure, plural } from '../page/text.ts'
import { evenly } from '../reduce/downsample.ts'
import { nameOfMetric } from './overview.ts'

const MOST_ROUNDS = 1_000

/** Every round in figures: what the line charts show, for whoever cannot see them or wants to copy them. */
export function roundsTable(rounds: readonly SimulatedRound[]): Markup {
  const shown = evenly(rounds, MOST_ROUNDS)
  const [first, second] = leadingOf(rounds.flatMap(({ central, pooled }) => [central, pooled]))
  const title =
    shown.length < rounds.length ? `${count(shown.length)} of ${plural(rounds.length, 'round')}` : 'All rounds'
  return markup`<details class="block"><summary>${title} as a table</summary>${table({
    label: title,
    head: [
      'round',
      'asked',
      'accepted',
      'refused',
      nameOfMetric(first),
      nameOfMetric(second),
      `pooled ${nameOfMetric(first)}`,
      `pooled ${nameOfMetric(second)}`,
      'attack success',
      'norm',
      'bytes',
      'opened',
      'closed',
      'weights',
    ],
    words: [13],
    rows: shown.map((round) => [
      count(round.round),
      count(round.cohort.length),
      count(round.accepted.length),
      count(round.refused.length),
      figure(round.central?.[first]),
      figure(round.central?.[second]),
      figure(round.pooled?.[first]),
      figure(round.pooled?.[second]),
      figure(round.attackSuccess),
      figure(round.robustness?.norm),
      bytes(round.bytes),
      duration(round.openedMs),
      duration(round.closedMs),
      round.weights === undefined ? 'no new model' : markup`<code>${round.weights.slice(0, 12)}</code>`,
    ]),
  })}</details>`
}

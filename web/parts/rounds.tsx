import { leadingOf } from '../../core/metrics/metrics.ts'
import type { RoundSummary, RunView } from '../../core/run/view.ts'
import { byteText, durationText, figure } from '../format.ts'
import { Part } from './page.tsx'
import { Table } from './table.tsx'
import { Badge, Code, Digest, Time } from './words.tsx'

/** All rounds that are over, the newest first: how long each took beside the others, and what came of it. */
export function Rounds({ view: { history } }: { readonly view: RunView }) {
  const [first, second] = leadingOf(history.map(({ pooled }) => pooled))
  const longest = Math.max(1, ...history.map(lengthOf))
  const refusals = history.flatMap(({ round, refused }) => refused.map((one) => ({ round, ...one })))
  return (
    <>
      <Part title="Rounds">
        <Table
          caption="Rounds, the newest first"
          head={['Round', 'Lasted', 'Accepted', 'Received', first, second, 'Result', 'Opened']}
          rows={history.toReversed().map((one) => [
            one.round,
            <span class="bar">
              <progress max={longest} value={lengthOf(one)} aria-hidden="true" />
              {durationText(lengthOf(one))}
            </span>,
            `${one.accepted.length} of ${one.cohort.length}`,
            byteText(one.bytes),
            figure(one.pooled?.[first]),
            figure(one.pooled?.[second]),
            <ResultOf round={one} />,
            <Time at={one.openedAt} />,
          ])}
          none="No round is over yet."
        />
      </Part>
      {refusals.length > 0 && (
        <Part title="Refused updates">
          <Table
            caption="Updates that were refused, by round"
            head={['Client', 'Round', 'Why, and what to do']}
            rows={refusals.map(({ round, client, code, message }) => [
              client,
              round,
              <Code code={code} message={message} />,
            ])}
          />
        </Part>
      )}
    </>
  )
}

function lengthOf({ openedAt, closedAt }: RoundSummary): number {
  return Date.parse(closedAt) - Date.parse(openedAt)
}

function ResultOf({ round: { failure, weights, unevaluated } }: { readonly round: RoundSummary }) {
  if (failure !== undefined) {
    return (
      <>
        <Badge tone="bad">failed</Badge> <Code {...failure} />
      </>
    )
  }
  return (
    <>
      {weights !== undefined && <Digest of={weights} />}
      {unevaluated !== undefined && (
        <>
          {' '}
          not evaluated: <Code {...unevaluated} />
        </>
      )}
    </>
  )
}

import type { DryRun, DryRunClient } from '../../core/run/dry-run.ts'
import { ask } from '../api.ts'
import { byteText, countText, durationText, figure } from '../format.ts'
import { linkTo } from '../route.ts'
import { useMay } from '../session.ts'
import { useAct } from '../use.ts'
import { Failure, Part } from './page.tsx'
import { Facts, Table } from './table.tsx'
import { Badge, Code, Digest, type Tone } from './words.tsx'

/** Asks the coordinator what would become of the plan. */
export function DryRunOf({ text, ready }: { readonly text: string; readonly ready: boolean }) {
  const act = useAct(async () => {
    const { value } = await ask<DryRun>('POST', '/v1/runs/dry-run', { type: 'application/yaml', text })
    return { text, value }
  })
  return (
    <>
      <p class="buttons">
        <button type="button" class="quiet" disabled={act.busy || !ready} onClick={act.start}>
          Dry run
        </button>
        <span class="muted">Says what would become of it; nothing is started, and no client is asked.</span>
      </p>
      <Failure refusal={act.failure} />
      {act.done !== undefined && act.done.text === text && <Outlook of={act.done.value} />}
    </>
  )
}

function Outlook({ of }: { readonly of: DryRun }) {
  const { model, plan, parameters, rounds, cohort, bytes, privacy, records, clients, start } = of
  const { words, tone } = quorumOf(of)
  const [most, perRound] = [cohort.size, bytes.down + bytes.up]
  return (
    <Part title="Dry run">
      <p role="status">
        <Badge tone={tone}>{words}</Badge>
      </p>
      <Facts
        of={[
          ['Model', `${model}, ${countText(parameters, 'parameter')}`],
          ['Plan', <Digest of={plan} />],
          ...(start === undefined ? [] : [['Starts from', startText(start)] as const]),
          ['Clients of a round', `at most ${most}`],
          [
            'A round opens',
            cohort.later === cohort.atOnce || cohort.waitMs === 0
              ? `with ${countText(cohort.later, 'connected client')}`
              : `with ${countText(cohort.atOnce, 'connected client')}, or ${cohort.later} after ${durationText(cohort.waitMs)}`,
          ],
          [
            'One client, one round',
            `${byteText(bytes.down)} to it, ${byteText(bytes.up)} from it; ${byteText(bytes.evaluation)} more where it evaluates`,
          ],
          [
            'All of it',
            `about ${byteText(perRound * most * rounds)} in ${countText(rounds, 'round')}, without evaluations`,
          ],
          ...(privacy === undefined
            ? []
            : [
                [
                  'Privacy',
                  `ε ${figure(privacy.epsilon)} at δ ${figure(privacy.delta)} after ${countText(privacy.rounds, 'round')}${privacy.rounds < rounds ? `; the budget of ${figure(privacy.budget)} ends it then` : ''}`,
                ] as const,
              ]),
          ...(records === undefined
            ? []
            : [
                [
                  'Privacy of rows',
                  `at δ ${figure(records.delta)}, of a client with ${records.examples.map((one) => `${countText(one.rows, 'row')}: ε ${figure(one.epsilon)}`).join('; ')}`,
                ] as const,
              ]),
        ]}
      />
      <Clients clients={clients} />
    </Part>
  )
}

function quorumOf({ cohort: { ready, atOnce, later, waitMs } }: DryRun): {
  readonly words: string
  readonly tone: Tone
} {
  const there = `${countText(ready, 'client')} could take part now`
  if (ready >= (waitMs === 0 ? later : atOnce))
    return { words: `${there}: the first round would open at once.`, tone: 'good' }
  if (ready >= later)
    return { words: `${there}: the first round would open after ${durationText(waitMs)}.`, tone: 'warn' }
  return { words: `${there}, and ${later} are needed: the run would wait.`, tone: 'bad' }
}

function Clients({ clients }: { readonly clients: readonly DryRunClient[] }) {
  const may = useMay()
  return (
    <>
      <Table
        caption="Clients that could be asked"
        head={['Client', 'Now', 'Why not']}
        rows={clients.map(({ client, connected, refusal }) => [
          may('client.read') ? <a href={linkTo('clients', client)}>{client}</a> : client,
          refusal === undefined ? (
            <Badge key="now" tone={connected ? 'good' : 'plain'}>
              {connected ? 'ready' : 'away'}
            </Badge>
          ) : (
            <Badge key="now" tone="bad">
              kept out
            </Badge>
          ),
          refusal === undefined ? connected ? '' : 'it has no session' : <Code key="why" code={refusal} />,
        ])}
        none="No client belongs to the federation."
      />
      <p class="muted">What a client’s own policy says of the plan is known when it is asked.</p>
    </>
  )
}

function startText({ version, file, sha256 }: NonNullable<DryRun['start']>): string {
  if (version !== undefined) return `${version.model} v${version.number}`
  return file ?? sha256
}

import type { Hold } from '../../core/run/listing.ts'
import { linkTo } from '../route.ts'
import { useMay } from '../session.ts'
import { Table } from './table.tsx'

export type HoldOfRun = Hold & { readonly run: string; readonly model: string }

/** Plans that clients hold until a person at their institution has looked at them. */
export function Holds({ holds, caption }: { readonly holds: readonly HoldOfRun[]; readonly caption: string }) {
  const may = useMay()
  return (
    <>
      <p>
        Until a person there has approved the plan with <code>parley client review</code> these clients take no part.
        Then they do by themselves. Rounds are opened without them, where there are enough others.
      </p>
      <Table
        caption={caption}
        head={['Client', 'Model', 'Run', 'Since round', 'What it says']}
        rows={holds.map(({ client, model, run, round, message }) => [
          may('client.read') ? <a href={linkTo('clients', client)}>{client}</a> : client,
          model,
          <a key="run" href={linkTo('runs', run)}>
            {run}
          </a>,
          round,
          <span key="message" class="long">
            {message}
          </span>,
        ])}
      />
    </>
  )
}

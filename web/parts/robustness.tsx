import type { RunView } from '../../core/run/view.ts'
import { countText, figure } from '../format.ts'
import { Part } from './page.tsx'
import { Table } from './table.tsx'
import { Badge } from './words.tsx'

/** How the updates of the last round were combined, and which clients stand out. */
export function Robustness({ view: { history, suspects } }: { readonly view: RunView }) {
  const last = history.findLast(({ robustness }) => robustness !== undefined)
  if (last?.robustness === undefined) return null
  const { rule, attackers, norm, clients } = last.robustness
  return (
    <Part title={`Robustness of round ${last.round}`}>
      <p>
        Combined by <code>{rule}</code>
        {attackers !== null && `, which assumes at most ${countText(attackers, 'attacker')}`}. Norm of the aggregate:{' '}
        {figure(norm)}.
      </p>
      {suspects.length > 0 && (
        <div class="failure">
          <p>
            <strong>Clients that stand out round after round:</strong>
          </p>
          <ul>
            {suspects.map(({ client, marked, of, marks }) => (
              <li key={client}>
                {client}: marked in {marked} of {of} rounds ({marks.join(', ')})
              </li>
            ))}
          </ul>
        </div>
      )}
      <Table
        caption="What became of each update"
        head={['Client', 'Marks', 'Weight', 'Kept', 'Norm', 'Distance', 'Cosine', 'Scaled by']}
        rows={clients.map((one) => [
          one.client,
          one.marks.length === 0 ? 'none' : <Badge tone="warn">{one.leftOut ?? one.marks.join(', ')}</Badge>,
          figure(one.weight),
          one.kept === null ? figure(null) : `${figure(100 * one.kept)} %`,
          figure(one.norm),
          figure(one.distance),
          figure(one.cosine),
          figure(one.scale),
        ])}
      />
    </Part>
  )
}

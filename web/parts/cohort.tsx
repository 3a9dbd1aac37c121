import type { RunView } from '../../core/run/view.ts'
import { byteText } from '../format.ts'
import { phaseWords } from '../run-text.ts'
import { Part } from './page.tsx'
import { Table } from './table.tsx'
import { Badge, Code, type Tone } from './words.tsx'

/** The clients of the open round, and how far each is. */
export function Cohort({ view: { engaged } }: { readonly view: RunView }) {
  return (
    <Part title="Cohort of this round">
      <Table
        caption="Clients of the open round"
        head={['Client', 'Phase', 'Connection', 'Received', 'Why not']}
        rows={engaged.map(({ client, phase, connected, bytes, code, message }) => [
          client,
          <Badge tone={toneOf(phase)}>{phaseWords[phase]}</Badge>,
          connected ? 'connected' : 'away',
          byteText(bytes),
          code === undefined ? '' : <Code code={code} message={message} />,
        ])}
        none="No client is asked at the moment."
      />
    </Part>
  )
}

function toneOf(phase: RunView['engaged'][number]['phase']): Tone {
  if (phase === 'refused') return 'bad'
  return phase === 'accepted' || phase === 'evaluated' ? 'good' : 'plain'
}

import { useState } from 'preact/hooks'
import { type AuditFilter, matchesFilter } from '../../core/audit/filter.ts'
import type { AuditRecord } from '../../core/audit/record.ts'
import { get, send } from '../api.ts'
import type { ReadLog } from '../audit-log.ts'
import { countText, shortDigest } from '../format.ts'
import { Failure, Page, Part } from '../parts/page.tsx'
import { Table } from '../parts/table.tsx'
import { Badge, Code, Time } from '../parts/words.tsx'
import { useLoaded } from '../use.ts'

/** Records that are shown at first, and more each time. */
const STEP = 100

/** Who did what, and whether the log is whole. */
export function AuditPage() {
  const [count, setCount] = useState(0)
  const log = useLoaded<ReadLog>('audit', async () => {
    const { federation } = await get<{ federation: string }>('/v1/audit/key')
    const { readLog } = await import('../audit-log.ts')
    return readLog(federation, fetchLines, setCount)
  })
  return (
    <Page title="Audit">
      <Failure refusal={log.failure} />
      {log.value === undefined && log.failure === undefined && (
        <p role="status">Reading and verifying the log: {countText(count, 'record')}.</p>
      )}
      {log.value !== undefined && (
        <>
          <Verification log={log.value} />
          <p>
            <button type="button" class="quiet" onClick={log.reload}>
              Read it again
            </button>{' '}
            <span class="muted">That the log was read is recorded in it.</span>
          </p>
          <Timeline log={log.value} />
        </>
      )}
    </Page>
  )
}

async function fetchLines(from: number, limit: number): Promise<readonly string[]> {
  const text = await (await send('GET', `/v1/audit?from=${from}&limit=${limit}`)).text()
  return text.split('\n').filter((line) => line !== '')
}

function Verification({ log: { report, problem, more } }: { readonly log: ReadLog }) {
  return (
    <div role="status" class={problem === undefined ? 'verdict' : 'failure'}>
      <p>
        {problem === undefined ? (
          <Badge tone="good">{`The chain of ${countText(report.records, 'record')} is whole.`}</Badge>
        ) : (
          <Badge tone="bad">{`Record ${problem.seq} is wrong (${problem.kind}): ${problem.message}.`}</Badge>
        )}
      </p>
      <p class="muted">
        Verified here, of the log of {report.federation ?? 'nobody'}
        {report.redacted > 0 && `, ${countText(report.redacted, 'record')} redacted`}
        {report.head !== undefined && (
          <>
            ; head <code title={report.head}>{shortDigest(report.head)}</code>
          </>
        )}
        {more && '; there are more records than are read here'}. Checkpoints are not served: what the signature vouches
        for, <code>parley audit verify</code> says.
      </p>
    </div>
  )
}

type Shown = { readonly seq: number; readonly record: AuditRecord }

function Timeline({ log: { lines } }: { readonly log: ReadLog }) {
  const [filter, setFilter] = useState<AuditFilter>({})
  const [shown, setShown] = useState(STEP)
  const found = lines
    .flatMap(({ seq, record }): Shown[] => (record === undefined ? [] : [{ seq, record }]))
    .filter(({ record }) => matchesFilter(filter, record))
    .reverse()
  return (
    <Part title="Timeline">
      <Filters
        set={(next) => {
          setFilter(next)
          setShown(STEP)
        }}
      />
      <p role="status">{countText(found.length, 'record')}, the newest first.</p>
      <Table
        caption="Records of the audit log"
        head={['Number', 'When', 'Who', 'Did what', 'To what', 'Outcome', 'Details']}
        rows={found.slice(0, shown).map(({ seq, record: { at, actor, action, object, outcome, code, details } }) => [
          seq,
          <Time at={at} />,
          `${actor.kind}:${actor.id}`,
          action,
          `${object.kind}:${object.id}`,
          <>
            <Badge tone={outcome === 'ok' ? 'plain' : 'bad'}>{outcome}</Badge>{' '}
            {code !== undefined && <Code code={code} />}
          </>,
          <span key="details" class="long">
            {Object.entries(details)
              .map(([name, value]) => `${name}: ${value}`)
              .join(', ')}
          </span>,
        ])}
        none="No record fits."
      />
      {found.length > shown && (
        <button type="button" class="quiet" onClick={() => setShown(shown + STEP)}>
          Show {Math.min(STEP, found.length - shown)} more
        </button>
      )}
    </Part>
  )
}

function Filters({ set }: { readonly set: (filter: AuditFilter) => void }) {
  return (
    <form
      class="filters"
      aria-label="Filters"
      onSubmit={(event) => event.preventDefault()}
      onInput={({ currentTarget }) => set(filterOf(new FormData(currentTarget)))}
    >
      <label>
        Who
        <input name="actor" placeholder="member:mem_…" spellcheck={false} autoCapitalize="none" />
      </label>
      <label>
        Did what
        <input name="action" placeholder="run or run.start" spellcheck={false} autoCapitalize="none" />
      </label>
      <label>
        To what
        <input name="object" placeholder="run:run_…" spellcheck={false} autoCapitalize="none" />
      </label>
      <label>
        From (UTC)
        <input name="from" type="datetime-local" />
      </label>
      <label>
        To (UTC)
        <input name="to" type="datetime-local" />
      </label>
    </form>
  )
}

function filterOf(form: FormData): AuditFilter {
  const word = (name: string) => {
    const text = String(form.get(name) ?? '').trim()
    return text === '' ? undefined : text
  }
  const time = (name: string) => {
    const at = Date.parse(`${String(form.get(name) ?? '')}Z`)
    return Number.isFinite(at) ? at : undefined
  }
  return { actor: word('actor'), action: word('action'), object: word('object'), from: time('from'), to: time('to') }
}

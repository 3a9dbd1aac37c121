import { useState } from 'preact/hooks'
import { type AuditFilter, matchesFilter } from '../../core/audit/filter.ts'
import type { AuditRecord } from '../../core/audit/record.ts'
import { get, send } from '../api.ts'
import type { ReadLine, ReadLog } from '../audit-log.ts'
import { countText, shortDigest } from '../format.ts'
import { Failure, Page, Part, Ready } from '../parts/page.tsx'
import { Table } from '../parts/table.tsx'
import { Badge, Code, Time } from '../parts/words.tsx'
import { useAct, useLoaded } from '../use.ts'

/** Records that are shown at first, and more each time. */
const STEP = 100
/** Records that are fetched at first, and more each time. */
const TAIL = 500

/** Lines that were fetched, and of which record the first one is. */
type Tail = { readonly lines: readonly ReadLine[]; readonly from: number }

/** Who did what, the newest first; whether the log is whole is found out when somebody asks for it. */
export function AuditPage() {
  const [older, setOlder] = useState<Tail>()
  const [count, setCount] = useState(0)
  const newest = useLoaded<Tail>('tail', () => fetchTail(`last=${TAIL}`))
  const whole = useAct<ReadLog>(async () => {
    const { federation } = await get<{ federation: string }>('/v1/audit/key')
    const { readLog } = await import('../audit-log.ts')
    return readLog(federation, async (from, limit) => (await fetchLines(`from=${from}&limit=${limit}`)).texts, setCount)
  })
  const tail = newest.value
  const from = older?.from ?? tail?.from ?? 0
  const more = useAct(
    () => fetchTail(`from=${Math.max(0, from - TAIL)}&limit=${from - Math.max(0, from - TAIL)}`),
    (before) => setOlder({ lines: [...before.lines, ...(older?.lines ?? [])], from: before.from }),
  )
  const log = whole.done
  return (
    <Page title="Audit">
      <Ready of={newest}>
        {({ lines }) => (
          <>
            {log !== undefined && <Verification log={log} />}
            {whole.busy && <p role="status">Reading and verifying the log: {countText(count, 'record')}.</p>}
            <Failure refusal={whole.failure} />
            <p class="buttons">
              <button type="button" disabled={whole.busy} onClick={whole.start}>
                {log === undefined ? 'Verify the whole log' : 'Verify it again'}
              </button>
              <span class="muted">
                {log === undefined && 'Nothing is verified yet. '}That the log was read is recorded in it.
              </span>
            </p>
            <Timeline lines={log?.lines ?? [...(older?.lines ?? []), ...lines]} />
            {log === undefined && from > 0 && (
              <p class="buttons">
                <button type="button" class="quiet" disabled={more.busy} onClick={more.start}>
                  Fetch older records
                </button>
                <span class="muted">{countText(from, 'record')} before these are not fetched.</span>
              </p>
            )}
            <Failure refusal={more.failure} />
          </>
        )}
      </Ready>
    </Page>
  )
}

async function fetchLines(query: string): Promise<{ readonly texts: readonly string[]; readonly from: number }> {
  const answer = await send('GET', `/v1/audit?${query}`)
  const texts = (await answer.text()).split('\n').filter((line) => line !== '')
  return { texts, from: Number(answer.headers.get('x-parley-from') ?? 0) }
}

async function fetchTail(query: string): Promise<Tail> {
  const [{ texts, from }, { readLines }] = await Promise.all([fetchLines(query), import('../audit-log.ts')])
  return { lines: readLines(texts, from), from }
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

function Timeline({ lines }: { readonly lines: readonly ReadLine[] }) {
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

import { useEffect, useRef, useState } from 'preact/hooks'
import type { DoneOrWaiting, ModelSummary } from '../answers.ts'
import { apiPath, ask, send } from '../api.ts'
import { DryRunOf } from '../parts/dry-run.tsx'
import { Failure, Page, Part } from '../parts/page.tsx'
import { outcomeText } from '../parts/promote.tsx'
import type { CheckedPlan } from '../plan-problems.ts'
import { linkTo } from '../route.ts'
import { useAct, useGet } from '../use.ts'

/** How long nothing must be typed before the plan is checked. */
const REST_MS = 250

/** What was written last: who must sign in again in between goes on with it. */
let draft = ''
export function forgetDraft(): void {
  draft = ''
}

/** A plan is written, checked while it is, and started. */
export function StartPage() {
  const [text, setShown] = useState(draft)
  const setText = (next: string) => {
    draft = next
    setShown(next)
  }
  const checked = useChecked(text)
  const act = useAct(
    () => ask<DoneOrWaiting>('POST', '/v1/runs', { type: 'application/yaml', text }),
    ({ value }) => {
      if (value.run !== undefined) location.hash = linkTo('runs', value.run)
    },
  )
  return (
    <Page title="Start a run">
      <Template take={setText} />
      <form
        class="wide"
        onSubmit={(event) => {
          event.preventDefault()
          if (checked?.ok === true) act.start()
        }}
      >
        <Editor text={text} setText={setText} problems={checked?.ok === false ? checked.problems : []} />
        <div role="status" data-checked={checked === undefined ? '' : String(checked.ok)}>
          {text.trim() !== '' && checked !== undefined && <Verdict checked={checked} />}
        </div>
        <Failure refusal={act.failure} />
        <button type="submit" class="strong" disabled={act.busy || checked?.ok !== true}>
          Start
        </button>
        {act.done !== undefined && <p role="status">{outcomeText(act.done)}</p>}
      </form>
      <DryRunOf text={text} ready={checked?.ok === true} />
      {checked?.ok === true && (
        <Part title="The plan as it will be run">
          <details>
            <summary>{checked.defaults.length} values that the text does not have</summary>
            <pre class="body">{checked.defaults.join('\n')}</pre>
          </details>
          <details>
            <summary>All of it</summary>
            <pre class="body">{checked.effective}</pre>
          </details>
        </Part>
      )}
    </Page>
  )
}

/** The checks are loaded when they are first needed: they know every rule that there is. */
function useChecked(text: string): CheckedPlan | undefined {
  const [checked, setChecked] = useState<CheckedPlan>()
  useEffect(() => {
    let stale = false
    setChecked(undefined)
    if (text.trim() === '') return
    const timer = setTimeout(() => {
      import('../plan-problems.ts').then(
        ({ checkedPlan }) => {
          if (!stale) setChecked(checkedPlan(text))
        },
        () => {
          const message = 'The checks cannot be loaded. Load the page again.'
          if (!stale) setChecked({ ok: false, problems: [{ code: 'unreachable', message }] })
        },
      )
    }, REST_MS)
    return () => {
      stale = true
      clearTimeout(timer)
    }
  }, [text])
  return checked
}

function Verdict({ checked }: { readonly checked: CheckedPlan }) {
  if (checked.ok) return <p class="good">The plan is valid.</p>
  return (
    <ul class="failure" id="plan-problems">
      {checked.problems.map(({ line, code, message }) => (
        <li key={message}>
          {line !== undefined && <strong>Line {line}: </strong>}
          {message} <code>{code}</code>
        </li>
      ))}
    </ul>
  )
}

type EditorProps = {
  readonly text: string
  readonly setText: (text: string) => void
  readonly problems: readonly { readonly line?: number }[]
}

/** Plain text with the numbers of its lines beside it. The Tab key leaves it, as any other field. */
function Editor({ text, setText, problems }: EditorProps) {
  const gutter = useRef<HTMLPreElement>(null)
  const wrong = new Set(problems.map(({ line }) => line))
  const lines = text.split('\n').length
  return (
    <label class="plan">
      Plan (YAML)
      <span class="editor">
        <pre ref={gutter} aria-hidden="true">
          {Array.from({ length: lines }, (_, i) => (
            <span key={i} class={wrong.has(i + 1) ? 'wrong' : undefined}>
              {`${i + 1}\n`}
            </span>
          ))}
        </pre>
        <textarea
          name="plan"
          rows={22}
          wrap="off"
          spellcheck={false}
          autoCapitalize="none"
          required
          aria-invalid={problems.length > 0}
          aria-describedby={problems.length > 0 ? 'plan-problems' : undefined}
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
          onScroll={({ currentTarget }) => {
            if (gutter.current !== null) gutter.current.scrollTop = currentTarget.scrollTop
          }}
        />
      </span>
    </label>
  )
}

/** The plan of a version as a beginning. */
function Template({ take }: { readonly take: (text: string) => void }) {
  const models = useGet<{ models: readonly ModelSummary[] }>('/v1/models')
  const [chosen, setChosen] = useState('')
  const act = useAct(async () => {
    const found = models.value?.models.find(({ model }) => model === chosen)
    if (found === undefined) return ''
    const path = `${apiPath('models', found.model, 'versions', found.versions)}/files/model/plan.yaml`
    return (await send('GET', path)).text()
  }, take)
  if ((models.value?.models.length ?? 0) === 0) return null
  return (
    <p class="buttons">
      <label class="beside">
        Begin with the plan of
        <select value={chosen} onChange={({ currentTarget }) => setChosen(currentTarget.value)}>
          <option value="">nothing</option>
          {models.value?.models.map(({ model, versions }) => (
            <option key={model} value={model}>
              {model} v{versions}
            </option>
          ))}
        </select>
      </label>
      <button type="button" class="quiet" disabled={chosen === '' || act.busy} onClick={act.start}>
        Load it
      </button>
      <Failure refusal={act.failure} />
    </p>
  )
}

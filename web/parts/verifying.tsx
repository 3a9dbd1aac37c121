import { useState } from 'preact/hooks'
import { get } from '../api.ts'
import { useAct, useLoaded } from '../use.ts'
import { Failure } from './page.tsx'
import { Table } from './table.tsx'
import { Badge, type Tone } from './words.tsx'

const tones: Readonly<Record<'pass' | 'fail' | 'skipped', Tone>> = { pass: 'good', fail: 'bad', skipped: 'plain' }

/** Verifies a version in the browser, by a key that whoever looks may have from elsewhere. */
export function Verifying({ model, number }: { readonly model: string; readonly number: number }) {
  const served = useLoaded('key', async () => (await get<{ publicKey: string }>('/v1/key')).publicKey)
  const [own, setOwn] = useState<string>()
  const key = own ?? served.value ?? ''
  const act = useAct(async () => {
    const { verifyHere } = await import('../verify.ts')
    return verifyHere({ model, number, key })
  })
  return (
    <form
      class="wide"
      onSubmit={(event) => {
        event.preventDefault()
        act.start()
      }}
    >
      <p>
        All files are fetched and checked here. This is the key that the coordinator names itself; compare it with the
        one that you pinned, or put that one in its place.
      </p>
      <label>
        The coordinator’s key
        <input
          class="mono"
          name="key"
          required
          pattern="\s*[0-9A-Fa-f]{64}\s*"
          spellcheck={false}
          value={key}
          onInput={({ currentTarget }) => setOwn(currentTarget.value)}
        />
      </label>
      <Failure refusal={act.failure} />
      <button type="submit" disabled={act.busy}>
        {act.busy ? 'Verifying…' : 'Verify'}
      </button>
      {act.done !== undefined && (
        <div role="status">
          <p>
            {act.done.failed === undefined ? (
              <Badge tone="good">The version is what was signed with this key.</Badge>
            ) : (
              <Badge tone="bad">{`Do not use it: ${act.done.failed} failed.`}</Badge>
            )}
          </p>
          <Table
            caption="Checks of the version"
            head={['Check', 'Result', 'Detail']}
            rows={act.done.checks.map(({ name, result, detail }) => [
              name,
              <Badge tone={tones[result]}>{result}</Badge>,
              detail ?? '',
            ])}
          />
        </div>
      )}
    </form>
  )
}

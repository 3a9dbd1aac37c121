import { useState } from 'preact/hooks'
import type { AliasHolder, DoneOrWaiting } from '../answers.ts'
import { apiPath, ask, json } from '../api.ts'
import { ReasonForm } from './reason.tsx'

type Version = { readonly model: string; readonly number: number }

/** What is said after an act that may take two people. */
export function outcomeText({ status, value }: { readonly status: number; readonly value: DoneOrWaiting }): string {
  if (status !== 202) return 'Done.'
  return `It waits for a second person, as ${value.request?.id ?? 'a request'}; the overview shows it.`
}

/** Moves an alias to this version, unless somebody else has moved it since it was looked at. */
export function Promote({
  model,
  number,
  aliases,
  moved,
}: Version & { readonly aliases: readonly AliasHolder[]; readonly moved: () => void }) {
  const [alias, setAlias] = useState('production')
  const holder = aliases.find((one) => one.alias === alias)
  const names = [...new Set(['production', ...aliases.map((one) => one.alias)])]
  return (
    <>
      <label class="beside">
        Alias
        <select value={alias} onChange={({ currentTarget }) => setAlias(currentTarget.value)}>
          {names.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <ReasonForm
        key={alias}
        title={`Point ${alias} at v${number}`}
        explanation={
          holder === undefined
            ? `${alias} points nowhere yet.`
            : `${alias} points at v${holder.version} since ${holder.at}: ${holder.reason}`
        }
        most={2_000}
        act={async (reason) => {
          const body = json({ version: number, reason, expect: holder?.sequence ?? 0 })
          const answer = await ask<DoneOrWaiting>('POST', apiPath('models', model, 'aliases', alias), body)
          moved()
          return answer
        }}
        done={outcomeText}
      />
    </>
  )
}

export function Rollback({
  model,
  holder,
  moved,
}: {
  readonly model: string
  readonly holder: AliasHolder
  readonly moved: () => void
}) {
  const { alias, version, sequence } = holder
  return (
    <ReasonForm
      title={`Roll ${alias} back`}
      explanation={`It points at v${version}, and will point at the version before.`}
      most={2_000}
      act={async (reason) => {
        const path = apiPath('models', model, 'aliases', alias, 'rollback')
        const { value } = await ask<AliasHolder>('POST', path, json({ reason, expect: sequence }))
        moved()
        return value
      }}
      done={(value) => `${alias} points at v${value.version} again.`}
    />
  )
}

import { useState } from 'preact/hooks'
import type { AliasRecord } from '../../core/attestation/alias-record.ts'
import type { Manifest } from '../../core/release/manifest.ts'
import type { AliasHolder, DoneOrWaiting } from '../answers.ts'
import { apiPath, ask, get, json } from '../api.ts'
import { percentText } from './alias-text.ts'
import { outcomeText } from './promote.tsx'
import { ReasonForm } from './reason.tsx'

/** Longest reason that is taken. */
const MOST = 2_000

type Acting = { readonly model: string; readonly holder: AliasHolder; readonly moved: () => void }

function ShareField({ value, set }: { readonly value: string; readonly set: (text: string) => void }) {
  return (
    <label>
      Share of the consumers, in percent
      <input
        name="share"
        type="number"
        required
        min={0.01}
        max={100}
        step={0.01}
        value={value}
        onInput={({ currentTarget }) => set(currentTarget.value)}
      />
    </label>
  )
}

/** Gives a share of an alias's consumers this version, beside the one that the alias names. */
export function BeginSplit({
  manifest: { model, number, root },
  aliases,
  moved,
}: {
  readonly manifest: Manifest
  readonly aliases: readonly AliasHolder[]
  readonly moved: () => void
}) {
  const others = aliases.filter(({ version, split }) => version !== number && split === undefined)
  const [chosen, setChosen] = useState(others[0]?.alias)
  const [share, setShare] = useState('5')
  const holder = others.find(({ alias }) => alias === chosen) ?? others[0]
  if (holder === undefined) return null
  const { alias, version, sequence } = holder
  return (
    <ReasonForm
      key={`${alias} ${sequence}`}
      title={`Give v${number} to a share of the consumers`}
      explanation={`${alias} stays at v${version}, and a share of its consumers gets v${number}. Who is drawn stays so, and a larger share only adds to them.`}
      most={MOST}
      act={async (reason) => {
        const id = `roll_${hexOf(crypto.getRandomValues(new Uint8Array(6)))}`
        const rollout = { id, number, root, share: Math.round(Number(share) * 100) }
        const body = json({ version, reason, expect: sequence, rollout })
        const answer = await ask<DoneOrWaiting>('POST', apiPath('models', model, 'aliases', alias), body)
        moved()
        return answer
      }}
      done={outcomeText}
    >
      {others.length > 1 && (
        <label>
          Alias
          <select value={alias} onChange={({ currentTarget }) => setChosen(currentTarget.value)}>
            {others.map((one) => (
              <option key={one.alias}>{one.alias}</option>
            ))}
          </select>
        </label>
      )}
      <ShareField value={share} set={setShare} />
    </ReasonForm>
  )
}

/** The same consumers as before and more, or fewer of them. */
export function ChangeShare({ model, holder, moved }: Acting) {
  const { alias, version, sequence, split } = holder
  const [share, setShare] = useState(String((split?.share ?? 0) / 100))
  return (
    <ReasonForm
      title="Change the share"
      explanation={`Now ${percentText(split?.share ?? 0)} get v${split?.number}. Consumers that are named in the split stay named.`}
      most={MOST}
      act={async (reason) => {
        const rollout = await presentRollout(model, holder)
        const body = json({
          version,
          reason,
          expect: sequence,
          rollout: { ...rollout, share: Math.round(Number(share) * 100) },
        })
        const answer = await ask<DoneOrWaiting>('POST', apiPath('models', model, 'aliases', alias), body)
        moved()
        return answer
      }}
      done={outcomeText}
    >
      <ShareField value={share} set={setShare} />
    </ReasonForm>
  )
}

export function PromoteChallenger({ model, holder: { alias, version, sequence, split }, moved }: Acting) {
  return (
    <ReasonForm
      title={`Give v${split?.number} to all`}
      explanation={`${alias} moves from v${version} to v${split?.number}, and the split ends.`}
      most={MOST}
      act={async (reason) => {
        const body = json({ version: split?.number, reason, expect: sequence })
        const answer = await ask<DoneOrWaiting>('POST', apiPath('models', model, 'aliases', alias), body)
        moved()
        return answer
      }}
      done={outcomeText}
    />
  )
}

/** Back is always one person's act. */
export function EndSplit({ model, holder: { alias, version, sequence, split }, moved }: Acting) {
  return (
    <ReasonForm
      title={`Take v${split?.number} back`}
      explanation={`The split ends: all consumers of ${alias} get v${version} again. It is done at once, by you alone.`}
      most={MOST}
      act={async (reason) => {
        const path = apiPath('models', model, 'aliases', alias, 'rollback')
        await ask('POST', path, json({ reason, expect: sequence, to: version }))
        moved()
      }}
      done={() => 'Done.'}
    />
  )
}

/** The split as the signed record has it, with the consumers that it names. */
async function presentRollout(model: string, { alias, sequence }: AliasHolder) {
  const { payload } = await get<{ payload: string }>(apiPath('models', model, 'aliases', alias, 'record'))
  const bytes = Uint8Array.from(atob(payload), (letter) => letter.charCodeAt(0))
  const record = JSON.parse(new TextDecoder().decode(bytes)) as AliasRecord
  if (record.sequence !== sequence) throw new Error('The alias was moved since it was shown.')
  return record.rollout
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

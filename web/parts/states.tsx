import { apiPath, ask, json } from '../api.ts'
import { ReasonForm } from './reason.tsx'

type Named = 'in-use' | 'deprecated' | 'withdrawn'

const acts: Readonly<Record<Named, { readonly title: string; readonly explanation: string }>> = {
  deprecated: { title: 'Deprecate it', explanation: 'Consumers are told that it should no longer be taken up.' },
  withdrawn: { title: 'Withdraw it', explanation: 'No alias may point at it, and consumers refuse it.' },
  'in-use': { title: 'Restore it', explanation: 'It is in use again.' },
}
const names = ['deprecated', 'withdrawn', 'in-use'] as const

type Props = {
  readonly model: string
  readonly number: number
  readonly state: string
  readonly changed: () => void
}

/** Says of a version that it should not, or may not, be used any more, or may again. */
export function States({ model, number, state, changed }: Props) {
  return (
    <>
      {names
        .filter((name) => name !== state)
        .map((name) => (
          <ReasonForm
            key={name}
            {...acts[name]}
            most={2_000}
            act={async (reason) => {
              await ask('POST', apiPath('models', model, 'versions', number, 'state'), json({ state: name, reason }))
              changed()
            }}
            done={() => 'Done.'}
          />
        ))}
    </>
  )
}

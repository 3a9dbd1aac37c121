import type { ClientView, EnrolmentState, EnrolmentStep } from '../../core/enrolment/client-view.ts'
import { coordinatorNow } from '../api.ts'
import { Badge, Time, type Tone } from './words.tsx'

const DAY_MS = 86_400_000

const tones: Readonly<Record<EnrolmentState, Tone>> = {
  invited: 'plain',
  pending: 'warn',
  active: 'good',
  suspended: 'warn',
  refused: 'bad',
  revoked: 'bad',
}

export const stepWords: Readonly<Record<EnrolmentStep, string>> = {
  kept: 'was so when this history began',
  invite: 'invited',
  request: 'asked to be let in',
  approve: 'let in',
  'allow-renewal': 'may renew an ended certificate',
  renew: 'certificate renewed',
  refuse: 'not let in',
  suspend: 'suspended',
  resume: 'let in again',
  revoke: 'revoked',
  rename: 'renamed',
}

export function StateBadge({ state }: { readonly state: EnrolmentState }) {
  return <Badge tone={tones[state]}>{state}</Badge>
}

/** Whether an active client is kept out because its certificate has ended. */
export function certificateEnded({ state, certificateUntil }: ClientView): boolean {
  return state === 'active' && certificateUntil !== undefined && Date.parse(certificateUntil) <= coordinatorNow()
}

export function CertificateEnd({ client }: { readonly client: ClientView }) {
  const { state, certificateUntil } = client
  if (certificateUntil === undefined || state !== 'active') return <span>–</span>
  const soon = Date.parse(certificateUntil) - coordinatorNow() < DAY_MS
  return (
    <>
      <Time at={certificateUntil} />{' '}
      {certificateEnded(client) ? (
        <Badge tone="bad">ended</Badge>
      ) : (
        soon && <Badge tone="warn">ends within a day</Badge>
      )}
    </>
  )
}

export function Seen({ client: { connected, lastSeenAt } }: { readonly client: ClientView }) {
  if (connected) return <Badge tone="good">connected</Badge>
  return lastSeenAt === undefined ? <span>never</span> : <Time at={lastSeenAt} />
}

/** What a fingerprint is compared by: in groups, as it is read out. */
export function Fingerprint({ of }: { readonly of: string }) {
  return <code class="fingerprint">{of}</code>
}

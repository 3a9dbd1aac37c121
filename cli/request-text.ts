import type { RequestView } from '../server/index.ts'

/** A request that waits for a second person, or waited, for people. */
export function requestText({
  id,
  act,
  state,
  requestedBy,
  requestedAt,
  expiresAt,
  decidedBy,
  code,
  body,
}: RequestView): string {
  const decided = decidedBy === undefined ? '' : ` by ${decidedBy}`
  const failed = code === undefined ? '' : ` (${code})`
  const next = state === 'pending' ? `\n  another member, until ${expiresAt}: parley request confirm ${id}` : ''
  return `${id}  ${act}  ${state}${decided}${failed}  asked for by ${requestedBy} at ${requestedAt}${body === undefined ? '' : `\n  ${JSON.stringify(body)}`}${next}`
}

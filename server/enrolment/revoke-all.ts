import type { Act, Enrolment } from './enrolment.ts'

/** Revokes all that were not yet, one after the other, each on record; resolves with their ids. May be asked again where it failed. */
export async function revokeAll(enrolment: Enrolment, act: Act): Promise<readonly string[]> {
  const clients = enrolment.list().flatMap(({ client, state }) => (state === 'revoked' ? [] : [client]))
  for (const client of clients) await enrolment.revoke(client, act)
  return clients
}

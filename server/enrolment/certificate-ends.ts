import { X509Certificate } from 'node:crypto'
import type { CertificateEnd } from '../observe/gauges.ts'
import type { EnrolmentRecord } from '../store/enrolment-ports.ts'

/** Ends of the certificates of active clients. */
export function certificateEndsOf(clients: readonly EnrolmentRecord[]): readonly CertificateEnd[] {
  return clients.flatMap(({ client, state, certificate }) =>
    state === 'active' && certificate !== undefined
      ? [{ name: `client ${client}`, at: Date.parse(certificate.notAfter), lifetime: lifetimeOf(certificate) }]
      : [],
  )
}

// They are looked at every minute, and change once a week.
const lifetimes = new WeakMap<object, number>()

function lifetimeOf(certificate: { readonly pem: string }): number {
  const known = lifetimes.get(certificate)
  if (known !== undefined) return known
  const { validFrom, validTo } = new X509Certificate(certificate.pem)
  const lifetime = Date.parse(validTo) - Date.parse(validFrom)
  lifetimes.set(certificate, lifetime)
  return lifetime
}

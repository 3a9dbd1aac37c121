import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { ParleyError } from '../../core/errors/index.ts'
import { isLoopback } from '../../core/wire/address.ts'

/** What a client trusts and shows, as PEM text. Without `ca` the system's authorities are trusted. */
export type ClientTls = {
  readonly ca?: string
  /** Authorities of gateways that open TLS on the way, trusted next to `ca`; one text may hold several. */
  readonly gatewayCa?: string
  /** The client's own certificate and key, for coordinators that ask for one. Both or neither. */
  readonly cert?: string
  readonly key?: string
  /** The name to find in the coordinator's certificate, if it is not the host of the URL. */
  readonly serverName?: string
}

/** Throws `config.insecure` for clear text beyond the loopback interface, unless that was allowed. */
export function refuseClearText(url: URL, allowed: boolean | undefined): void {
  if (isLoopback(url.hostname) || allowed === true) return
  throw new ParleyError('config.insecure', `${url.protocol}//${url.host} would travel in clear text`)
}

/** Throws `config.invalid` when certificates or key cannot be used. */
export function checkTls(tls: ClientTls | undefined): void {
  if (tls === undefined) return
  const { ca, gatewayCa, cert, key } = tls
  if ((cert === undefined) !== (key === undefined)) {
    throw new ParleyError('config.invalid', 'a client certificate needs its key, and a key its certificate')
  }
  try {
    // An authority that is no certificate would be passed over in silence.
    for (const pem of [ca, gatewayCa]) if (pem !== undefined) new X509Certificate(pem)
    createSecureContext({ ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ParleyError('config.invalid', `the TLS certificate or key cannot be used: ${reason}`, { cause })
  }
}

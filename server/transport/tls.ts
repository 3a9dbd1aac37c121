import { X509Certificate } from 'node:crypto'
import { createSecureContext, type TlsOptions } from 'node:tls'
import { ParleyError } from '../../core/errors/index.ts'
import { isLoopback } from '../../core/wire/address.ts'

/** Certificate chain and key of the coordinator as PEM text; with `clientCa`, clients must show a certificate of it. */
export type ServerTls = {
  readonly cert: string
  readonly key: string
  readonly clientCa?: string
}

export type TransportSecurity = {
  readonly tls?: ServerTls
  /** Take clear text on an address that other machines can reach, for instance behind a proxy that ends TLS. */
  readonly allowClearTextBeyondLoopback?: boolean
}

/** Throws `config.insecure` for clear text on an address that other machines can reach, `config.invalid` for bad PEM. */
export function checkSecurity(host: string, { tls, allowClearTextBeyondLoopback }: TransportSecurity): void {
  if (tls === undefined) {
    if (isLoopback(host) || allowClearTextBeyondLoopback === true) return
    throw new ParleyError('config.insecure', `clear text on ${host} is refused: other machines can reach it`)
  }
  try {
    // An authority that is no certificate would be passed over in silence.
    if (tls.clientCa !== undefined) new X509Certificate(tls.clientCa)
    createSecureContext(nodeTlsOptions(tls))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ParleyError('config.invalid', `the TLS certificate or key cannot be used: ${reason}`, { cause })
  }
}

/** When the first certificate of a PEM text ends, in milliseconds since the epoch. */
export function certificateEnd(pem: string): number {
  return Date.parse(new X509Certificate(pem).validTo)
}

export function nodeTlsOptions(tls: ServerTls): TlsOptions {
  const { cert, key, clientCa } = tls
  const client = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }
  return { cert, key, minVersion: 'TLSv1.2', ...client }
}

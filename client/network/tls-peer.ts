import type { PeerCertificate, TLSSocket } from 'node:tls'
import { ParleyError } from '../../core/errors/index.ts'

/** Who certified the other end of a TLS connection. */
export type TlsPeer = {
  /** The name that the certificate is for. */
  readonly subject: string
  /** The authority at the end of its chain, as far as that is known. */
  readonly issuer: string
  /** SHA-256 of each certificate of the chain, of the end's own first; lower-case hex. */
  readonly fingerprints: readonly string[]
  /** In milliseconds since the epoch. */
  readonly until: number
}

const MOST_IN_CHAIN = 10

export function tlsPeerOf(socket: TLSSocket): TlsPeer | undefined {
  const chain = chainOf(socket)
  const [own] = chain
  const top = chain.at(-1)
  if (own === undefined || top === undefined) return undefined
  return {
    subject: nameOf(own.subject),
    issuer: nameOf(top.issuer),
    fingerprints: chain.map(({ fingerprint256 }) => fingerprint256.replaceAll(':', '').toLowerCase()),
    until: Date.parse(own.valid_to),
  }
}

/** What is wrong with a certificate, from the code by which OpenSSL or Node calls it. `expected` is the host that was asked for. */
export function tlsRefusal(socket: TLSSocket, expected: string): ParleyError {
  const peer = tlsPeerOf(socket)
  const reason = String(socket.authorizationError)
  const about = peer === undefined ? '' : `: it is for ${peer.subject}, issued by ${peer.issuer}`
  switch (reason) {
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return new ParleyError('tls.untrusted', `the certificate of ${expected} is not trusted${about}`, {
        ...(peer === undefined ? {} : { details: { issuer: peer.issuer } }),
      })
    case 'CERT_HAS_EXPIRED':
      return new ParleyError('tls.certificate', `the certificate of ${expected} has ended${about}`)
    case 'CERT_NOT_YET_VALID':
      return new ParleyError('tls.certificate', `the certificate of ${expected} is not good yet${about}`)
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return new ParleyError('tls.certificate', `the certificate is not for ${expected}${about}`)
    default:
      return new ParleyError(
        'tls.certificate',
        `the certificate of ${expected} is refused, ${printable(reason)}${about}`,
      )
  }
}

function chainOf(socket: TLSSocket): PeerCertificate[] {
  const chain: PeerCertificate[] = []
  let next: PeerCertificate | undefined = socket.getPeerCertificate(true)
  while (next?.raw !== undefined && chain.length < MOST_IN_CHAIN) {
    chain.push(next)
    const issuer: PeerCertificate | undefined =
      'issuerCertificate' in next ? (next.issuerCertificate as PeerCertificate) : undefined
    // A root is its own issuer.
    next = issuer?.fingerprint256 === next.fingerprint256 ? undefined : issuer
  }
  return chain
}

function nameOf(name: PeerCertificate['subject'] | undefined): string {
  const text = name?.CN ?? name?.O ?? ''
  return printable(typeof text === 'string' ? text : String(text)) || 'nobody that it names'
}

const printable = (text: string) => text.replace(/[\p{Cc}\p{Cf}]/gu, '').slice(0, 100)

import { rootCertificates } from 'node:tls'

/** Whom TLS believes, as PEM text. */
export type Trust = {
  /** In the place of the system's authorities. */
  readonly ca?: string
  /** Next to them: authorities of gateways that open TLS on the way. One PEM text may hold several. */
  readonly gatewayCa?: string
}

/** The authorities for `tls.connect`; undefined leaves Node's own, with those of NODE_EXTRA_CA_CERTS. */
export function authoritiesOf({ ca, gatewayCa }: Trust): string[] | undefined {
  if (gatewayCa === undefined) return ca === undefined ? undefined : [ca]
  return ca === undefined ? [...rootCertificates, gatewayCa] : [ca, gatewayCa]
}

import { entry } from '../entry.ts'

/** The way from a client to its coordinator: proxies, certificates, what stands in between. */
export const networkErrors = {
  'proxy.unreachable': entry(
    'unavailable',
    'the proxy cannot be reached, or gave no answer',
    'check its address and port with the people who run the network: --proxy, HTTPS_PROXY, --no-proxy',
  ),
  'proxy.authentication': entry(
    'unauthenticated',
    'the proxy wants a name and a password, or other ones',
    'put name:password into a file and give it as --proxy-credentials-file; only the scheme Basic is spoken',
  ),
  'proxy.refused': entry(
    'forbidden',
    'the proxy does not let this client through to the coordinator',
    'ask the people who run the proxy to allow CONNECT to the host and port that the message names',
  ),
  'proxy.no-route': entry(
    'unavailable',
    'the proxy answered, and does not reach the coordinator',
    'check the coordinator’s address; ask the people who run the proxy whether it may go there',
  ),
  'tls.untrusted': entry(
    'unverified',
    'the certificate on the other end was not issued by an authority that this client trusts',
    'if the message names a gateway of your own network that opens TLS, give its authority as --ca; else somebody may be between you and the coordinator',
  ),
  'tls.certificate': entry(
    'unverified',
    'the certificate on the other end is not good: its time, its name or its use',
    'the message says what is wrong; check the clock of this machine and the address of the coordinator',
  ),
  'session.http2-blocked': entry(
    'unavailable',
    'gRPC does not get through: something on the way does not speak HTTP/2',
    'the client goes over WebSocket where it has an address for it; see docs/client-network.md',
  ),
} as const

/**
 * The carriers of a coordinator's address: `https://host` (or `http://`, on this machine) stands for both on one port, gRPC first and
 * WebSocket where that does not get through. Other addresses name one carrier.
 */
export function carrierUrls(address: string): readonly string[] {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || url.pathname !== '/' || url.search !== '' || url.username !== '') return [address]
  switch (url.protocol) {
    case 'https:':
      return [`grpcs://${withPort(url, 443)}`, `wss://${withPort(url, 443)}`]
    case 'http:':
      return [`grpc://${withPort(url, 80)}`, `ws://${withPort(url, 80)}`]
    default:
      return [address]
  }
}

const withPort = ({ hostname, port }: URL, usual: number) => `${hostname}:${port === '' ? usual : port}`

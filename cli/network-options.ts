import type { Command } from 'commander'
import { checkProxy, type ProxyChoice, type WayOut } from '../client/index.ts'
import { readText } from './options.ts'

export type NetworkOptions = {
  /** False with `--no-proxy`. */
  readonly proxy?: string | false
  readonly proxyCredentialsFile?: string
  readonly ca?: string
}

/** What stands between a client and its coordinator. */
export function withNetworkOptions(one: Command): Command {
  return withProxyOptions(one).option(
    '--ca <file>',
    'authorities of a gateway that opens TLS on the way, PEM: trusted next to the coordinator’s',
  )
}

export function withProxyOptions(one: Command): Command {
  return one
    .option(
      '--proxy <url>',
      'go through this proxy (CONNECT), http:// or https://; by default what HTTPS_PROXY and NO_PROXY say',
    )
    .option('--no-proxy', 'go directly, whatever they say')
    .option('--proxy-credentials-file <file>', 'file with name:password for the proxy, one line')
}

/** Throws `config.invalid` for a URL with a password, which everybody on the machine could read. */
export async function proxyOf({ proxy, proxyCredentialsFile: file }: NetworkOptions): Promise<ProxyChoice> {
  const url = proxy === undefined ? {} : { url: proxy === false ? null : proxy }
  const credentials = file === undefined ? {} : { credentials: (await readText(file)).replace(/\r?\n$/, '') }
  const choice = { ...url, ...credentials }
  checkProxy(choice)
  return choice
}

export async function wayOutOf(options: NetworkOptions): Promise<WayOut> {
  const { ca } = options
  return { proxy: await proxyOf(options), ...(ca === undefined ? {} : { gatewayCa: await readText(ca) }) }
}

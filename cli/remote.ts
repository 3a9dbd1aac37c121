import type { Command } from 'commander'
import { DEFAULT_URL } from './http-client.ts'
import { withProxyOptions } from './network-options.ts'

/** The options of every command that speaks to a coordinator as an operator: `RemoteOptions`. */
export function remote(one: Command): Command {
  return withProxyOptions(one)
    .option('--url <url>', 'HTTP address of the coordinator', DEFAULT_URL)
    .option('--home <folder>', 'folder of the coordinator, from which its admin token is read')
    .option('--ca <file>', 'certificate of the coordinator’s authority, PEM; by default that of its folder')
    .option('--token-file <file>', 'file with an API token, or with the admin token')
}

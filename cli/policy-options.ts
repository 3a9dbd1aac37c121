import type { Command } from 'commander'
import { command } from './command.ts'
import { homeOf } from './home.ts'

/** What commands about a client's policy are told of where it lies. */
export type PolicyHomeOptions = { readonly home: string; readonly policy?: string }

/** A command about the policy of a client. */
export function policyCommand(name: string, description: string): Command {
  return command(name, description)
    .option('--home <folder>', 'folder of the client', '.parley/client')
    .option('--policy <file>', 'the policy; by default policy.yaml in that folder')
}

export function policyPathOf({ home, policy }: PolicyHomeOptions): string {
  return policy ?? homeOf(home).policy
}

import { action, command } from '../command.ts'
import { RemoteCoordinator, type RemoteOptions } from '../http-client.ts'
import { remote } from '../remote.ts'

type Options = RemoteOptions & { readonly label?: string; readonly lifetime: string }
type Invited = {
  readonly client: string
  readonly code: string
  readonly authority: string | null
  readonly expiresAt: string
}

/** A code for one institution, to be handed over on a channel of its own. */
export const inviteCommand = remote(command('invite', 'invite an institution: prints a code that is good once'))
  .argument('<name>', 'the id that the client will have')
  .option('--label <text>', 'what people call it')
  .option('--lifetime <duration>', 'how long the code is good for', '72h')
  .action(
    action<Options>(async (options, output, client = '') => {
      const coordinator = await RemoteCoordinator.connect(options)
      const { label, lifetime } = options
      const invited = (await coordinator.send('POST', '/v1/clients', { client, label, lifetime })) as Invited
      output.result(
        invited,
        [
          invited.code,
          '',
          `hand this code to ${client} over a channel of its own; it is good once, until ${invited.expiresAt}`,
          ...(invited.authority === null ? [] : [`SHA-256 of the authority: ${invited.authority}`]),
          `there: parley client join CODE`,
          `then here: parley client approve ${client} FINGERPRINT, with the fingerprint that they read out to you`,
        ].join('\n'),
      )
      return 0
    }),
  )

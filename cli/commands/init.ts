import { toHex } from '../../core/encoding/bytes.ts'
import { systemClock } from '../../core/system-clock.ts'
import { action, command } from '../command.ts'
import { makeAuthority } from '../enrolment/authority-files.ts'
import { homeOf, identityOf, releaseSignerOf } from '../home.ts'
import { secretFile } from '../secret-files.ts'

type Options = { readonly home: string; readonly name: string }

/** A federation of one's own: keys, and an authority that certifies the coordinator and its clients. */
export const initCommand = command('init', 'make the keys and the certificate authority of a new federation')
  .option('--home <folder>', 'folder of its coordinator', '.parley/coordinator')
  .option('--name <name>', 'what its authority is called', 'Parley federation')
  .action(
    action<Options>(async (options, output) => {
      const home = homeOf(options.home)
      const authority = await makeAuthority(home, options.name, systemClock.now())
      const identity = await identityOf(home)
      await releaseSignerOf(home)
      for (const secret of [home.sealingSecret, home.adminToken]) await secretFile(secret)
      const facts = { home: options.home, coordinator: toHex(identity.publicKey), authority: authority.fingerprint }
      output.result(
        facts,
        [
          `a federation was made in ${facts.home}`,
          `  key of the coordinator    ${facts.coordinator}`,
          `  SHA-256 of the authority  ${facts.authority}`,
          '',
          `next: parley coordinator --home ${facts.home}`,
          `then: parley invite NAME --home ${facts.home}`,
        ].join('\n'),
      )
      return 0
    }),
  )

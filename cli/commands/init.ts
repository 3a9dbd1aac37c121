import { toHex } from '../../core/encoding/bytes.ts'
import { systemClock } from '../../core/system-clock.ts'
import { action, command } from '../command.ts'
import { authorityOf, makeAuthority } from '../enrolment/authority-files.ts'
import { homeOf, identityOf, releaseSignerOf } from '../home.ts'
import { secretFile } from '../secret-files.ts'

type Options = { readonly home: string; readonly name: string; readonly ifMissing?: boolean }

/** A federation of one's own: keys, and an authority that certifies the coordinator and its clients. */
export const initCommand = command('init', 'make the keys and the certificate authority of a new federation')
  .option('--home <folder>', 'folder of its coordinator', '.parley/coordinator')
  .option('--name <name>', 'what its authority is called', 'Parley federation')
  .option('--if-missing', 'leave a federation that is there already as it is, for containers that start anew')
  .action(
    action<Options>(async (options, output) => {
      const home = homeOf(options.home)
      const there = options.ifMissing === true ? await authorityOf(home) : undefined
      const authority = there ?? (await makeAuthority(home, options.name, systemClock.now()))
      const identity = await identityOf(home)
      await releaseSignerOf(home)
      for (const secret of [home.sealingSecret, home.adminToken]) await secretFile(secret)
      const facts = { home: options.home, coordinator: toHex(identity.publicKey), authority: authority.fingerprint }
      output.result(
        facts,
        [
          there === undefined ? `a federation was made in ${facts.home}` : `there is a federation in ${facts.home}`,
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

import { toHex } from '../../core/encoding/bytes.ts'
import { action, command, group } from '../command.ts'
import { addClient, homeOf, identityOf, readClients } from '../home.ts'

type HomeOptions = { readonly home: string }

/** Prints who a coordinator or a client is; makes its key at the first call. */
export const identityCommand = command(
  'identity',
  'print the public key of a coordinator or client, made at the first call',
)
  .requiredOption('--home <folder>', 'its folder')
  .action(
    action<HomeOptions>(async ({ home }, output) => {
      const publicKey = toHex((await identityOf(homeOf(home))).publicKey)
      output.result({ publicKey }, publicKey)
      return 0
    }),
  )

const add = command('add', 'put a client on the list of those who may take part')
  .requiredOption('--home <folder>', 'folder of the coordinator')
  .argument('<id>', 'the name of the client in this federation')
  .argument('<public-key>', 'what `parley identity` prints at the client, got over another channel')
  .action(
    action<HomeOptions>(async ({ home }, output, id = '', publicKey = '') => {
      await addClient(homeOf(home).clients, { id, publicKey: publicKey.toLowerCase() })
      output.result({ id, publicKey }, `${id} may take part; a running coordinator reads the list when it starts`)
      return 0
    }),
  )

const list = command('list', 'list the clients that may take part')
  .requiredOption('--home <folder>', 'folder of the coordinator')
  .action(
    action<HomeOptions>(async ({ home }, output) => {
      const { clients } = await readClients(homeOf(home).clients)
      output.result({ clients }, clients.map(({ id, publicKey }) => `${id}  ${publicKey}`).join('\n') || 'no clients')
      return 0
    }),
  )

export const clientsCommand = group('clients', 'the list of clients that may take part', add, list)

import { rootUpdater, startingModel } from '../../client/index.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { durationMs, durationSchema } from '../../core/plan/duration.ts'
import { openDurableStore, startCoordinator } from '../../server/index.ts'
import { action, command } from '../command.ts'
import { homeOf, identityOf, readClients } from '../home.ts'
import { countOption, portOption, readText } from '../options.ts'
import { secretFile } from '../secret-files.ts'
import { untilStopped } from '../signals.ts'
import { version } from '../version.ts'

type Options = {
  readonly home: string
  readonly host: string
  readonly grpcPort: number
  readonly httpPort: number
  readonly clients?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly tlsClientCa?: string
  readonly allowClearTextBeyondLoopback?: boolean
  readonly drain: string
  readonly rootData?: string
  readonly threads?: number
  readonly residentMib: number
  readonly rootLabels?: string
}

export const coordinatorCommand = command('coordinator', 'run a coordinator until it is told to stop')
  .option('--home <folder>', 'folder of its keys, its list of clients and its store', '.parley/coordinator')
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--grpc-port <port>', 'port for gRPC; 0 takes a free one', portOption, 7443)
  .option('--http-port <port>', 'port for HTTP and WebSocket; 0 takes a free one', portOption, 7080)
  .option('--clients <file>', 'list of the clients that may take part; by default clients.json in its folder')
  .option('--tls-cert <file>', 'certificate chain, PEM')
  .option('--tls-key <file>', 'its private key, PEM')
  .option('--tls-client-ca <file>', 'authority of client certificates, PEM: clients must present one')
  .option('--allow-clear-text-beyond-loopback', 'listen without TLS on an address that others can reach')
  .option('--root-data <file>', 'data of its own, for rules that compare updates with one of known origin (fltrust)')
  .option('--root-labels <file>', 'the labels, where --root-data is the images of a pair of IDX files')
  .option('--threads <n>', 'threads that aggregate; by default one for each processor, at most 8', countOption)
  .option('--resident-mib <n>', 'MiB of updates of one open round that may lie in memory in the clear', countOption, 64)
  .option('--drain <duration>', 'how long open rounds may go on after SIGTERM', '120s')
  .action(
    action<Options>(async (options, output) => {
      const home = homeOf(options.home)
      const identity = await identityOf(home)
      const { list } = await readClients(options.clients ?? home.clients)
      const tls = await tlsOf(options)
      const drainMs = drainOf(options.drain)
      let failed: (error: ParleyError) => void = () => {}
      const fatal = new Promise<never>((_resolve, reject) => {
        failed = reject
      })
      const running = await startCoordinator({
        store: await openDurableStore({ folder: home.store }),
        identity,
        sealingSecret: await secretFile(home.sealingSecret),
        adminToken: toHex(await secretFile(home.adminToken)),
        allowList: list,
        initialModel: startingModel,
        host: options.host,
        grpcPort: options.grpcPort,
        httpPort: options.httpPort,
        ...(tls === undefined ? {} : { tls }),
        ...rootOf(options),
        ...(options.threads === undefined ? {} : { threads: options.threads }),
        residentBytes: options.residentMib * 2 ** 20,
        allowClearTextBeyondLoopback: options.allowClearTextBeyondLoopback === true,
        parleyVersion: version,
        onFatal: (error) => failed(error),
      })
      const facts = { publicKey: toHex(identity.publicKey), clients: list.size, ...running.urls }
      output.event(
        { event: 'listening', ...facts },
        `coordinator ${facts.publicKey}\n  ${facts.clients} clients listed\n  gRPC ${facts.grpc}\n  WebSocket ${facts.ws}\n  HTTP ${facts.http}`,
      )
      await Promise.race([untilStopped(() => running.stop(drainMs)), fatal])
      return 0
    }),
  )

async function tlsOf({ tlsCert, tlsKey, tlsClientCa }: Options) {
  if (tlsCert === undefined && tlsKey === undefined) return undefined
  if (tlsCert === undefined || tlsKey === undefined)
    throw new ParleyError('config.invalid', '--tls-cert and --tls-key go together')
  const clientCa = tlsClientCa === undefined ? {} : { clientCa: await readText(tlsClientCa) }
  return { cert: await readText(tlsCert), key: await readText(tlsKey), ...clientCa }
}

function rootOf({ rootData, rootLabels }: Options) {
  if (rootData === undefined) return {}
  return {
    rootUpdate: rootUpdater(rootLabels === undefined ? { csv: rootData } : { images: rootData, labels: rootLabels }),
  }
}

function drainOf(text: string): number {
  const duration = durationSchema.safeParse(text)
  if (!duration.success) throw new ParleyError('request.invalid', `--drain: ${duration.error.issues[0]?.message}`)
  return durationMs(duration.data)
}

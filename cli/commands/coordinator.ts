import {
  type DataFiles,
  heldReader,
  holdoutEvaluator,
  latencyMeter,
  rootUpdater,
  startingModel,
} from '../../client/index.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { durationMs } from '../../core/plan/duration.ts'
import { systemClock } from '../../core/system-clock.ts'
import { openDurableStore, readAlerts, startCoordinator } from '../../server/index.ts'
import { baseFilesOf } from '../base-files.ts'
import { command } from '../command.ts'
import type { OptionsCheck } from '../config/checks.ts'
import { configuredAction, withConfig } from '../config/configured.ts'
import {
  addressesOf,
  type EnrolmentOptions,
  enrolmentOf,
  keepTls,
  withEnrolmentOptions,
} from '../enrolment/coordinator-options.ts'
import { coordinatorAuditOf, homeOf, identityOf, readClients, releaseSignerOf } from '../home.ts'
import { type MemberOptions, memberSettings, withMemberOptions } from '../member-options.ts'
import { countFromZero, countOption, durationOption, listOption, portOption, readText } from '../options.ts'
import { secretFile } from '../secret-files.ts'
import { untilStopped } from '../signals.ts'
import { version } from '../version.ts'

export type CoordinatorOptions = MemberOptions &
  EnrolmentOptions & {
    readonly home: string
    readonly grpcPort: number
    readonly httpPort: number
    readonly clients?: string
    readonly approvers?: string
    readonly consumers?: string
    readonly approvals: number
    readonly tlsKey?: string
    readonly tlsClientCa?: string
    readonly allowClearTextBeyondLoopback?: boolean
    readonly drain: string
    readonly rootData?: string
    readonly threads?: number
    readonly residentMib: number
    readonly rootLabels?: string
    readonly consumerOrigin?: readonly string[]
    readonly holdoutData?: string
    readonly holdoutLabels?: string
    readonly triggerData?: string
    readonly triggerLabels?: string
    readonly base?: readonly string[]
    readonly alerts?: string
    readonly otlpEndpoint?: string
  }

/** What must hold of its options together, looked at without starting it. */
export const coordinatorChecks: readonly OptionsCheck<CoordinatorOptions>[] = [pairedTls, addressesOf, pairedData]

/** What is in the files that its options name, beside that they can be read. */
export const coordinatorFileChecks: readonly OptionsCheck<CoordinatorOptions>[] = [
  ({ clients }) => clients && readClients(clients),
  ({ approvers }) => approvers && readClients(approvers),
  ({ consumers }) => consumers && readClients(consumers),
  alertsOf,
]

export const coordinatorCommand = withEnrolmentOptions(
  withMemberOptions(withConfig(command('coordinator', 'run a coordinator until it is told to stop'))),
)
  .option('--home <folder>', 'folder of its keys, its list of clients and its store', '.parley/coordinator')
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--grpc-port <port>', 'port for gRPC; 0 takes a free one', portOption, 7443)
  .option('--http-port <port>', 'port for HTTP and WebSocket; 0 takes a free one', portOption, 7080)
  .option('--clients <file>', 'list of the clients that may take part; by default clients.json in its folder')
  .option(
    '--approvers <file>',
    'list of the members who may approve versions, as that of clients; by default approvers.json',
  )
  .option(
    '--consumers <file>',
    'list of the consumers that may report outcomes, as that of clients; by default consumers.json',
  )
  .option('--approvals <n>', 'members who must approve a version before an alias moves to it', countFromZero, 0)
  .option('--tls-cert <file>', 'certificate chain, PEM')
  .option('--tls-key <file>', 'its private key, PEM')
  .option('--tls-client-ca <file>', 'authority of client certificates, PEM: clients must present one')
  .option('--allow-clear-text-beyond-loopback', 'listen without TLS on an address that others can reach')
  .option('--root-data <file>', 'data of its own, for rules that compare updates with one of known origin (fltrust)')
  .option('--root-labels <file>', 'the labels, where --root-data is the images of a pair of IDX files')
  .option('--holdout-data <file>', 'data of its own that gates are decided on (on: holdout, and probes)')
  .option('--holdout-labels <file>', 'the labels, where --holdout-data is the images of a pair of IDX files')
  .option('--trigger-data <file>', 'rows that bear a trigger, with their true labels, for gates with probe: trigger')
  .option('--trigger-labels <file>', 'the labels, where --trigger-data is the images of a pair of IDX files')
  .option(
    '--base <file>',
    'a model that plans may start from, safetensors or model.json of TF.js layers; may stand several times',
    listOption,
  )
  .option(
    '--consumer-origin <origin>',
    'pages of this origin may read published models; may stand several times',
    listOption,
  )
  .option('--alerts <file>', 'what the coordinator watches of itself, and whom it tells, as YAML')
  .option(
    '--otlp-endpoint <url>',
    'send traces to this OpenTelemetry receiver (OTLP over HTTP); by default OTEL_EXPORTER_OTLP_ENDPOINT, where it is set',
  )
  .option('--threads <n>', 'threads that aggregate; by default one for each processor, at most 8', countOption)
  .option('--resident-mib <n>', 'MiB of updates of one open round that may lie in memory in the clear', countOption, 64)
  .option('--drain <duration>', 'how long open rounds may go on after SIGTERM', durationOption, '120s')
  .action(
    configuredAction<CoordinatorOptions>('coordinator', async (options, output) => {
      const home = homeOf(options.home)
      const identity = await identityOf(home)
      const { list } = await readClients(options.clients ?? home.clients)
      const enrolment = await enrolmentOf(home, options)
      const own = await enrolment?.own?.current(systemClock.now())
      const tls = own ?? (await tlsOf(options))
      const drainMs = durationMs(options.drain)
      const holdout = holdoutOf(options)
      const members = memberSettings(options)
      const alerts = await alertsOf(options)
      let failed: (error: ParleyError) => void = () => {}
      const fatal = new Promise<never>((_resolve, reject) => {
        failed = reject
      })
      const store = await openDurableStore({ folder: home.store })
      const audit = await coordinatorAuditOf(home, identity)
      const running = await startCoordinator({
        store,
        audit,
        identity,
        sealingSecret: await secretFile(home.sealingSecret),
        ...(options.adminToken ? { adminToken: toHex(await secretFile(home.adminToken)) } : {}),
        ...members,
        releaseSigner: await releaseSignerOf(home),
        approvers: (await readClients(options.approvers ?? home.approvers)).list,
        consumers: (await readClients(options.consumers ?? home.consumers)).list,
        approvalsNeeded: options.approvals,
        allowList: list,
        initialModel: startingModel,
        baseFiles: baseFilesOf(options.base ?? []),
        ...(options.consumerOrigin === undefined ? {} : { consumerOrigins: options.consumerOrigin }),
        host: options.host,
        grpcPort: options.grpcPort,
        httpPort: options.httpPort,
        ...(tls === undefined ? {} : { tls }),
        ...(enrolment === undefined ? {} : { enrolment: enrolment.config }),
        ...rootOf(options),
        ...holdout,
        ...alerts,
        ...tracesOf(options),
        ...(options.threads === undefined ? {} : { threads: options.threads }),
        residentBytes: options.residentMib * 2 ** 20,
        allowClearTextBeyondLoopback: options.allowClearTextBeyondLoopback === true,
        parleyVersion: version,
        onFatal: (error) => failed(error),
      })
      const auditKey = toHex(audit.log.publicKey)
      const facts = { publicKey: toHex(identity.publicKey), auditKey, clients: list.size, ...running.urls }
      output.event(
        { event: 'listening', ...facts },
        `coordinator ${facts.publicKey}\n  audit key ${auditKey}\n  ${facts.clients} clients listed\n  gRPC ${facts.grpc}\n  WebSocket ${facts.ws}\n  HTTP ${facts.http}`,
      )
      const keeping =
        enrolment?.own === undefined || own === undefined ? undefined : keepTls(enrolment.own, running, own.renewAt)
      const stop = async () => {
        keeping?.stop()
        await running.stop(drainMs)
      }
      await Promise.race([untilStopped(stop), fatal])
      return 0
    }),
  )

function pairedTls({ tlsCert, tlsKey }: CoordinatorOptions) {
  if (tlsCert === undefined && tlsKey === undefined) return undefined
  if (tlsCert === undefined || tlsKey === undefined)
    throw new ParleyError('config.invalid', '--tls-cert and --tls-key go together')
  return { tlsCert, tlsKey }
}

async function tlsOf(options: CoordinatorOptions) {
  const pair = pairedTls(options)
  if (pair === undefined) return undefined
  const { tlsCert, tlsKey } = pair
  const { tlsClientCa } = options
  const clientCa = tlsClientCa === undefined ? {} : { clientCa: await readText(tlsClientCa) }
  return { cert: await readText(tlsCert), key: await readText(tlsKey), ...clientCa }
}

function tracesOf({ otlpEndpoint }: CoordinatorOptions) {
  const endpoint = otlpEndpoint ?? process.env.OTEL_EXPORTER_OTLP_ENDPOINT
  return endpoint === undefined || endpoint === '' ? {} : { tracesEndpoint: endpoint }
}

async function alertsOf({ alerts }: CoordinatorOptions) {
  return alerts === undefined ? {} : { alerts: await readAlerts(await readText(alerts), readText) }
}

function rootOf({ rootData, rootLabels }: CoordinatorOptions) {
  if (rootData === undefined) return {}
  return { rootUpdate: rootUpdater(filesOf(rootData, rootLabels)) }
}

function pairedData({ holdoutData, holdoutLabels, triggerData, triggerLabels }: CoordinatorOptions) {
  // Rows with a trigger are read by the scale of the others.
  if (holdoutData === undefined && [holdoutLabels, triggerData, triggerLabels].some((file) => file !== undefined))
    throw new ParleyError('config.invalid', '--holdout-labels and --trigger-data go with --holdout-data')
  if (triggerLabels !== undefined && triggerData === undefined)
    throw new ParleyError('config.invalid', '--trigger-labels goes with --trigger-data')
}

function holdoutOf(options: CoordinatorOptions) {
  pairedData(options)
  const { holdoutData, holdoutLabels, triggerData, triggerLabels } = options
  if (holdoutData === undefined) return { latency: latencyMeter() }
  const trigger = triggerData === undefined ? {} : { trigger: filesOf(triggerData, triggerLabels) }
  const files = { holdout: filesOf(holdoutData, holdoutLabels), ...trigger }
  const held = heldReader(files)
  return { holdout: holdoutEvaluator(files, undefined, held), latency: latencyMeter({ held }) }
}

function filesOf(data: string, labels: string | undefined): DataFiles {
  return labels === undefined ? { csv: data } : { images: data, labels }
}

import { randomInt, randomUUID } from 'node:crypto'
import type { AuditLog } from '../audit/index.ts'
import { nodeEcdsa } from '../core/attestation/node.ts'
import type { ReleaseSigner } from '../core/attestation/ports.ts'
import { type AuditEntry, noAudit } from '../core/audit/sink.ts'
import type { Clock } from '../core/clock.ts'
import { nodeCrypto } from '../core/crypto/node.ts'
import type { SigningKey } from '../core/crypto/primitives.ts'
import { toHex } from '../core/encoding/bytes.ts'
import { ParleyError } from '../core/errors/index.ts'
import { systemClock } from '../core/system-clock.ts'
import { keepLargeBlocks } from '../core/wire/large-blocks.ts'
import { defaultLimits, type Limits } from '../core/wire/limits.ts'
import { createKernels, kernelDigest } from '../kernels/index.ts'
import { auditing } from './audit/auditing.ts'
import type { RecordedFacts } from './audit/recorded-facts.ts'
import { Coordinator, type CoordinatorDeps } from './coordinator.ts'
import type { Addresses } from './enrolment/addresses.ts'
import type { Authority } from './enrolment/authority.ts'
import { certificateEndsOf } from './enrolment/certificate-ends.ts'
import { Enrolment } from './enrolment/enrolment.ts'
import { sweepEnded } from './enrolment/sweep.ts'
import { auditedApi } from './http/audited-api.ts'
import { createHttpServer } from './http/server.ts'
import { usualFourEyes } from './members/four-eyes.ts'
import { People, type PeopleOptions } from './members/people.ts'
import { ActiveRuns } from './observe/active-runs.ts'
import { Alerts } from './observe/alerts/alerts.ts'
import { type AlertsConfig, usualAlerts } from './observe/alerts/config.ts'
import { everyone } from './observe/coordinator-observer.ts'
import { type CertificateEnd, measureWhenAsked } from './observe/gauges.ts'
import { createLogger, type Logger } from './observe/logger.ts'
import { measuredAppend, measuredLog } from './observe/measured-audit.ts'
import { measuredJournal } from './observe/measured-journal.ts'
import { createMetrics } from './observe/metrics.ts'
import { observing } from './observe/observer.ts'
import { startTracing, withTraceIds } from './observe/tracing.ts'
import { AuditedRegistry } from './registry/audited-registry.ts'
import { AuditedRollouts } from './registry/audited-rollouts.ts'
import { Registry } from './registry/registry.ts'
import { ROLLOUT_ACTOR, type RolloutDone, Rollouts } from './registry/rollouts.ts'
import type { AllowList } from './sessions/allow-list.ts'
import type { Store } from './store/ports.ts'
import { createAdmission } from './transport/admission.ts'
import { listenGrpc } from './transport/grpc.ts'
import { certificateEnd, type ServerTls } from './transport/tls.ts'
import { attachWebSocket } from './transport/websocket.ts'

export type CoordinatorConfig = {
  /** Closed when the coordinator stops. */
  readonly store: Store
  /** The coordinator's key: clients and consumers pin its public half. */
  readonly identity: SigningKey
  /** 32 bytes, kept secret and kept: what opens spooled updates follows from it. */
  readonly sealingSecret: Uint8Array
  /** The key of the machine's owner: whoever bears it may do anything over HTTP. Without it there is no such key. */
  readonly adminToken?: string
  /** How members prove who they are, and what takes two of them; `docs/members.md`. */
  readonly members?: PeopleOptions
  readonly allowList: AllowList
  /** Lets clients enrol beside those of the list: the authority that gives them certificates. */
  readonly enrolment?: {
    readonly authority: Authority
    /** How long their certificates are good for, in milliseconds; by default a week. */
    readonly certificateMs?: number
    /** Where invited clients find the coordinator; by default where it listens. */
    readonly addresses?: Addresses
  }
  /** Signs the folders of versions: ECDSA, apart from the identity. */
  readonly releaseSigner: ReleaseSigner
  /** Members who may approve versions. */
  readonly approvers?: AllowList
  /** Who may report what came of versions in use: `docs/rollouts.md`. By default nobody. */
  readonly consumers?: AllowList
  /** Approvals by different members that an alias needs before it moves to a version; by default none. */
  readonly approvalsNeeded?: number
  readonly initialModel: CoordinatorDeps['initialModel']
  /** Files for plans that start from one. */
  readonly baseFiles?: CoordinatorDeps['baseFiles']
  /** By default 127.0.0.1. */
  readonly host?: string
  /** 0 takes a free port. */
  readonly grpcPort: number
  /** For HTTP and WebSocket; 0 takes a free port. */
  readonly httpPort: number
  readonly tls?: ServerTls
  readonly allowClearTextBeyondLoopback?: boolean
  readonly limits?: Partial<Limits>
  /** Origins whose pages may read published models; by default none. */
  readonly consumerOrigins?: readonly string[]
  /** Rounds whose updates stay on disk, counted back from the newest; by default 20. */
  readonly keepRounds?: number
  /** Bytes of updates of one open round that may lie in memory in the clear; larger ones are read from the disk. By default 64 MiB. */
  readonly residentBytes?: number
  /** Threads of the aggregation kernels; by default as many as there are processors, at most 8. */
  readonly threads?: number
  /** Trains on rows of the coordinator's own; rules with a root data set need it. */
  readonly rootUpdate?: CoordinatorDeps['rootUpdate']
  /** Rows of the coordinator's own that gates are decided on; gates `on: holdout` and probes need them. */
  readonly holdout?: CoordinatorDeps['holdout']
  /** An engine and a clock; gates on latency need them. */
  readonly latency?: CoordinatorDeps['latency']
  /** The audit log, and what it has of runs already; closed when the coordinator stops. By default nothing is recorded. */
  readonly audit?: { readonly log: AuditLog; readonly facts: RecordedFacts }
  /** What is watched, and who is told; by default alerts are shown over HTTP only. */
  readonly alerts?: AlertsConfig
  /** Base address of an OTLP/HTTP receiver of traces; by default none are made. */
  readonly tracesEndpoint?: string
  /** Ends of certificates that are watched; by default that of `tls`. */
  readonly certificates?: () => readonly CertificateEnd[]
  readonly parleyVersion: string
  /** By default JSON lines on standard error. */
  readonly logger?: Logger
  /** Called once when the coordinator cannot go on; whoever embeds it should end the process then. */
  readonly onFatal: (error: ParleyError) => void
}

export type RunningCoordinator = {
  readonly api: Coordinator
  readonly urls: { readonly grpc: string; readonly ws: string; readonly http: string }
  /** Who belongs to the federation, where clients can enrol. */
  readonly enrolment?: Enrolment
  /** Connections from now on get this certificate, in the place of the one of `config.tls`; those that are open go on. */
  renewTls(tls: ServerTls): void
  /** Takes no new work, lets open rounds end for at most `drainMs`, then stops. May be called twice. */
  stop(drainMs?: number): Promise<void>
}

/** A coordinator on Node.js with its carriers and HTTP: the composition root, the one place that knows every adapter. */
export async function startCoordinator(config: CoordinatorConfig): Promise<RunningCoordinator> {
  keepLargeBlocks()
  const limits = { ...defaultLimits, ...config.limits }
  const { identity, parleyVersion, host = '127.0.0.1', tls, allowClearTextBeyondLoopback = false } = config
  const clock = systemClock
  const plainLogger = config.logger ?? createLogger({ now: clock.now })
  const publicKey = toHex(identity.publicKey)
  const tracing =
    config.tracesEndpoint === undefined
      ? undefined
      : await startTracing({
          endpoint: config.tracesEndpoint,
          parleyVersion,
          coordinator: publicKey,
          now: clock.now,
        })
  const logger = tracing === undefined ? plainLogger : withTraceIds(plainLogger, tracing.idsOf)
  const metrics = createMetrics({ process: true })
  const ownCertificates =
    config.certificates ?? (() => (tls === undefined ? [] : [{ name: 'server', at: certificateEnd(tls.cert) }]))
  const alerts: Alerts = new Alerts({
    config: config.alerts ?? usualAlerts,
    coordinator: publicKey,
    clock,
    logger: logger.child({ part: 'alerts' }),
    metrics,
    view: (run) => api.run(run),
    room: config.store.room,
    certificates: () => [...ownCertificates(), ...certificateEndsOf(enrolment?.list() ?? [])],
    random: () => randomInt(2 ** 32) / 2 ** 32,
    id: randomUUID,
  })
  const failedTo = (alert: 'audit-failing' | 'store-failing') => (error: unknown) =>
    alerts.failed(alert, ParleyError.from(error).code)
  const { blobs, records } = config.store
  const store = {
    ...config.store,
    journal: measuredJournal(config.store.journal, metrics, clock.monotonic, failedTo('store-failing')),
  }
  const kernels = createKernels(config.threads === undefined ? {} : { threads: config.threads })
  const log =
    config.audit &&
    measuredLog(config.audit.log, measuredAppend(config.audit.log, metrics, clock.monotonic, failedTo('audit-failing')))
  const audit = log ?? noAudit
  const onFatal = (error: ParleyError) => {
    audit.append(recordOf('coordinator.fail', error)).catch(() => {})
    if (error.code.startsWith('store.')) alerts.failed('store-failing', error.code)
    if (!alerts.tells) return config.onFatal(error)
    // Nothing goes on while the last notices are sent.
    void Promise.all([api.stop(), alerts.stop()]).finally(() => config.onFatal(error))
  }
  const registryDeps = {
    crypto: nodeCrypto,
    ecdsa: nodeEcdsa,
    records,
    blobs,
    journal: store.journal,
    key: identity,
    signer: config.releaseSigner,
    builder: `https://parley.example/coordinators/${toHex(identity.publicKey)}`,
    kernels: kernelDigest(),
    approvers: (member: string) => config.approvers?.publicKeyOf(member),
    approvalsNeeded: config.approvalsNeeded ?? 0,
    now: clock.now,
    parleyVersion,
  }
  const registry = log === undefined ? new Registry(registryDeps) : new AuditedRegistry(registryDeps, log)
  const rolloutsDeps = {
    crypto: nodeCrypto,
    clock,
    records,
    blobs,
    registry,
    consumers: (id: string) => config.consumers?.publicKeyOf(id),
    reportsPerMinute: limits.outcomesPerMinute,
    logger,
    decided: (done: RolloutDone) => {
      metrics.add('rolloutDecisions', { decision: done.decision })
      if (done.decision === 'rollback') alerts.rolledBack(done)
    },
  }
  const rollouts = log === undefined ? new Rollouts(rolloutsDeps) : new AuditedRollouts(rolloutsDeps, log)
  const enrolment =
    config.enrolment === undefined
      ? undefined
      : await Enrolment.open({
          ...config.enrolment,
          crypto: nodeCrypto,
          records: config.store.enrolments,
          now: clock.now,
          listed: config.allowList,
          audit,
          onExcluded: (client, error) => api.exclude(client, error),
        })
  registry.follow((event) => {
    if (event.type === 'alias') metrics.add('aliasMoves', { by: moverOf(event.move.actor) })
  })
  const runs = new ActiveRuns(clock.now, 0)
  const observers = [
    ...(tracing === undefined ? [] : [tracing.observer]),
    observing(logger, metrics, clock.monotonic),
    runs.observer,
    alerts.observer,
    ...(log === undefined ? [] : [auditing(log, clock.now, onFatal)]),
  ]
  const observer = { ...everyone(...observers), fatal: onFatal }
  const api: Coordinator = new Coordinator({
    crypto: nodeCrypto,
    clock,
    store,
    limits,
    identity,
    sealingSecret: config.sealingSecret,
    allowList: enrolment ?? config.allowList,
    initialModel: config.initialModel,
    ...(config.baseFiles === undefined ? {} : { baseFiles: config.baseFiles }),
    publish: async (candidate, alias) => (await registry.publish(candidate, alias)).number,
    candidate: (candidate) => registry.saveCandidate(candidate),
    keepRounds: config.keepRounds ?? 20,
    kernels,
    residentBytes: config.residentBytes ?? 64 * 2 ** 20,
    ...(config.rootUpdate === undefined ? {} : { rootUpdate: config.rootUpdate }),
    ...(config.holdout === undefined ? {} : { holdout: config.holdout }),
    ...(config.latency === undefined ? {} : { latency: config.latency }),
    observer,
    ...(log === undefined || config.audit === undefined
      ? {}
      : {
          audit: { sink: log, facts: config.audit.facts },
          auditState: (records: number) => log.state(records),
        }),
  })
  measureWhenAsked(metrics, {
    clock,
    active: () => runs.active((run) => api.run(run)),
    certificates: ownCertificates,
    room: config.store.room,
  })
  const people = new People({
    store: config.store.members,
    clock,
    sealingSecret: config.sealingSecret,
    onAct: async (act) => {
      logger.info({ act }, 'somebody did something, or tried to')
      await audit.append(act)
    },
    ...config.members,
    fourEyes: (config.members?.fourEyes ?? usualFourEyes).filter(
      // Approvals of others cover it.
      (act) => act !== 'alias.promote' || (config.approvalsNeeded ?? 0) === 0,
    ),
  })
  let listening: Addresses = { http: '', carriers: [] }
  const security = { allowClearTextBeyondLoopback, ...(tls === undefined ? {} : { tls }) }
  const http = createHttpServer({
    ...security,
    api: log === undefined ? api : auditedApi(api, log),
    ...(log === undefined ? {} : { audit: log }),
    registry,
    rollouts,
    ...(enrolment === undefined
      ? {}
      : { enrolment: { enrolment, addresses: () => config.enrolment?.addresses ?? listening } }),
    publicKey: identity.publicKey,
    parleyVersion,
    store,
    metrics,
    alerts,
    logger,
    clock,
    limits,
    people,
    ...(config.adminToken === undefined ? {} : { adminToken: config.adminToken }),
    ...(config.consumerOrigins === undefined ? {} : { consumerOrigins: config.consumerOrigins }),
    host,
    port: config.httpPort,
  })
  await audit.append(recordOf('coordinator.start', undefined, { version: parleyVersion, publicKey }))
  // Answers `/readyz` while the journals are replayed.
  await http.start()
  try {
    if (registry instanceof AuditedRegistry) await registry.recordLate(config.audit?.facts ?? new Set())
    await api.start()
    await rollouts.start()
  } catch (failure) {
    const error = ParleyError.from(failure)
    await audit.append(recordOf(error.code === 'store.corrupt' ? 'store.damage' : 'coordinator.fail', error))
    throw failure
  }
  alerts.start()
  // Records live for a month; a coordinator that runs longer looks once a day.
  const renewing = renewDaily(registry, clock, (err) => logger.error({ err }, 'an alias record was not renewed'))
  const warn = (message: string) => logger.warn({ part: 'transport' }, message)
  const admission = createAdmission(limits)
  const refused = (address: string, error: ParleyError) => observer.sessionRefused('websocket', address, error)
  const ws = attachWebSocket(http.server, api.serve, { admission, limits, warn, refused })
  const health = { serving: () => api.ready(), watch: (listener: () => void) => api.onReadiness(listener) }
  const grpc = await listenGrpc(api.serve, { ...security, host, port: config.grpcPort, admission, limits, health })
  listening = { http: http.url, carriers: [grpc.url, ws.url] }
  const sweeping = enrolment === undefined ? undefined : sweepEnded(enrolment, clock)
  let stopping: Promise<void> | undefined
  const stop = async (drainMs: number) => {
    await api.drain(drainMs)
    renewing.stop()
    sweeping?.stop()
    await rollouts.stop()
    await api.stop()
    await Promise.all([grpc.stop(), ws.stop()])
    await http.stop()
    await kernels.close()
    await Promise.all([alerts.stop(), tracing?.stop()])
    await audit.append(recordOf('coordinator.stop', undefined)).catch((err: unknown) => {
      logger.error({ err }, 'the end could not be recorded')
    })
    await log?.close()
    await config.store.close()
  }
  return {
    api,
    urls: { grpc: grpc.url, ws: ws.url, http: http.url },
    ...(enrolment === undefined ? {} : { enrolment }),
    renewTls: (renewed) => {
      grpc.renewTls(renewed)
      http.renewTls(renewed)
    },
    stop: (drainMs = 0) => {
      stopping ??= stop(drainMs)
      return stopping
    },
  }
}

function recordOf(
  action: 'coordinator.start' | 'coordinator.stop' | 'coordinator.fail' | 'store.damage',
  error: ParleyError | undefined,
  details: AuditEntry['details'] = {},
): AuditEntry {
  const self = { kind: 'system', id: 'coordinator' } as const
  if (error === undefined) return { action, actor: self, object: self, details }
  return { action, actor: self, object: self, outcome: 'failed', code: error.code, details: { message: error.message } }
}

function moverOf(actor: string): 'coordinator' | 'rollout' | 'person' {
  return actor === 'coordinator' || actor === ROLLOUT_ACTOR ? actor : 'person'
}

const DAY_MS = 24 * 60 * 60 * 1000

function renewDaily(registry: Registry, clock: Clock, failed: (error: unknown) => void): { readonly stop: () => void } {
  let cancel = () => {}
  const renew = () => {
    registry.renew().catch(failed)
    cancel = clock.after(DAY_MS, renew)
  }
  renew()
  return { stop: () => cancel() }
}

import { nodeEcdsa } from '../core/attestation/node.ts'
import type { ReleaseSigner } from '../core/attestation/ports.ts'
import type { Clock } from '../core/clock.ts'
import { nodeCrypto } from '../core/crypto/node.ts'
import type { SigningKey } from '../core/crypto/primitives.ts'
import { toHex } from '../core/encoding/bytes.ts'
import type { ParleyError } from '../core/errors/index.ts'
import { systemClock } from '../core/system-clock.ts'
import { keepLargeBlocks } from '../core/wire/large-blocks.ts'
import { defaultLimits, type Limits } from '../core/wire/limits.ts'
import { createKernels, kernelDigest } from '../kernels/index.ts'
import { Coordinator, type CoordinatorDeps } from './coordinator.ts'
import { createHttpServer } from './http/server.ts'
import { usualFourEyes } from './members/four-eyes.ts'
import { People, type PeopleOptions } from './members/people.ts'
import { createLogger, type Logger } from './observe/logger.ts'
import { measuredJournal } from './observe/measured-journal.ts'
import { createMetrics } from './observe/metrics.ts'
import { observing } from './observe/observer.ts'
import { Registry } from './registry/registry.ts'
import { Rollouts } from './registry/rollouts.ts'
import type { AllowList } from './sessions/allow-list.ts'
import type { Store } from './store/ports.ts'
import { createAdmission } from './transport/admission.ts'
import { listenGrpc } from './transport/grpc.ts'
import type { ServerTls } from './transport/tls.ts'
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
  readonly parleyVersion: string
  /** By default JSON lines on standard error. */
  readonly logger?: Logger
  /** Called once when the coordinator cannot go on; whoever embeds it should end the process then. */
  readonly onFatal: (error: ParleyError) => void
}

export type RunningCoordinator = {
  readonly api: Coordinator
  readonly urls: { readonly grpc: string; readonly ws: string; readonly http: string }
  /** Takes no new work, lets open rounds end for at most `drainMs`, then stops. May be called twice. */
  stop(drainMs?: number): Promise<void>
}

/** A coordinator on Node.js with its carriers and HTTP: the composition root, the one place that knows every adapter. */
export async function startCoordinator(config: CoordinatorConfig): Promise<RunningCoordinator> {
  keepLargeBlocks()
  const limits = { ...defaultLimits, ...config.limits }
  const { identity, parleyVersion, host = '127.0.0.1', tls, allowClearTextBeyondLoopback = false } = config
  const clock = systemClock
  const logger = config.logger ?? createLogger({ now: clock.now })
  const metrics = createMetrics({ process: true })
  const { blobs, records } = config.store
  const store = { ...config.store, journal: measuredJournal(config.store.journal, metrics, clock.monotonic) }
  const kernels = createKernels(config.threads === undefined ? {} : { threads: config.threads })
  const registry = new Registry({
    crypto: nodeCrypto,
    ecdsa: nodeEcdsa,
    records,
    blobs,
    journal: store.journal,
    key: identity,
    signer: config.releaseSigner,
    builder: `https://parley.example/coordinators/${toHex(identity.publicKey)}`,
    kernels: kernelDigest(),
    approvers: (member) => config.approvers?.publicKeyOf(member),
    approvalsNeeded: config.approvalsNeeded ?? 0,
    now: clock.now,
    parleyVersion,
  })
  const rollouts = new Rollouts({
    crypto: nodeCrypto,
    clock,
    records,
    blobs,
    registry,
    consumers: (id) => config.consumers?.publicKeyOf(id),
    reportsPerMinute: limits.outcomesPerMinute,
    logger,
  })
  const api = new Coordinator({
    crypto: nodeCrypto,
    clock,
    store,
    limits,
    identity,
    sealingSecret: config.sealingSecret,
    allowList: config.allowList,
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
    observer: { ...observing(logger, metrics), fatal: config.onFatal },
  })
  const people = new People({
    store: config.store.members,
    clock,
    sealingSecret: config.sealingSecret,
    onAct: async (act) => logger.info({ act }, 'somebody did something, or tried to'),
    ...config.members,
    fourEyes: (config.members?.fourEyes ?? usualFourEyes).filter(
      // Approvals of others cover it.
      (act) => act !== 'alias.promote' || (config.approvalsNeeded ?? 0) === 0,
    ),
  })
  const security = { allowClearTextBeyondLoopback, ...(tls === undefined ? {} : { tls }) }
  const http = createHttpServer({
    ...security,
    api,
    registry,
    rollouts,
    publicKey: identity.publicKey,
    parleyVersion,
    store,
    metrics,
    logger,
    clock,
    limits,
    people,
    ...(config.adminToken === undefined ? {} : { adminToken: config.adminToken }),
    ...(config.consumerOrigins === undefined ? {} : { consumerOrigins: config.consumerOrigins }),
    host,
    port: config.httpPort,
  })
  // Answers `/readyz` while the journals are replayed.
  await http.start()
  await api.start()
  await rollouts.start()
  // Records live for a month; a coordinator that runs longer looks once a day.
  const renewing = renewDaily(registry, clock, (err) => logger.error({ err }, 'an alias record was not renewed'))
  const warn = (message: string) => logger.warn({ part: 'transport' }, message)
  const admission = createAdmission(limits)
  const ws = attachWebSocket(http.server, api.serve, { admission, limits, warn })
  const health = { serving: () => api.ready(), watch: (listener: () => void) => api.onReadiness(listener) }
  const grpc = await listenGrpc(api.serve, { ...security, host, port: config.grpcPort, admission, limits, health })
  let stopping: Promise<void> | undefined
  const stop = async (drainMs: number) => {
    await api.drain(drainMs)
    renewing.stop()
    await rollouts.stop()
    await api.stop()
    await Promise.all([grpc.stop(), ws.stop()])
    await http.stop()
    await kernels.close()
    await config.store.close()
  }
  return {
    api,
    urls: { grpc: grpc.url, ws: ws.url, http: http.url },
    stop: (drainMs = 0) => {
      stopping ??= stop(drainMs)
      return stopping
    },
  }
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

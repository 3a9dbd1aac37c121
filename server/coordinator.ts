import type { RuleTable } from '../core/aggregation/rule.ts'
import type { Clock } from '../core/clock.ts'
import type { Crypto, SigningKey } from '../core/crypto/primitives.ts'
import { toHex } from '../core/encoding/bytes.ts'
import { ParleyError } from '../core/errors/index.ts'
import { parsePlan } from '../core/plan/parse.ts'
import type { Plan } from '../core/plan/plan.ts'
import type { DryRun } from '../core/run/dry-run.ts'
import type { Recomputation } from '../core/run/recomputation.ts'
import type { RunView } from '../core/run/view.ts'
import type { ConnectionHandler } from '../core/wire/connection.ts'
import type { Limits } from '../core/wire/limits.ts'
import { type Kernels, maskArithmeticIn } from '../kernels/index.ts'
import type { Decide } from './aggregation/decide-elsewhere.ts'
import type { CoordinatorApi } from './api.ts'
import type { CoordinatorObserver } from './observe/coordinator-observer.ts'
import type { Candidate } from './registry/manifest.ts'
import type { ActiveRun } from './rounds/active-run.ts'
import { roundWork } from './rounds/aggregation-work.ts'
import { auditedDesk } from './rounds/audited-desk.ts'
import { dryRunOf } from './rounds/dry-run.ts'
import type { HoldoutDeps } from './rounds/holdout.ts'
import { HoldoutLooks } from './rounds/holdout-looks.ts'
import { RoundHub } from './rounds/hub.ts'
import { Matrices } from './rounds/matrices.ts'
import { type InitialModel, preparedRun } from './rounds/prepared-run.ts'
import { candidateOf, candidateRecordOf } from './rounds/publication.ts'
import { type RecomputeDeps, type RecomputeRequest, recompute } from './rounds/recompute.ts'
import type { RootUpdate } from './rounds/root-update.ts'
import { roundKeys } from './rounds/round-keys.ts'
import { roundNoise } from './rounds/round-noise.ts'
import { Run } from './rounds/run.ts'
import type { RunRecords } from './rounds/run-audit.ts'
import { RunReporter } from './rounds/run-reporter.ts'
import type { FindBase } from './rounds/starting-model.ts'
import { storeModel } from './rounds/stored-model.ts'
import { timestamp, viewOf } from './rounds/view.ts'
import { RunWatchers } from './rounds/watchers.ts'
import { type AllowList, refusalOf } from './sessions/allow-list.ts'
import { ChunkFrames } from './sessions/chunk-frames.ts'
import type { AuditStateOf } from './sessions/handshake.ts'
import { capabilities } from './sessions/session.ts'
import { Sessions } from './sessions/sessions.ts'
import type { CandidateRecord, Store } from './store/ports.ts'

export type { InitialModel } from './rounds/prepared-run.ts'

export type CoordinatorDeps = {
  readonly crypto: Crypto
  readonly clock: Clock
  readonly store: Store
  readonly limits: Limits
  readonly identity: SigningKey
  /** 32 bytes, kept as long as there are spooled updates: the keys that open them follow from it. */
  readonly sealingSecret: Uint8Array
  readonly allowList: AllowList
  /** Builds the model of a plan; a port, since only clients carry training engines. */
  readonly initialModel: (plan: Plan) => Promise<InitialModel>
  /** Files for plans that start from one; by default there are none. */
  readonly baseFiles?: FindBase
  /** Publishes a candidate that has passed its gates; returns the version's number. May be called twice for one. */
  readonly publish: (candidate: Candidate, alias: string) => Promise<number>
  /** Told of every result of a run that went before its gates; by default nobody is. */
  readonly candidate?: (candidate: CandidateRecord) => Promise<void>
  /** Rounds whose updates stay on disk, counted back from the newest. */
  readonly keepRounds: number
  /** Closed by whoever made them. */
  readonly kernels: Kernels
  /** Bytes of updates of one open round that may lie in memory in the clear. */
  readonly residentBytes: number
  /** How the rule of a round decides; by default in a thread of its own where it may take long. */
  readonly decide?: Decide
  /** Trains on rows of the coordinator's own, for rules that ask for it; a port, since only clients carry training engines. */
  readonly rootUpdate?: RootUpdate
  /** Rows of the coordinator's own that gates are decided on, with an engine; by default there are none. */
  readonly holdout?: HoldoutDeps['holdout']
  /** An engine and a clock, for gates on latency; by default there are none, and such gates are not evaluable. */
  readonly latency?: HoldoutDeps['latency']
  /** All rules that plans may name; by default those of the registry. Only simulations know others. */
  readonly rules?: RuleTable | undefined
  readonly observer: CoordinatorObserver
  /** By default nothing is recorded. */
  readonly audit?: RunRecords
  /** What clients are told of it. */
  readonly auditState?: AuditStateOf
}

/** Runs plans with the clients that connect. Owns no socket and no disk: they are handed to it. */
export class Coordinator implements CoordinatorApi {
  readonly #deps: CoordinatorDeps
  readonly #hub: RoundHub
  readonly #matrices: Matrices
  readonly #work: RecomputeDeps
  readonly #holdouts: HoldoutDeps
  readonly #watchers = new RunWatchers()
  readonly #sessions: Sessions
  readonly #reporter: RunReporter
  readonly #readiness = new Set<() => void>()
  #ready = false
  #draining = false

  constructor(deps: CoordinatorDeps) {
    this.#deps = deps
    const { crypto, store, clock, keepRounds, kernels, decide, rules, rootUpdate, holdout, latency } = deps
    const keys = roundKeys(crypto, deps.sealingSecret)
    this.#matrices = new Matrices(deps)
    this.#work = {
      crypto,
      store,
      kernels,
      roundKeys: keys,
      masks: maskArithmeticIn(kernels, crypto),
      noise: roundNoise(crypto, deps.sealingSecret),
      rules,
      ...(decide === undefined ? {} : { decide }),
    }
    this.#holdouts = { holdout, latency, looks: new HoldoutLooks(store), blobs: store.blobs }
    const own = { rootUpdate, holdouts: this.#holdouts }
    const work = { ...this.#work, ...own, store, matrices: this.#matrices, keepRounds, now: () => clock.now() }
    this.#hub = new RoundHub({
      ...deps,
      roundKeys: keys,
      matrices: this.#matrices,
      publicKey: (client) => deps.allowList.publicKeyOf(client),
      refusal: (client) => refusalOf(deps.allowList, client),
      ...roundWork(work, deps.limits.evaluationRows),
      publish: (active) => this.#publish(active),
      conclude: (active) => this.#conclude(active),
      observer: {
        runChanged: (run) => {
          this.#watchers.changed(run.id)
          this.#reporter.changed(run.state)
        },
        uploadStarted: deps.observer.uploadStarted,
        updateDecided: (client, answer, bytes) => {
          const code = answer.accepted ? undefined : answer.code
          const { run, round } = answer
          deps.observer.updateDecided({ client, run, round, bytes, digest: toHex(answer.digest), code })
        },
        fatal: deps.observer.fatal,
      },
    })
    const { audit, observer } = deps
    this.#reporter = new RunReporter(crypto, observer, audit)
    const desk = audit === undefined ? this.#hub : auditedDesk(this.#hub, audit.sink, () => clock.now())
    this.#sessions = new Sessions({
      session: { ...deps, desk, blobs: store.blobs, frames: new ChunkFrames(store.blobs), capabilities },
      observer,
      closed: () => (this.#draining ? new ParleyError('server.draining') : undefined),
      seen: (client) => this.#seen(client),
    })
  }

  /** Replays the journals of all runs that are not over, and goes on where they stopped. */
  async start(): Promise<void> {
    const unfinished: Run[] = []
    for (const record of await this.#deps.store.records.runs()) {
      const active = await this.#restore(record.id, record.plan)
      this.#hub.add(active)
      this.#reporter.restored(active.run.state)
      if (record.status === 'active') unfinished.push(active.run)
    }
    this.#ready = true
    this.#readinessChanged()
    for (const run of unfinished) run.resume()
  }

  /** Takes over a connection of any carrier. */
  readonly serve: ConnectionHandler = (connection) => {
    void this.#sessions.serve(connection)
  }

  /** Opens no new round and lets the open ones come to an end, for at most `ms`; what is not done then goes on after a restart. */
  async drain(ms: number): Promise<void> {
    this.#draining = true
    this.#readinessChanged()
    this.#hub.drain()
    await new Promise<void>((resolve) => {
      const idle = () => this.#hub.all().every(({ run }) => ['waiting', 'over'].includes(run.state.phase))
      if (idle()) return resolve()
      const done = () => {
        cancel()
        forget()
        resolve()
      }
      const cancel = this.#deps.clock.after(ms, done)
      const forget = this.#watchers.onChange(() => {
        if (idle()) done()
      })
    })
  }

  /** Ends all sessions and timers. May be called twice. */
  async stop(): Promise<void> {
    this.#draining = true
    this.#hub.stop()
    this.#sessions.endAll(new ParleyError('server.draining'), 1_000)
    this.#watchers.close()
    this.#matrices.endAll()
  }

  ready(): boolean {
    return this.#ready && !this.#draining
  }

  /** Calls `listener` when `ready` changes, until the returned function is called. */
  onReadiness(listener: () => void): () => void {
    this.#readiness.add(listener)
    return () => this.#readiness.delete(listener)
  }

  async startRun(planText: string): Promise<RunView> {
    if (this.#draining) throw new ParleyError('server.draining')
    const plan = this.#parsePlan(planText)
    const { layout, weights, settings, planBytes } = await preparedRun(this.#deps, this.#holdouts, plan)
    const base = await storeModel(this.#deps.store.blobs, layout, weights)
    const planDigest = await this.#deps.store.blobs.put(planBytes)
    const at = this.#deps.clock.now()
    const id = `run_${toHex(this.#deps.crypto.randomBytes(8))}`
    const run = await Run.start(this.#runDeps(), { type: 'started', at, run: id, settings, base })
    const record = { id, model: plan.name, plan: planDigest, createdAt: timestamp(at), status: 'active' } as const
    await this.#deps.store.records.saveRun(record)
    this.#hub.add({ run, plan })
    const recorded = this.#reporter.started(run.state)
    run.resume()
    await recorded
    return this.#view(run)
  }

  async dryRun(planText: string): Promise<DryRun> {
    const { allowList } = this.#deps
    const prepared = await preparedRun(this.#deps, this.#holdouts, this.#parsePlan(planText))
    const clients = allowList.ids().map((client) => {
      const refusal = refusalOf(allowList, client)
      const connected = this.#hub.presence.has(client)
      return { client, connected, ...(refusal === undefined ? {} : { refusal: refusal.code }) }
    })
    return dryRunOf(prepared, clients)
  }

  async runs(): Promise<readonly RunView[]> {
    return this.#hub
      .all()
      .map(({ run }) => this.#view(run))
      .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))
  }

  async run(id: string): Promise<RunView> {
    return this.#view(this.#find(id).run)
  }

  async *watch(id: string, signal: AbortSignal): AsyncIterable<RunView> {
    const { run } = this.#find(id)
    for await (const _change of this.#watchers.changes(id, signal)) {
      const view = this.#view(run)
      yield view
      if (view.phase === 'over') return
    }
  }

  async *watchAll(signal: AbortSignal): AsyncIterable<readonly RunView[]> {
    for await (const _change of this.#watchers.changes(undefined, signal)) yield await this.runs()
  }

  async stopRun(id: string, reason: string): Promise<RunView> {
    const { run } = this.#find(id)
    await run.tell({ type: 'stop-requested', at: this.#deps.clock.now(), reason })
    return this.#view(run)
  }

  async pauseRun(id: string, reason: string): Promise<RunView> {
    const { run } = this.#find(id)
    await run.tell({ type: 'pause-requested', at: this.#deps.clock.now(), reason })
    if (run.state.phase === 'over') throw new ParleyError('run.conflict', `run ${id} is over`)
    return this.#view(run)
  }

  async resumeRun(id: string): Promise<RunView> {
    const { run } = this.#find(id)
    const resumed = await run.tell({ type: 'resume-requested', at: this.#deps.clock.now() })
    if (!resumed) throw new ParleyError('run.conflict', `run ${id} is not paused`)
    return this.#view(run)
  }

  async recompute(id: string, round: number, request: RecomputeRequest): Promise<Recomputation> {
    return await recompute(this.#work, this.#find(id), round, request)
  }

  seenClients() {
    return this.#sessions.seen()
  }

  /** The client must not take part any more: its session ends, and no round waits for it. */
  readonly exclude = (client: string, reason: ParleyError): void => {
    this.#sessions.end(client, reason)
    this.#hub.excluded(client, reason)
  }

  async #seen(id: string): Promise<void> {
    const { clock, allowList, store, observer } = this.#deps
    const at = timestamp(clock.now())
    const client = {
      id,
      publicKey: toHex(allowList.publicKeyOf(id) ?? new Uint8Array(0)),
      firstSeenAt: at,
      lastSeenAt: at,
    }
    await store.records.saveClient(client).catch((error: unknown) => observer.fatal(ParleyError.from(error)))
  }

  #runDeps() {
    const { crypto, store } = this.#deps
    return { crypto, journal: store.journal, perform: this.#hub.perform, changed: this.#hub.changed }
  }

  async #restore(id: string, planDigest: string): Promise<ActiveRun> {
    const { blobs } = this.#deps.store
    const size = await blobs.size(planDigest)
    if (size === undefined) throw new ParleyError('store.corrupt', `the plan of run ${id} is missing`)
    const text = new TextDecoder().decode(await blobs.read(planDigest, 0, size))
    return { run: await Run.restore(this.#runDeps(), id), plan: this.#parsePlan(text) }
  }

  #parsePlan(text: string): Plan {
    const { limits, rules } = this.#deps
    return parsePlan(text, { maxBytes: limits.planBytes, rules })
  }

  async #publish(active: ActiveRun): Promise<void> {
    const at = () => this.#deps.clock.now()
    try {
      const { state } = active.run
      if (state.phase !== 'publishing') return
      const version = await this.#deps.publish(candidateOf(this.#deps.crypto, state, active), state.settings.alias)
      await active.run.tell({ type: 'published', at: at(), version })
    } catch (failure) {
      const { code, message } = ParleyError.from(failure)
      // The version may be there, only not on record: it is published again after a restart, as the same one.
      if (code === 'audit.unavailable') throw failure
      await active.run.tell({ type: 'publication-failed', at: at(), code, message })
    }
  }

  async #conclude({ run }: ActiveRun): Promise<void> {
    const { records } = this.#deps.store
    const record = await records.run(run.id)
    const { state } = run
    if (record === undefined || state.phase !== 'over') return
    const candidate = candidateRecordOf(state)
    if (candidate !== undefined) await this.#deps.candidate?.(candidate)
    const status =
      state.outcome.kind === 'stopped' ? 'stopped' : state.outcome.kind === 'failed' ? 'failed' : 'finished'
    await records.saveRun({ ...record, status })
  }

  #readinessChanged(): void {
    for (const listener of this.#readiness) listener()
  }

  #view(run: Run): RunView {
    return viewOf(run.state, {
      connected: (client) => this.#hub.presence.has(client),
      uploaded: (client) => this.#hub.uploaded(run.id, client),
      holding: this.#hub.holding(run.id),
    })
  }

  #find(id: string): ActiveRun {
    const found = this.#hub.find(id)
    if (found === undefined) throw new ParleyError('run.not-found', `there is no run ${id}`)
    return found
  }
}

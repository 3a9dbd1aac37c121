import { type Envelope, payloadTypes, signJson, verifyEnvelope } from '../../core/crypto/envelope.ts'
import { sealedLength } from '../../core/crypto/seal.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { metricsOf } from '../../core/metrics/compute.ts'
import type { GroupedCounts } from '../../core/metrics/groups.ts'
import { frozenTensors } from '../../core/plan/freeze.ts'
import type { RoundPrivacy } from '../../core/plan/round-privacy.ts'
import { evaluationDigest } from '../../core/run/masked-evaluation.ts'
import { parsePayload } from '../../core/run/payload.ts'
import {
  type EvaluateConfiguration,
  type RoundConfiguration,
  roundConfigurationSchema,
  type TrainConfiguration,
} from '../../core/run/round-configuration.ts'
import { trainingDigest } from '../../core/run/training-digest.ts'
import type { Expectation } from '../../core/secagg/index.ts'
import type { Layout } from '../../core/tensors/layout.ts'
import type { FrameOf } from '../../core/wire/frame.ts'
import type { Link } from '../../core/wire/link.ts'
import type { Trainer, TrainResult } from '../training/ports.ts'
import { chargeRecords, chargeUpdate } from './charges.ts'
import { difference } from './difference.ts'
import { countsOf, hasGroups, lackingError, reportOf } from './evaluation.ts'
import type { Fetcher } from './fetcher.ts'
import { HeldPlans } from './held-plans.ts'
import { checkCountsTask, maskCounts } from './masked/counts.ts'
import { MaskedRound } from './masked/round.ts'
import { Models } from './models.ts'
import type { ClientOptions } from './options.ts'
import { Outbox, type Outgoing } from './outbox.ts'
import { type Admission, denyAll } from './policy.ts'
import { encodeUpdate, privatisedOf } from './privatise.ts'
import { SiteRecord } from './site-record.ts'
import { type SealDeps, sealUpdate, sealVector } from './update.ts'

type Work = {
  readonly key: string
  readonly configuration: RoundConfiguration
  readonly abort: AbortController
  /** The client's part in the round, where updates are masked. */
  masked?: MaskedRound
  /** How far the client's policy allows the task. */
  admission?: Admission
  /** Steps that came before it had one. */
  readonly early: Uint8Array[]
  /** Set when the task was declined: said again whenever the task is offered again. */
  refusal?: ParleyError
}

/** Steps of a masked round that may come before its work has begun; an honest coordinator sends one. */
const MOST_EARLY = 8

/** Why work is given up for other work: made once, as an error is dear. */
const superseded = new ParleyError('interrupted', 'a newer task came')

/** What a task came to, and what the trainer wants to keep once the coordinator has accepted it. */
type Answer = { readonly answer: Outgoing; readonly keep?: TrainResult['accepted'] }

/**
 * Does the tasks of a coordinator, one at a time, the newest first: a task of another round ends the work on the one
 * before. Work goes on while the connection is away.
 */
export class Worker {
  readonly outbox = new Outbox()
  readonly #options: ClientOptions
  readonly #models: Models
  readonly #site: SiteRecord | undefined
  readonly #held: HeldPlans | undefined
  #client = ''
  #link: Link | undefined
  #work: Work | undefined
  /** Memory of the last sealed update. Work is done one at a time, and the outbox is cleared before it begins. */
  #spare: Uint8Array | undefined
  #keeping = Promise.resolve()

  constructor(options: ClientOptions, fetcher: Fetcher) {
    this.#options = options
    this.#models = new Models(options, fetcher)
    const { clock, policy } = options
    // Who comes anew is asked anew.
    const comeAgain = () => this.#link?.fail(new ParleyError('interrupted', 'a person decided about a plan'))
    this.#held = policy === undefined ? undefined : new HeldPlans(clock, policy, comeAgain)
    this.#site = options.audit === undefined ? undefined : new SiteRecord(options.audit, options.coordinatorKey)
  }

  attach(link: Link, client: string): void {
    this.#client = client
    if (this.#site !== undefined) this.#site.client = client
    this.#link = link
    this.outbox.attach(link)
  }

  detach(): void {
    this.#link = undefined
    this.outbox.detach()
  }

  /** Takes a task. Throws when it is not signed by the pinned coordinator: then the session is not to be trusted. */
  take(envelope: Envelope): void {
    const { crypto, coordinatorKey, limits } = this.#options
    verifyEnvelope(crypto, coordinatorKey, payloadTypes.round, envelope)
    const configuration = parsePayload(roundConfigurationSchema, envelope, limits.controlBytes)
    const key = `${configuration.run}/${configuration.round}/${configuration.kind}`
    if (this.#work?.key === key) {
      if (this.#work.refusal !== undefined) this.#decline(this.#work.configuration, this.#work.refusal)
      return
    }
    this.#work?.abort.abort(superseded)
    this.outbox.clear()
    const work: Work = { key, configuration, abort: new AbortController(), early: [] }
    this.#work = work
    this.#do(work).catch((failure: unknown) => this.#failed(work, ParleyError.from(failure, 'client.training-failed')))
  }

  /** Takes what a step of a masked round needs. One of a round that this client has no part in is dropped. */
  step({ run, round, payload }: FrameOf<'maskingStep'>): void {
    const work = this.#work
    const { run: of, round: number } = work?.configuration ?? {}
    if (work === undefined || of !== run || number !== round) {
      // After a restart, or for a newer task of another run: nobody need wait for it, whatever was summed.
      const { code, message } = new ParleyError('masking.refused', 'wrong-phase: this client has no keys in the round')
      for (const kind of ['train', 'evaluate'] as const) {
        this.#link?.send({ type: 'decline', run, round, kind, code, message }).catch(() => {})
      }
      return
    }
    if (work.refusal !== undefined) return
    if (work.masked !== undefined) work.masked.take(payload)
    else if (work.early.length < MOST_EARLY) work.early.push(payload)
  }

  async stop(): Promise<void> {
    this.#held?.stop()
    this.#work?.abort.abort()
    this.#work = undefined
    this.outbox.clear()
    await this.#keeping
    await this.#models.dispose()
  }

  async #do(work: Work): Promise<void> {
    const { configuration } = work
    const { kind, run, round, rounds } = configuration
    this.#options.onEvent?.({ type: 'task', kind, run, round, rounds })
    if (this.#site !== undefined) await this.#site.taken(configuration)
    const last = await this.#admit(configuration)
    await this.#ask(work)
    const { answer, keep } =
      kind === 'train' ? await this.#train(work, configuration, last) : await this.#evaluate(work, configuration)
    if (work.abort.signal.aborted) return
    await work.admission?.leave(answer.envelope.payload.length + (answer.sealed?.length ?? 0))
    if (this.#site !== undefined && !work.abort.signal.aborted) await this.#site.sending(configuration, answer)
    if (work.abort.signal.aborted) return
    const { accepted, code, message } = await this.outbox.deliver(answer)
    if (this.#site !== undefined) await this.#site.receipt(configuration, accepted, code)
    const reason = accepted ? {} : { code, message }
    this.#options.onEvent?.({ type: 'receipt', kind, run, round, accepted, ...reason })
    if (!accepted || keep === undefined) return
    this.#keeping = this.#keep(keep, configuration)
    await this.#keeping
  }

  /** A failure is told, and does not decline the task: its update is with the coordinator, which counts on it. */
  async #keep(keep: () => Promise<void>, { run, round }: RoundConfiguration): Promise<void> {
    try {
      await keep()
    } catch (failure) {
      const error = ParleyError.from(failure)
      this.#options.onEvent?.({ type: 'not-kept', run, round, error })
    }
  }

  /** Resolves with the round of the run that this client began before, 0 for none. */
  async #admit({ run, round, cohort }: RoundConfiguration): Promise<number> {
    const { memory, minCohort } = this.#options
    if (cohort < minCohort) {
      throw new ParleyError(
        'node.plan-refused',
        `the cohort has ${cohort} clients, this client asks for at least ${minCohort}`,
      )
    }
    const last = await memory.last(run)
    if (last !== undefined && round < last) {
      throw new ParleyError('node.rollback-refused', `round ${round} was offered after round ${last}`)
    }
    if (round !== last) await memory.remember(run, round)
    return last ?? 0
  }

  /** Whether the institution allows it, by the plan and before anything else is loaded. */
  async #ask(work: Work): Promise<void> {
    const { policy, unsafeAllowAnyPlan, coordinatorKey } = this.#options
    if (policy === undefined && unsafeAllowAnyPlan === true) return
    const { configuration: task } = work
    const { plan, text } = await this.#models.load(task, work.abort.signal)
    const request = { coordinator: coordinatorKey, task, plan, text }
    this.#held?.forget(task.run)
    try {
      work.admission = await (policy ?? denyAll).admit(request)
    } catch (failure) {
      if (ParleyError.from(failure).code === 'node.plan-held') this.#held?.add(request)
      throw failure
    }
  }

  async #trainer({ admission, abort }: Work, configuration: RoundConfiguration): Promise<Trainer> {
    const trainer = await this.#models.trainer(configuration, abort.signal, admission)
    await admission?.loaded(trainer)
    return trainer
  }

  async #train(work: Work, configuration: TrainConfiguration, last: number): Promise<Answer> {
    const { signal } = work.abort
    const { onEvent, crypto, identity, clock } = this.#options
    // Keys are exchanged while it trains.
    const masked = configuration.mode === 'masked' ? this.#maskedUpdate(work, configuration, last) : undefined
    const { run, round } = configuration
    const trainer = await this.#trainer(work, configuration)
    const plan = this.#models.plan(configuration)
    const { ledger, recordLedger } = this.#options
    const ledgers = { ledger, recordLedger, site: this.#site }
    const privacy = await chargeUpdate(ledgers, plan, configuration, work.admission?.budget)
    const hides = plan.privacy.records !== undefined
    const records = hides
      ? await chargeRecords(ledgers, plan, configuration, trainer, work.admission?.recordBudget)
      : undefined
    const weights = await this.#models.weights(configuration.model, configuration, trainer, signal)
    const { engine, why } = trainer
    const shown = { engine, ...(why === undefined ? {} : { why }) }
    const result = await trainer.train({
      weights,
      seed: round,
      run,
      model: configuration.model.digest,
      signal,
      ...(records === undefined ? {} : { records: records.privacy }),
      onProgress: (done) => onEvent?.({ type: 'training', run, round, done, ...shown }),
    })
    if (records !== undefined && result.steps !== records.privacy.steps) {
      throw new ParleyError('internal', 'the trainer took other steps than those that were paid for')
    }
    const breathe = () => new Promise<void>((resolve) => void clock.after(0, resolve))
    const deps = { crypto, identity, client: this.#client, breathe, records: records?.header }
    const answer =
      masked === undefined
        ? await this.#sealed(deps, configuration, trainer.layout, weights, result, privacy)
        : await this.#masked(deps, configuration, masked, weights, result, privacy)
    if (this.#options.sealedMemory === undefined) this.#spare = answer.sealed
    onEvent?.({ type: 'sending', run, round, bytes: answer.sealed.length })
    return { answer, keep: result.accepted }
  }

  #sealed(
    deps: SealDeps,
    configuration: TrainConfiguration,
    layout: Layout,
    weights: Float32Array,
    result: TrainResult,
    privacy: RoundPrivacy | undefined,
  ) {
    const { crypto, difference: subtract = difference } = this.#options
    const into = this.#memoryFor(weights.byteLength)
    const frozen = frozenTensors(this.#models.plan(configuration).training.freeze, layout)
    const privatised = privatisedOf(crypto, weights, result, privacy, frozen)
    return sealUpdate({ ...deps, difference: subtract }, configuration, weights, result, { into, privatised })
  }

  async #masked(
    deps: SealDeps,
    configuration: TrainConfiguration,
    masked: MaskedRound,
    weights: Float32Array,
    result: TrainResult,
    privacy: RoundPrivacy | undefined,
  ) {
    const { crypto, difference: subtract = difference } = this.#options
    const { run, round } = configuration
    const lanes = encodeUpdate(crypto, subtract, await masked.configuration, weights, result, privacy)
    const message = await masked.mask(lanes)
    const sealed = await sealVector(deps, configuration, lanes, this.#memoryFor(lanes.byteLength))
    return { ...sealed, announcement: { type: 'maskingAnswer', run, round, message } as const }
  }

  #memoryFor(plainBytes: number): Uint8Array | undefined {
    return this.#options.sealedMemory?.(sealedLength(plainBytes)) ?? this.#spare
  }

  #maskedUpdate(work: Work, configuration: TrainConfiguration, lastRound: number): MaskedRound {
    const { model, layout, plan, clip, parameters, coordinates = parameters } = configuration
    const digest = trainingDigest(this.#options.crypto, { model: model.digest, layout, plan: plan.digest, clip })
    return this.#maskedRound(work, { model: digest, coordinates, lastRound })
  }

  /** A round's counts are summed once: what was asked for before a restart is not answered after it. */
  async #maskedCounts(work: Work, configuration: EvaluateConfiguration, counts: number): Promise<MaskedRound> {
    const { memory, crypto } = this.#options
    const { run, round, models, layout, plan } = configuration
    const key = `${run}/counts`
    const lastRound = (await memory.last(key)) ?? 0
    if (round > lastRound) await memory.remember(key, round)
    const digests = models.map(({ digest }) => digest)
    const model = evaluationDigest(crypto, { models: digests, layout, plan: plan.digest })
    return this.#maskedRound(work, { model, coordinates: 0, counts, lastRound })
  }

  #maskedRound(work: Work, summed: Pick<Expectation, 'model' | 'coordinates' | 'counts' | 'lastRound'>): MaskedRound {
    const { crypto, identity, coordinatorKey, masking } = this.#options
    if (masking === undefined) {
      throw new ParleyError('masking.refused', 'this client knows no peers, whose keys it would have to trust')
    }
    const { run, round } = work.configuration
    const { policy, masks } = masking
    const known = { ...policy.known, [this.#client]: toHex(identity.publicKey) }
    const masked = new MaskedRound({
      context: {
        crypto,
        signingKey: identity,
        policy: { ...policy, known },
        ...(masks === undefined ? {} : { masks }),
      },
      expected: {
        client: this.#client,
        coordinatorKey,
        task: run,
        ...summed,
      },
      send: (message) => void this.#link?.send({ type: 'maskingAnswer', run, round, message }).catch(() => {}),
      onRefused: (error) => this.#failed(work, error),
    })
    work.masked = masked
    for (const payload of work.early.splice(0)) masked.take(payload)
    return masked
  }

  async #evaluate(work: Work, configuration: EvaluateConfiguration): Promise<Answer> {
    const { crypto, identity, onEvent } = this.#options
    const { signal } = work.abort
    const { run, round, lanes } = configuration
    const masked = lanes === undefined ? undefined : await this.#maskedCounts(work, configuration, lanes)
    const trainer = await this.#trainer(work, configuration)
    const plan = this.#models.plan(configuration)
    checkCountsTask(plan, configuration)
    const counted: GroupedCounts[] = []
    for (const model of configuration.models) {
      const weights = await this.#models.weights(model, configuration, trainer, signal)
      const found = await countsOf(trainer, plan, weights, signal)
      counted.push(found)
      if (counted.length > 1) continue
      onEvent?.({ type: 'evaluated', run, round, metrics: metricsOf(found.counts) })
      const error = lackingError(found)
      if (error !== undefined) onEvent?.({ type: 'groups-lacking', run, round, error })
    }
    const models = configuration.models.map(({ digest }) => digest)
    const head = { run, round, client: this.#client }
    if (masked !== undefined) {
      return { answer: await maskCounts({ crypto, identity }, plan, { ...head, models }, masked, counted) }
    }
    const report = reportOf(head, models, counted, hasGroups(plan))
    const envelope = signJson(identity, payloadTypes.evaluation, report)
    return { answer: { kind: 'evaluate', envelope, digest: crypto.sha256(envelope.payload) } }
  }

  #failed(work: Work, error: ParleyError): void {
    if (work.abort.signal.aborted || work.refusal !== undefined) return
    work.refusal = error
    const { kind, run, round } = work.configuration
    this.#site?.declined(work.configuration, error)
    this.#options.onEvent?.({ type: 'declined', kind, run, round, error })
    this.#decline(work.configuration, error)
  }

  #decline({ run, round, kind }: RoundConfiguration, { code, message }: ParleyError): void {
    // A link that is gone drops it; when the task is offered again, so is the refusal.
    this.#link?.send({ type: 'decline', run, round, kind, code, message: message.slice(0, 500) }).catch(() => {})
  }
}

import { type Envelope, payloadTypes, signValue, verifyEnvelope } from '../../core/crypto/envelope.ts'
import { sealedLength } from '../../core/crypto/seal.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { metricsOf } from '../../core/metrics/compute.ts'
import type { EvaluationReport } from '../../core/run/evaluation-report.ts'
import { parsePayload } from '../../core/run/payload.ts'
import {
  type EvaluateConfiguration,
  type RoundConfiguration,
  roundConfigurationSchema,
  type TrainConfiguration,
} from '../../core/run/round-configuration.ts'
import type { Link } from '../../core/wire/link.ts'
import type { TrainResult } from '../training/ports.ts'
import { difference } from './difference.ts'
import type { Fetcher } from './fetcher.ts'
import { Models } from './models.ts'
import type { ClientOptions } from './options.ts'
import { Outbox, type Outgoing } from './outbox.ts'
import { sealUpdate } from './update.ts'

type Work = {
  readonly key: string
  readonly configuration: RoundConfiguration
  readonly abort: AbortController
  /** Set when the task was declined: said again whenever the task is offered again. */
  refusal?: ParleyError
}

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
  #client = ''
  #link: Link | undefined
  #work: Work | undefined
  /** Memory of the last sealed update. Work is done one at a time, and the outbox is cleared before it begins. */
  #spare: Uint8Array | undefined
  #keeping = Promise.resolve()

  constructor(options: ClientOptions, fetcher: Fetcher) {
    this.#options = options
    this.#models = new Models(options, fetcher)
  }

  attach(link: Link, client: string): void {
    this.#client = client
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
    const work: Work = { key, configuration, abort: new AbortController() }
    this.#work = work
    this.#do(work).catch((failure: unknown) => this.#failed(work, ParleyError.from(failure, 'client.training-failed')))
  }

  async stop(): Promise<void> {
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
    await this.#admit(configuration)
    const { answer, keep } =
      kind === 'train' ? await this.#train(work, configuration) : await this.#evaluate(work, configuration)
    if (work.abort.signal.aborted) return
    const { accepted, code, message } = await this.outbox.deliver(answer)
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

  async #admit({ run, round, cohort }: RoundConfiguration): Promise<void> {
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
  }

  async #train({ abort: { signal } }: Work, configuration: TrainConfiguration): Promise<Answer> {
    const { onEvent, crypto, identity, clock } = this.#options
    const { run, round } = configuration
    const trainer = await this.#models.trainer(configuration, signal)
    const weights = await this.#models.weights(configuration.model, configuration, trainer, signal)
    const { engine } = trainer
    const result = await trainer.train({
      weights,
      seed: round,
      run,
      model: configuration.model.digest,
      signal,
      onProgress: (done) => onEvent?.({ type: 'training', run, round, done, engine }),
    })
    const breathe = () => new Promise<void>((resolve) => void clock.after(0, resolve))
    const { sealedMemory, difference: subtract = difference } = this.#options
    const deps = { crypto, identity, client: this.#client, difference: subtract, breathe }
    const memory = sealedMemory?.(sealedLength(weights.byteLength)) ?? this.#spare
    const answer = await sealUpdate(deps, configuration, weights, result, memory)
    if (sealedMemory === undefined) this.#spare = answer.sealed
    onEvent?.({ type: 'sending', run, round, bytes: answer.sealed.length })
    return { answer, keep: result.accepted }
  }

  async #evaluate({ abort: { signal } }: Work, configuration: EvaluateConfiguration): Promise<Answer> {
    const { crypto, identity, onEvent } = this.#options
    const { run, round } = configuration
    const trainer = await this.#models.trainer(configuration, signal)
    const results: EvaluationReport['results'] = []
    for (const model of configuration.models) {
      const weights = await this.#models.weights(model, configuration, trainer, signal)
      const counts = await trainer.evaluate(weights, signal)
      results.push({
        model: model.digest,
        counts: structuredClone(counts) as EvaluationReport['results'][number]['counts'],
      })
      if (model === configuration.models[0]) onEvent?.({ type: 'evaluated', run, round, metrics: metricsOf(counts) })
    }
    const report: EvaluationReport = { v: 1, run, round, client: this.#client, results }
    const envelope = signValue(identity, payloadTypes.evaluation, report)
    return { answer: { kind: 'evaluate', envelope, digest: crypto.sha256(envelope.payload) } }
  }

  #failed(work: Work, error: ParleyError): void {
    if (work.abort.signal.aborted) return
    work.refusal = error
    const { kind, run, round } = work.configuration
    this.#options.onEvent?.({ type: 'declined', kind, run, round, error })
    this.#decline(work.configuration, error)
  }

  #decline({ run, round, kind }: RoundConfiguration, { code, message }: ParleyError): void {
    // A link that is gone drops it; when the task is offered again, so is the refusal.
    this.#link?.send({ type: 'decline', run, round, kind, code, message: message.slice(0, 500) }).catch(() => {})
  }
}

import type { Clock } from '../../core/clock.ts'
import type { Envelope } from '../../core/crypto/envelope.ts'
import type { Crypto, SigningKey } from '../../core/crypto/primitives.ts'
import { fromUtf8, toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { Limits } from '../../core/wire/limits.ts'
import type { Store } from '../store/ports.ts'
import type { ActiveRun } from './active-run.ts'
import { assertNever } from './assert-never.ts'
import { type CollectDeps, openUpload } from './collect.ts'
import type { Answer, ClientChannel, Decline, MaskingAnswer, RoundDesk, Upload } from './desk.ts'
import type { Effect } from './effect.ts'
import { mayEvaluate, openPart } from './evaluating.ts'
import { takeEvaluation } from './evaluations.ts'
import { expectedOf, type MaskedPart, wrongAnswer } from './masked/part.ts'
import { stepMessages } from './masked/step-message.ts'
import { isMaskedRound, trainingPart } from './masked/transitions.ts'
import type { Matrices } from './matrices.ts'
import { Presence } from './presence.ts'
import type { RoundKeys } from './round-keys.ts'
import type { Run } from './run.ts'
import type { RunState } from './state.ts'
import { mayUpdate } from './step.ts'
import { taskOf } from './tasks.ts'
import { Timers } from './timers.ts'

/** What the hub tells others; each is called synchronously and must not throw. */
export type HubObserver = {
  readonly runChanged: (run: Run) => void
  readonly uploadStarted: (upload: { client: string; run: string }) => void
  readonly updateDecided: (client: string, answer: Answer, bytes: number) => void
  /** The coordinator cannot go on, for instance because its journal cannot be written. */
  readonly fatal: (error: ParleyError) => void
}

export type HubDeps = {
  readonly crypto: Crypto
  readonly clock: Clock
  readonly store: Store
  readonly limits: Limits
  readonly identity: SigningKey
  readonly roundKeys: RoundKeys
  readonly matrices: Matrices
  /** The key of a listed client. */
  readonly publicKey: (client: string) => Uint8Array | undefined
  /** Why a client that is known must not take part now: nobody waits for it. */
  readonly refusal: (client: string) => ParleyError | undefined
  /** Work that takes long: makes the round's model, publishes the candidate, drops what is no longer needed. */
  readonly aggregate: (active: ActiveRun) => Promise<void>
  readonly openCounts: (active: ActiveRun) => Promise<void>
  readonly publish: (active: ActiveRun) => Promise<void>
  readonly conclude: (active: ActiveRun) => Promise<void>
  readonly observer: HubObserver
}

/** Brings runs and clients together: offers tasks, takes answers in, keeps time. Decides nothing: the machine does. */
export class RoundHub implements RoundDesk {
  readonly #deps: HubDeps
  readonly #active = new Map<string, ActiveRun>()
  readonly #timers = new Map<string, Timers>()
  readonly #uploaded = new Map<string, number>()
  /** Uploads that were begun in the open round of each run, by digest. */
  readonly #begun = new Map<string, Set<string>>()
  /** Connected clients of each run at which its plan waits for a person. */
  readonly #holding = new Map<string, Set<string>>()
  readonly #collecting: CollectDeps
  readonly presence: Presence
  #draining = false

  constructor(deps: HubDeps) {
    this.#deps = deps
    this.#collecting = this.#collectDeps()
    this.presence = new Presence(() => this.#presenceChanged())
  }

  add(active: ActiveRun): void {
    this.#active.set(active.run.id, active)
  }

  find(id: string): ActiveRun | undefined {
    return this.#active.get(id)
  }

  all(): readonly ActiveRun[] {
    return [...this.#active.values()]
  }

  uploaded(run: string, client: string): number {
    return this.#uploaded.get(`${run}/${client}`) ?? 0
  }

  /** No new round is opened from now on. */
  drain(): void {
    this.#draining = true
  }

  stop(): void {
    for (const timers of this.#timers.values()) timers.clear()
  }

  readonly perform = (run: Run, effects: readonly Effect[]): void => {
    if (effects.length > 0) this.#timersOf(run).clear()
    for (const effect of effects) this.#performOne(run, effect)
  }

  readonly changed = (run: Run): void => {
    this.#deps.observer.runChanged(run)
  }

  /** Clients at which the plan of this run waits for a person, in id order. */
  holding(run: string): readonly string[] {
    return [...(this.#holding.get(run) ?? [])].sort()
  }

  connected(client: string, channel: ClientChannel): () => void {
    // It comes again when somebody there has decided, and else holds the plan again.
    for (const clients of this.#holding.values()) clients.delete(client)
    const leave = this.presence.enter(client, channel)
    for (const { run } of this.#active.values()) {
      this.#offer(run, [client])
      this.#offerMaskingStep(run, [client])
    }
    return leave
  }

  async openUpload(
    client: string,
    header: Envelope,
  ): Promise<{ readonly upload: Upload } | { readonly answer: Answer }> {
    const opened = await openUpload(this.#collecting, this.#listed(client), header)
    if ('upload' in opened) {
      const begun = this.#begun.get(opened.upload.run) ?? new Set()
      this.#begun.set(opened.upload.run, begun.add(toHex(opened.upload.digest)))
    }
    return opened
  }

  evaluation(client: string, report: Envelope): Promise<Answer> {
    const { evaluationRows: maxRows, evaluationBytes: maxPayloadBytes } = this.#deps.limits
    const deps = { ...this.#takingDeps(), maxRows, maxPayloadBytes }
    return takeEvaluation(deps, this.#listed(client), report)
  }

  async declined(client: string, decline: Decline): Promise<void> {
    const { run, ...event } = decline
    const active = this.#active.get(run)?.run
    if (event.code === 'node.plan-held' && active !== undefined && active.state.phase !== 'over') {
      this.#holding.set(run, (this.#holding.get(run) ?? new Set()).add(client))
      this.#deps.observer.runChanged(active)
    }
    await active?.tell({ type: 'declined', at: this.#deps.clock.now(), client, ...event })
  }

  /** The client takes no part any more: nobody waits for it. What it has handed in stays. */
  excluded(client: string, reason: ParleyError): void {
    for (const { run } of this.#active.values()) {
      for (const kind of ['train', 'evaluate'] as const) this.#declineFor(run, kind, client, reason)
    }
  }

  async masking(client: string, { run, round, message }: MaskingAnswer): Promise<void> {
    const { payloadType, payload, signature } = message
    if (payload.length > this.#deps.limits.maskingBytes) {
      throw new ParleyError(
        'frame.malformed',
        `a step of a masked round has at most ${this.#deps.limits.maskingBytes} bytes`,
      )
    }
    const active = this.#active.get(run)?.run
    if (active === undefined) return
    const answer = {
      type: 'masking-answer',
      at: this.#deps.clock.now(),
      round,
      client,
      message: { payloadType, payload: textOf(payload), signature: toHex(signature) },
    } as const
    if (await active.tell(answer)) return
    const { state } = active
    const part = maskedPartOf(state)
    if (part === undefined || state.round !== round) return
    const reason = wrongAnswer(this.#deps.crypto, part, answer)
    if (reason === undefined) return
    // The round goes on as if it had not come: what is wrong in one message may be right in the next.
    const why = `a message of the masked round was refused: ${reason}`
    const decided = {
      kind: state.phase === 'evaluating' ? 'evaluate' : 'train',
      digest: this.#deps.crypto.sha256(payload),
      accepted: false,
      code: 'masking.refused',
    } as const
    this.#deps.observer.updateDecided(client, { ...decided, run, round, message: why }, 0)
  }

  #collectDeps(): CollectDeps {
    const { store, roundKeys, matrices, observer } = this.#deps
    return {
      ...this.#takingDeps(),
      spool: store.spool,
      roundKeys,
      matrices,
      observe: observer.updateDecided,
      progress: (sender, run, bytes) => {
        const key = `${run}/${sender}`
        if ((this.#uploaded.get(key) ?? 0) === 0 && bytes > 0) observer.uploadStarted({ client: sender, run })
        this.#uploaded.set(key, bytes)
        const active = this.#active.get(run)
        if (active !== undefined) observer.runChanged(active.run)
      },
    }
  }

  #takingDeps() {
    const { crypto, clock, limits } = this.#deps
    return {
      crypto,
      now: () => clock.now(),
      maxPayloadBytes: limits.controlBytes,
      find: (id: string) => this.#active.get(id),
    }
  }

  #listed(client: string): { id: string; publicKey: Uint8Array } {
    const publicKey = this.#deps.publicKey(client)
    if (publicKey === undefined) throw new ParleyError('auth.failed')
    return { id: client, publicKey }
  }

  #performOne(run: Run, effect: Effect): void {
    switch (effect.type) {
      case 'seek-clients':
        return this.#seekClients(run)
      case 'arm':
        return this.#timersOf(run).arm(effect.at, () => this.#timeReached(run, effect.at))
      case 'offer-training':
        this.#forgetUploads(run)
        this.#leaveOut(run, 'train', effect.clients)
        return this.#offer(run, effect.clients)
      case 'offer-evaluation':
        this.#leaveOut(run, 'evaluate', effect.clients)
        return this.#offer(run, effect.clients)
      case 'offer-masking-step':
        return this.#offerMaskingStep(run, effect.clients)
      case 'aggregate':
        return this.#longWork(run, this.#deps.aggregate)
      case 'open-counts':
        return this.#longWork(run, this.#deps.openCounts)
      case 'publish':
        return this.#longWork(run, this.#deps.publish)
      case 'conclude':
        this.#deps.matrices.end(run.id)
        this.#holding.delete(run.id)
        return this.#longWork(run, this.#deps.conclude)
      default:
        return assertNever(effect)
    }
  }

  /** Who was put out since the cohort was drawn declines nothing itself any more. */
  #leaveOut(run: Run, kind: 'train' | 'evaluate', clients: readonly string[]): void {
    for (const client of clients) {
      const reason = this.#deps.refusal(client)
      if (reason !== undefined) this.#declineFor(run, kind, client, reason)
    }
  }

  #declineFor(run: Run, kind: 'train' | 'evaluate', client: string, { code, message }: ParleyError): void {
    const at = this.#deps.clock.now()
    this.#tell(run.tell({ type: 'declined', at, round: run.state.round, kind, client, code, message }))
  }

  #presenceChanged(): void {
    for (const { run } of this.#active.values()) {
      if (run.state.phase === 'waiting' && run.state.paused === undefined) this.#seekClients(run)
      else this.#deps.observer.runChanged(run)
    }
  }

  #seekClients(run: Run): void {
    if (this.#draining) return
    const held = new Set(this.#holding.get(run.id))
    const connected = this.presence.clients()
    const clients = connected.filter((client) => !held.has(client))
    const others = connected.length - clients.length
    const holding = others === 0 ? {} : { holding: others }
    const entropy = toHex(this.#deps.crypto.randomBytes(32))
    const keys = run.state.settings.masked === undefined ? {} : { keys: this.#keysOf(clients) }
    this.#tell(
      run.tell({ type: 'clients-available', at: this.#deps.clock.now(), clients, ...keys, entropy, ...holding }),
    )
  }

  #keysOf(clients: readonly string[]): Record<string, string> {
    return Object.fromEntries(clients.map((client) => [client, toHex(this.#listed(client).publicKey)]))
  }

  #timeReached(run: Run, at: number): void {
    if (this.#draining && run.state.phase === 'waiting') return
    // Timers and the clock are read apart: an event never claims to be earlier than what it was armed for.
    this.#tell(run.tell({ type: 'time-reached', at: Math.max(at, this.#deps.clock.now()) }))
  }

  #offer(run: Run, clients: readonly string[]): void {
    const { state } = run
    if (state.phase !== 'collecting' && state.phase !== 'evaluating') return
    const pending = clients.filter((client) => mayAnswer(state, client))
    if (pending.length === 0) return
    const task = taskOf(this.#deps, state)
    for (const client of pending) this.presence.channel(client)?.offer(task)
  }

  #offerMaskingStep(run: Run, clients: readonly string[]): void {
    const { state } = run
    const part = maskedPartOf(state)
    if (part === undefined) return
    const expected = new Set(expectedOf(part))
    const messageFor = stepMessages(this.#deps.crypto, this.#deps.identity, part.masking)
    for (const client of clients) {
      const channel = expected.has(client) ? this.presence.channel(client) : undefined
      const payload = channel === undefined ? undefined : messageFor(client)
      if (payload !== undefined) channel?.step({ run: run.id, round: state.round, payload })
    }
  }

  /** A new round begins: what earlier ones left unfinished is of no use any more. */
  #forgetUploads(run: Run): void {
    for (const key of this.#uploaded.keys()) if (key.startsWith(`${run.id}/`)) this.#uploaded.delete(key)
    const accepted = new Set(run.state.history.flatMap((record) => record.accepted.map(({ header }) => header.sha256)))
    for (const digest of this.#begun.get(run.id) ?? []) {
      if (!accepted.has(digest)) this.#deps.store.spool.remove(digest).catch(() => {})
    }
    this.#begun.delete(run.id)
    this.#deps.matrices.end(run.id)
  }

  #longWork(run: Run, work: (active: ActiveRun) => Promise<void>): void {
    const active = this.#active.get(run.id)
    if (active === undefined) return
    work(active).catch((error: unknown) => this.#deps.observer.fatal(ParleyError.from(error)))
  }

  #tell(told: Promise<boolean>): void {
    told.catch((error: unknown) => this.#deps.observer.fatal(ParleyError.from(error)))
  }

  #timersOf(run: Run): Timers {
    const timers = this.#timers.get(run.id) ?? new Timers(this.#deps.clock)
    this.#timers.set(run.id, timers)
    return timers
  }
}

function textOf(payload: Uint8Array): string {
  try {
    return fromUtf8(payload)
  } catch (cause) {
    throw new ParleyError('frame.malformed', 'a step of a masked round is not UTF-8', { cause })
  }
}

/** The steps of masked updates or counts that are open. */
function maskedPartOf(state: RunState): MaskedPart | undefined {
  if (isMaskedRound(state)) return trainingPart(state)
  return state.phase === 'evaluating' ? openPart(state) : undefined
}

function mayAnswer(state: Extract<RunState, { phase: 'collecting' | 'evaluating' }>, client: string): boolean {
  return state.phase === 'collecting' ? mayUpdate(state, client) : mayEvaluate(state, client)
}

import type { Envelope } from '../../../core/crypto/envelope.ts'
import { fromHex, fromUtf8, toHex, utf8 } from '../../../core/encoding/bytes.ts'
import { ParleyError } from '../../../core/errors/index.ts'
import {
  advertise,
  type ClientContext,
  type ClientState,
  confirmSurvivors,
  type Expectation,
  maskInput,
  type Refusal,
  type SessionConfiguration,
  secaggPayloadTypes,
  shareKeys,
  type Transition,
  unmask,
} from '../../../core/secagg/index.ts'

export type MaskedRoundDeps = {
  readonly context: ClientContext
  readonly expected: Expectation
  /** Sends a step's message; a connection that is gone drops it, and the step is asked for again on the next one. */
  readonly send: (message: Envelope) => void
  /** The client leaves the round. Called once at most. */
  readonly onRefused: (error: ParleyError) => void
}

type Step = 'configuration' | 'roster' | 'members' | 'survivors' | 'confirmations'

/**
 * The client's part in one masked round. Each step is answered once; asked again, the same message goes out again. The
 * state lives in memory alone: a client that restarts has forgotten the keys of the round, and leaves it.
 */
export class MaskedRound {
  readonly #deps: MaskedRoundDeps
  readonly #asked = new Map<Step, string>()
  readonly #answered = new Map<Step, Envelope>()
  readonly #configuration = deferred<SessionConfiguration>()
  readonly #members = deferred<unknown>()
  #state: ClientState | undefined
  #left: ParleyError | undefined

  constructor(deps: MaskedRoundDeps) {
    this.#deps = deps
  }

  /** Takes what the coordinator sent for a step. */
  take(payload: Uint8Array): void {
    if (this.#left !== undefined) return
    const message = parsed(payload)
    const step = message?.kind
    if (message === undefined || !isStep(step)) return this.#leave('malformed: the message is of no known step')
    const asked = toHex(this.#deps.context.crypto.sha256(payload))
    if ((this.#asked.get(step) ?? asked) !== asked)
      return this.#leave('already-answered: the step came again, and asks for something else')
    this.#asked.set(step, asked)
    const answered = this.#answered.get(step)
    if (answered !== undefined) return this.#deps.send(answered)
    switch (step) {
      case 'configuration':
        return this.#advertise(message)
      case 'roster':
        return this.#answer(step, (state) => shareKeys(this.#deps.context, state, message))
      case 'members':
        // Answered once training has ended; a client without keys has nothing to wait for.
        return this.#state === undefined ? this.#leaveWithoutKeys() : this.#members.resolve(message)
      case 'survivors':
        return this.#answer(step, (state) => confirmSurvivors(this.#deps.context, state, message))
      case 'confirmations':
        return this.#answer(step, (state) => unmask(this.#deps.context, state, message))
      default:
        return step satisfies never
    }
  }

  /** How the update is to be encoded. Rejects with `masking.refused` when this client leaves before. */
  get configuration(): Promise<SessionConfiguration> {
    return this.#configuration.promise
  }

  /** Masks the encoded update in place as soon as it is known with whom. Resolves with the message that announces it. */
  async mask(lanes: Uint32Array): Promise<Envelope> {
    const members = await this.#members.promise
    const { context } = this.#deps
    const masked = this.#transition((state) => maskInput(context, state, members, lanes))
    if (masked === undefined) throw this.#left ?? new ParleyError('masking.refused')
    this.#answered.set('members', masked)
    return masked
  }

  #advertise(message: { readonly payload?: unknown; readonly signature?: unknown }): void {
    const { context, expected } = this.#deps
    const envelope = {
      payloadType: secaggPayloadTypes.configuration,
      payload: utf8(String(message.payload)),
      signature: fromHex(String(message.signature)) ?? new Uint8Array(0),
    }
    const advertised = advertise(context, envelope, expected, (length) => context.crypto.randomBytes(length))
    if (!advertised.ok) return this.#refuse(advertised.refusal)
    this.#state = advertised.state
    this.#configuration.resolve(advertised.state.configuration)
    this.#answered.set('configuration', advertised.message)
    this.#deps.send(advertised.message)
  }

  #answer(step: Step, transition: (state: ClientState) => Transition<ClientState>): void {
    const message = this.#transition(transition)
    if (message === undefined) return
    this.#answered.set(step, message)
    this.#deps.send(message)
  }

  /** The state moves before its message may leave. */
  #transition(transition: (state: ClientState) => Transition<ClientState>): Envelope | undefined {
    if (this.#state === undefined) {
      this.#leaveWithoutKeys()
      return undefined
    }
    const next = transition(this.#state)
    if (!next.ok) {
      this.#refuse(next.refusal)
      return undefined
    }
    this.#state = next.state
    return next.message
  }

  #refuse({ reason, text, client }: Refusal): void {
    this.#leave(`${reason}: ${text}${client === undefined ? '' : ` (${client})`}`)
  }

  #leaveWithoutKeys(): void {
    this.#leave('wrong-phase: this client has no keys in the round, which began without it or before its restart')
  }

  #leave(why: string): void {
    if (this.#left !== undefined) return
    const error = new ParleyError('masking.refused', why)
    this.#left = error
    this.#state = undefined
    this.#configuration.reject(error)
    this.#members.reject(error)
    this.#deps.onRefused(error)
  }
}

const steps: readonly string[] = ['configuration', 'roster', 'members', 'survivors', 'confirmations'] satisfies Step[]

function isStep(value: unknown): value is Step {
  return typeof value === 'string' && steps.includes(value)
}

function parsed(payload: Uint8Array): { kind?: unknown; payload?: unknown; signature?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(fromUtf8(payload))
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

function deferred<T>() {
  let resolve: (value: T) => void = () => {}
  let reject: (error: ParleyError) => void = () => {}
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  // Whoever waits hears of it; it may be that nobody does.
  promise.catch(() => {})
  return { promise, resolve, reject }
}

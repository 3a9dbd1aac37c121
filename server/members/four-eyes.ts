import { createHash, randomBytes } from 'node:crypto'
import type { AuditAction } from '../../core/audit/actions.ts'
import { canonicalJsonOfDefined } from '../../core/encoding/canonical-json.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { RequestRecord } from '../store/member-ports.ts'
import { type ActValue, actorOf } from './acts.ts'
import type { KnownCaller, MemberCaller } from './caller.ts'
import type { MembersContext } from './context.ts'
import type { Permission } from './permissions.ts'
import { rightsOf } from './rights.ts'
import { DAY_MS, timeText } from './times.ts'

/** Acts that can be made to take two people. */
export const fourEyesActs = [
  'alias.promote',
  'client.revoke',
  'client.revoke-all',
  'member.grant-admin',
  'run.start',
] as const

export type FourEyesAct = (typeof fourEyesActs)[number]

/** Those that take two people where nothing else is said. */
export const usualFourEyes: readonly FourEyesAct[] = ['alias.promote', 'client.revoke-all', 'member.grant-admin']

/** How long a request waits for its second person. */
export const REQUEST_MS = 7 * DAY_MS
/** Requests that are listed. */
const LISTED = 200
/** Longer bodies are left out of the list; a plan may have a megabyte. */
const LISTED_BODY = 4_096

/** How an act is done that two people may be needed for. */
export type ActDefinition<Body extends object> = {
  readonly name: FourEyesAct
  /** What whoever asks must have, then and still when it is done. */
  readonly permission: Permission
  /** One of these lets somebody else confirm it. */
  readonly confirmedBy: readonly Permission[]
  /** The member that it is about, who does not confirm it either. */
  readonly concerns?: (body: Body) => string
  /** Does it. `by` is who asked, with its rights as they are now. */
  readonly perform: (body: Body, by: KnownCaller) => Promise<object>
}

export type RequestView = Omit<RequestRecord, 'body' | 'state'> & {
  /** Not in lists where it is long. */
  readonly body?: unknown
  readonly state: RequestRecord['state'] | 'expired'
}

/** Acts that one person asks for and another one confirms, before they are done, once. */
export class FourEyes {
  readonly #context: MembersContext
  readonly #needed: ReadonlySet<FourEyesAct>
  readonly #definitions = new Map<string, ActDefinition<object>>()

  constructor(context: MembersContext, needed: readonly FourEyesAct[]) {
    this.#context = context
    this.#needed = new Set(needed)
  }

  /**
   * Makes an act known, and gives the function that does it: at once where one person is enough, else it keeps the request.
   * The key of the machine's owner is nobody's second person and needs none: whoever has it can do anything anyway.
   */
  define<Body extends object>(
    definition: ActDefinition<Body>,
  ): (by: KnownCaller, body: Body) => Promise<{ readonly done: object } | { readonly request: RequestView }> {
    // What comes out of the store is what was put into it under this name.
    this.#definitions.set(definition.name, definition as unknown as ActDefinition<object>)
    return async (by, body) => {
      if (by.kind === 'member' && this.#needed.has(definition.name)) {
        return { request: await this.#ask(by, definition.name, body) }
      }
      return { done: await definition.perform(body, by) }
    }
  }

  /** Whether this act takes a second person, when `by` asks for it. */
  needed(act: FourEyesAct, by: KnownCaller): boolean {
    return by.kind === 'member' && this.#needed.has(act)
  }

  async list(): Promise<readonly RequestView[]> {
    return (await this.#context.store.requests(LISTED)).map((request) => {
      const { body, ...rest } = this.#view(request)
      return request.body.length > LISTED_BODY ? rest : { ...rest, body }
    })
  }

  /** Throws `object.not-found`. */
  async show(id: string): Promise<RequestView> {
    return this.#view(await this.#request(id))
  }

  /**
   * Confirms a request and does it. `digest` is the one that was looked at. Throws `four-eyes.same-person`, `four-eyes.over`,
   * `auth.forbidden` where either of the two may not, or no longer, and whatever the act fails with.
   */
  async confirm(
    by: KnownCaller,
    id: string,
    digest: string,
  ): Promise<{ readonly request: RequestView; readonly result: object }> {
    const request = await this.#request(id)
    const definition = this.#definitionOf(request)
    const body = JSON.parse(request.body) as object
    if (request.requestedBy === by.id || definition.concerns?.(body) === by.id) {
      throw new ParleyError('four-eyes.same-person')
    }
    this.#checkMayConfirm(by, definition)
    if (request.digest !== digest || digestOf(request.act, request.body) !== digest) {
      throw new ParleyError('request.invalid', 'the digest is not the one of this request')
    }
    const requester = await this.#requester(request, definition)
    await this.#decide(id, by, 'confirmed')
    try {
      await this.#record(by, 'request.confirm', request)
      const result = await definition.perform(body, requester)
      return { request: this.#view(await this.#settle(id, { state: 'done' })), result }
    } catch (failure) {
      const { code } = ParleyError.from(failure)
      await this.#settle(id, { state: 'failed', code })
      throw failure
    }
  }

  /** Ends a request without doing it. Whoever asked may take it back. */
  async refuse(by: KnownCaller, id: string): Promise<RequestView> {
    const request = await this.#request(id)
    if (request.requestedBy !== by.id) this.#checkMayConfirm(by, this.#definitionOf(request))
    const refused = await this.#decide(id, by, 'refused')
    await this.#record(by, 'request.refuse', request)
    return this.#view(refused)
  }

  async #ask(by: MemberCaller, act: FourEyesAct, body: object): Promise<RequestView> {
    const { store, clock } = this.#context
    const text = canonicalJsonOfDefined(body)
    const request: RequestRecord = {
      id: `req_${randomBytes(8).toString('hex')}`,
      act,
      body: text,
      digest: digestOf(act, text),
      requestedBy: by.id,
      requestedAt: timeText(clock.now()),
      expiresAt: timeText(clock.now() + REQUEST_MS),
      state: 'pending',
    }
    await store.addRequest(request)
    await this.#record(by, 'request.create', request)
    return this.#view(request)
  }

  #checkMayConfirm(by: KnownCaller, { confirmedBy }: ActDefinition<object>): void {
    if (confirmedBy.some((permission) => by.permissions.has(permission))) return
    throw new ParleyError('auth.forbidden', `confirming this takes ${confirmedBy.join(' or ')}`)
  }

  /** Who asked, if it still may. */
  async #requester({ requestedBy }: RequestRecord, { permission }: ActDefinition<object>): Promise<MemberCaller> {
    const { store, clock, rule } = this.#context
    const member = await store.member(requestedBy)
    const permissions = member === undefined ? new Set<Permission>() : rightsOf(member, clock.now(), rule).permissions
    if (member === undefined || !permissions.has(permission)) {
      throw new ParleyError('auth.forbidden', 'whoever asked for this may not do it any more')
    }
    // Nothing that is done now uses the session or token of then.
    return { kind: 'member', id: member.id, name: member.name, permissions, via: { kind: 'token', id: '' } }
  }

  #decide(id: string, by: KnownCaller, state: 'confirmed' | 'refused'): Promise<RequestRecord> {
    const now = this.#context.clock.now()
    return this.#context.store.changeRequest(id, (request) => {
      if (request.state !== 'pending' || Date.parse(request.expiresAt) <= now) throw new ParleyError('four-eyes.over')
      return { ...request, state, decidedBy: by.id, decidedAt: timeText(now) }
    })
  }

  #settle(id: string, outcome: { readonly state: 'done' | 'failed'; readonly code?: string }): Promise<RequestRecord> {
    return this.#context.store.changeRequest(id, (request) => ({ ...request, ...outcome }))
  }

  async #request(id: string): Promise<RequestRecord> {
    const request = await this.#context.store.request(id)
    if (request === undefined) throw new ParleyError('object.not-found', 'there is no such request')
    return request
  }

  #definitionOf({ act }: RequestRecord): ActDefinition<object> {
    const definition = this.#definitions.get(act)
    if (definition === undefined) throw new ParleyError('run.conflict', 'this coordinator does not do such acts')
    return definition
  }

  #view({ body, state, ...rest }: RequestRecord): RequestView {
    const expired = state === 'pending' && Date.parse(rest.expiresAt) <= this.#context.clock.now()
    return { ...rest, body: JSON.parse(body) as unknown, state: expired ? 'expired' : state }
  }

  #record(by: KnownCaller, action: AuditAction, { id, act, digest }: RequestRecord): Promise<void> {
    const details: Record<string, ActValue> = { act, digest }
    return this.#context.onAct({
      actor: actorOf(by),
      action,
      object: { kind: 'request', id },
      outcome: 'ok',
      details,
    })
  }
}

function digestOf(act: string, body: string): string {
  return createHash('sha256').update(`parley request 1\n${act}\n${body}`).digest('hex')
}

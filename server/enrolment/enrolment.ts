import { act } from '../../core/audit/act.ts'
import type { AuditAction } from '../../core/audit/actions.ts'
import { actorOfId } from '../../core/audit/actor.ts'
import { type AuditEntry, type AuditSink, noAudit } from '../../core/audit/sink.ts'
import type { Crypto } from '../../core/crypto/primitives.ts'
import { fromBase64, fromHex, toHex, utf8 } from '../../core/encoding/bytes.ts'
import { invitationSecret } from '../../core/enrolment/invitation.ts'
import {
  ENROLMENT_PAYLOAD_TYPE,
  type EnrolmentAnswer,
  enrolmentRequestSchema,
  fingerprintOf,
  isFingerprint,
  RENEWAL_PAYLOAD_TYPE,
  renewalRequestSchema,
} from '../../core/enrolment/messages.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { AllowList } from '../sessions/allow-list.ts'
import type {
  EnrolmentChange,
  EnrolmentRecord,
  EnrolmentRecords,
  EnrolmentState,
  EnrolmentStep,
} from '../store/enrolment-ports.ts'
import type { Authority } from './authority.ts'
import { signedRequest } from './signed-request.ts'

export type EnrolmentDeps = {
  readonly crypto: Crypto
  readonly records: EnrolmentRecords
  readonly authority: Authority
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** How long certificates of clients are good for, in milliseconds; a week by default. */
  readonly certificateMs?: number
  /** Clients that take part beside those that enrol: lists that were written by hand. */
  readonly listed?: AllowList
  /** Where it is recorded who did what; by default nowhere. */
  readonly audit?: AuditSink
  /** Called when a client must not have a session any more: revoked, suspended, or its certificate ended. */
  readonly onExcluded?: (client: string, error: ParleyError) => void
}

/** Who does something, and why. */
export type Act = { readonly actor: string; readonly reason?: string }

const DAY_MS = 24 * 3_600_000
const CERTIFICATE_MS = 7 * DAY_MS
const INVITATION_MS = 3 * DAY_MS
const MOST_CHANGES = 500

/**
 * Who belongs to the federation. Each change is stored before it holds; changes are made one after the other. It is the list that
 * sessions are let in by: a client that is not active, or whose certificate has ended, is not on it.
 */
export class Enrolment implements AllowList {
  readonly #deps: EnrolmentDeps
  readonly #clients = new Map<string, EnrolmentRecord>()
  readonly #byKey = new Map<string, string>()
  #tail: Promise<unknown> = Promise.resolve()
  #changed: () => void = () => {}

  private constructor(deps: EnrolmentDeps) {
    this.#deps = deps
  }

  static async open(deps: EnrolmentDeps): Promise<Enrolment> {
    const enrolment = new Enrolment(deps)
    for (const record of await deps.records.enrolments()) enrolment.#remember(record)
    return enrolment
  }

  list(): readonly EnrolmentRecord[] {
    return [...this.#clients.values()].sort((a, b) => (a.client < b.client ? -1 : 1))
  }

  /** What was done to the enrolment of a client, the newest first. Fails with `object.not-found`. */
  async history(client: string): Promise<readonly EnrolmentChange[]> {
    if (!this.#clients.has(client)) throw wrongState(client, undefined)
    return this.#deps.records.enrolmentChanges(client, MOST_CHANGES)
  }

  get authority(): Authority {
    return this.#deps.authority
  }

  get size(): number {
    const active = this.list().filter((record) => this.#excluded(record) === undefined).length
    return active + (this.#deps.listed?.size ?? 0)
  }

  /** Those that were let in once, and that are listed. */
  ids(): readonly string[] {
    const own = this.list().filter(({ certificate, state }) => certificate !== undefined && state !== 'revoked')
    return [...own.map(({ client }) => client), ...(this.#deps.listed?.ids() ?? [])].sort()
  }

  idOf(publicKey: Uint8Array): string | undefined {
    const record = this.#recordOf(publicKey)
    if (record !== undefined) return this.#excluded(record) === undefined ? record.client : undefined
    return this.#deps.listed?.idOf(publicKey)
  }

  publicKeyOf(client: string): Uint8Array | undefined {
    const key = this.#clients.get(client)?.publicKey
    return key === undefined ? this.#deps.listed?.publicKeyOf(client) : fromHex(key)
  }

  refusalOf(publicKey: Uint8Array): ParleyError | undefined {
    const record = this.#recordOf(publicKey)
    return record === undefined ? undefined : this.#excluded(record)
  }

  /** When the next certificate of an active client ends, in milliseconds since the epoch. */
  nextEnd(): number | undefined {
    const ends = this.list().flatMap(({ state, certificate }) =>
      state === 'active' && certificate !== undefined ? [Date.parse(certificate.notAfter)] : [],
    )
    const coming = ends.filter((end) => end > this.#deps.now())
    return coming.length === 0 ? undefined : Math.min(...coming)
  }

  /** Has `listener` called after every change, in the place of an earlier one. */
  onChanged(listener: () => void): void {
    this.#changed = listener
  }

  /** Ends the sessions of clients whose certificate has ended. */
  sweep(): void {
    for (const record of this.#clients.values()) {
      const error = this.#excluded(record)
      if (error?.code === 'auth.certificate-expired') this.#deps.onExcluded?.(record.client, error)
    }
  }

  /**
   * Invites a client, or invites it anew: an earlier code is good no more. Resolves with the secret of the code, which is not stored.
   *
   * - `lifetimeMs`: of the code; three days by default.
   */
  invite(
    client: string,
    { label = client, lifetimeMs = INVITATION_MS, ...act }: Act & { label?: string; lifetimeMs?: number },
  ) {
    return this.#asked('client.invite', client, act, async (record) => {
      if (this.#deps.listed?.publicKeyOf(client) !== undefined) throw wrongState(client, 'listed by hand')
      if (record !== undefined && !['invited', 'refused', 'pending'].includes(record.state)) {
        throw wrongState(client, record.state)
      }
      const { crypto, now } = this.#deps
      const secret = invitationSecret((length) => crypto.randomBytes(length))
      const expiresAt = new Date(now() + lifetimeMs).toISOString()
      const invitation = { secretHash: this.#hashOf(secret), expiresAt }
      await this.#save({ client, label, ...this.#stateOf('invited', act), invitation }, 'invite', act)
      return { secret, expiresAt }
    })
  }

  /**
   * Takes a request to be enrolled: a DSSE envelope as JSON, signed by the key that it names. Asked again with the same key, it says where
   * the client stands, and gives the certificate once there is one. Fails with `enrolment.code-refused` for every code that is not
   * good, whatever is wrong with it.
   */
  async request(body: Uint8Array): Promise<EnrolmentAnswer> {
    const request = await signedRequest(this.#deps, body, ENROLMENT_PAYLOAD_TYPE, enrolmentRequestSchema)
    const { client, publicKey, secret, csr } = request
    return this.#change(client, async (record) => {
      const { now, listed } = this.#deps
      if (record?.invitation === undefined || record.invitation.secretHash !== this.#hashOf(secret)) throw refusedCode()
      if (Date.parse(record.invitation.expiresAt) <= now()) throw refusedCode()
      if (record.publicKey !== undefined) {
        if (record.publicKey !== publicKey) throw refusedCode()
        return this.#answer(record)
      }
      const key = fromHex(publicKey) ?? new Uint8Array(0)
      if (record.state !== 'invited') throw refusedCode()
      if (this.#byKey.has(publicKey) || listed?.idOf(key) !== undefined) {
        throw new ParleyError('enrolment.request-invalid', 'another client has this key: make one for each')
      }
      // A request that could never be granted is refused before a person looks at it.
      await this.#issue(client, csr, key)
      const next = { ...record, ...this.#stateOf('pending', { actor: client }), publicKey, csr }
      await this.#save(next, 'request', { actor: client })
      await this.#told('client.request', client, { fingerprint: fingerprintOf(this.#deps.crypto, key) })
      return this.#answer(next)
    })
  }

  /**
   * Lets a client in that has asked, once a person has compared the fingerprint; or lets an active client whose certificate has ended
   * renew it within three days.
   */
  approve(client: string, fingerprint: string, act: Act) {
    return this.#asked('client.approve', client, act, async (record) => {
      const { crypto, now } = this.#deps
      const key = record?.publicKey === undefined ? undefined : fromHex(record.publicKey)
      if (record === undefined || key === undefined) throw wrongState(client, record?.state)
      if (!isFingerprint(fingerprint, fingerprintOf(crypto, key)))
        throw new ParleyError('enrolment.fingerprint-mismatch')
      if (record.state === 'active') {
        const renewableUntil = new Date(now() + INVITATION_MS).toISOString()
        return this.#save({ ...record, renewableUntil }, 'allow-renewal', act)
      }
      if (record.state !== 'pending' || record.csr === undefined) throw wrongState(client, record.state)
      const certificate = await this.#issue(client, record.csr, key)
      const { csr: _, ...rest } = record
      return this.#save({ ...rest, ...this.#stateOf('active', act), certificate }, 'approve', act)
    })
  }

  refuse(client: string, act: Act) {
    return this.#move(client, ['invited', 'pending'], 'refused', act)
  }

  suspend(client: string, act: Act) {
    return this.#move(client, ['active'], 'suspended', act)
  }

  resume(client: string, act: Act) {
    return this.#move(client, ['suspended'], 'active', act)
  }

  /** For ever: the key stays on record, and is never let in again. */
  revoke(client: string, act: Act) {
    return this.#move(client, ['invited', 'pending', 'active', 'suspended', 'refused'], 'revoked', act)
  }

  /** Changes what people call it; the id stays. */
  rename(client: string, { label, ...act }: Act & { readonly label: string }) {
    return this.#asked('client.rename', client, act, async (record) => {
      if (record === undefined) throw wrongState(client, undefined)
      return this.#save({ ...record, label }, 'rename', { ...act, reason: label })
    })
  }

  /** Gives an active client a new certificate for its key. Open sessions go on. */
  async renew(body: Uint8Array): Promise<EnrolmentAnswer> {
    const { client, publicKey, csr } = await signedRequest(this.#deps, body, RENEWAL_PAYLOAD_TYPE, renewalRequestSchema)
    return this.#change(client, async (record) => {
      if (record?.publicKey !== publicKey) throw new ParleyError('auth.failed')
      const excluded = this.#excluded(record)
      const { now } = this.#deps
      const again = excluded?.code === 'auth.certificate-expired' && Date.parse(record.renewableUntil ?? '') > now()
      if (excluded !== undefined && !again) throw excluded
      const certificate = await this.#issue(client, csr, fromHex(publicKey) ?? new Uint8Array(0))
      const { renewableUntil: _, ...rest } = record
      const saved = await this.#save({ ...rest, certificate }, 'renew', { actor: client })
      await this.#told('client.renew', client, { serial: certificate.serial, notAfter: certificate.notAfter })
      return this.#answer(saved)
    })
  }

  #move(client: string, from: readonly EnrolmentState[], to: keyof typeof moves, act: Act): Promise<EnrolmentRecord> {
    return this.#asked(moves[to].action, client, act, async (record) => {
      // What is so already is not done again: the wish is fulfilled.
      if (record?.state === to) return record
      if (record === undefined || !from.includes(record.state)) throw wrongState(client, record?.state)
      const { invitation: _, ...rest } = record
      const moved = { ...(to === 'active' ? record : rest), ...this.#stateOf(to, act) }
      const next = await this.#save(moved, moves[to].step, act)
      const error = this.#excluded(next)
      if (error !== undefined) this.#deps.onExcluded?.(client, error)
      return next
    })
  }

  async #issue(client: string, csr: string, key: Uint8Array) {
    const { now, certificateMs = CERTIFICATE_MS } = this.#deps
    const der = fromBase64(csr)
    if (der === undefined)
      throw new ParleyError('enrolment.request-invalid', 'the request for a certificate is not base64')
    const until = now() + certificateMs
    const { certificate, serial } = await this.#deps.authority.issueClient(client, der, key, { from: now(), until })
    return { pem: certificate, serial, notAfter: new Date(until).toISOString() }
  }

  #answer({ state, publicKey, certificate }: EnrolmentRecord): EnrolmentAnswer {
    const fingerprint = fingerprintOf(this.#deps.crypto, fromHex(publicKey ?? '') ?? new Uint8Array(0))
    if (state === 'active' && certificate !== undefined) {
      const authority = this.#deps.authority.certificate
      return { state, fingerprint, certificate: certificate.pem, authority, notAfter: certificate.notAfter }
    }
    if (state === 'pending') return { state, fingerprint }
    throw refusedCode()
  }

  #excluded({ state, certificate }: EnrolmentRecord): ParleyError | undefined {
    switch (state) {
      case 'active':
        if (certificate !== undefined && Date.parse(certificate.notAfter) > this.#deps.now()) return undefined
        return new ParleyError('auth.certificate-expired')
      case 'suspended':
        return new ParleyError('auth.suspended')
      case 'revoked':
        return new ParleyError('auth.revoked')
      case 'invited':
      case 'pending':
      case 'refused':
        return new ParleyError('auth.failed')
      default:
        return state satisfies never
    }
  }

  /** What a person asks for: on record before it is done, and what came of it before anybody is told. */
  #asked<Result>(
    action: AuditAction,
    client: string,
    { actor, reason }: Act,
    change: (record: EnrolmentRecord | undefined) => Promise<Result>,
  ): Promise<Result> {
    const object = { kind: 'client', id: client }
    const asked = { action, actor: actorOfId(actor), object, details: { reason } }
    const { audit = noAudit } = this.#deps
    return act(
      audit,
      asked,
      () => this.#change(client, change),
      () => ({ object, details: { reason } }),
    )
  }

  async #told(action: AuditAction, client: string, details: AuditEntry['details']): Promise<void> {
    const who = { kind: 'client', id: client } as const
    await this.#deps.audit?.append({ action, actor: who, object: who, details: details ?? {} })
  }

  /** One change after the other, each on what the one before left. */
  #change<Result>(client: string, change: (record: EnrolmentRecord | undefined) => Promise<Result>): Promise<Result> {
    const result = this.#tail.then(() => change(this.#clients.get(client)))
    this.#tail = result.catch(() => {})
    return result
  }

  async #save(record: EnrolmentRecord, step: EnrolmentStep, { actor, reason = '' }: Act): Promise<EnrolmentRecord> {
    const { client, state, certificate } = record
    const certified = certificate !== undefined && (step === 'approve' || step === 'renew')
    await this.#deps.records.saveEnrolment(record, {
      client,
      at: timeOf(this.#deps.now()),
      step,
      state,
      actor,
      reason,
      ...(certified ? { certificateUntil: certificate.notAfter } : {}),
    })
    this.#remember(record)
    this.#changed()
    return record
  }

  #remember(record: EnrolmentRecord): void {
    const before = this.#clients.get(record.client)?.publicKey
    if (before !== undefined && before !== record.publicKey) this.#byKey.delete(before)
    this.#clients.set(record.client, record)
    if (record.publicKey !== undefined) this.#byKey.set(record.publicKey, record.client)
  }

  #recordOf(publicKey: Uint8Array): EnrolmentRecord | undefined {
    return this.#clients.get(this.#byKey.get(toHex(publicKey)) ?? '')
  }

  #stateOf(state: EnrolmentState, { actor, reason = '' }: Act) {
    return { state, since: new Date(this.#deps.now()).toISOString(), actor, reason }
  }

  #hashOf(secret: string): string {
    return toHex(this.#deps.crypto.sha256(utf8(secret)))
  }
}

const moves = {
  refused: { action: 'client.reject', step: 'refuse' },
  suspended: { action: 'client.suspend', step: 'suspend' },
  active: { action: 'client.resume', step: 'resume' },
  revoked: { action: 'client.revoke', step: 'revoke' },
} as const satisfies Partial<Record<EnrolmentState, { readonly action: AuditAction; readonly step: EnrolmentStep }>>

function timeOf(at: number): string {
  return new Date(at).toISOString()
}

function refusedCode(): ParleyError {
  return new ParleyError('enrolment.code-refused')
}

function wrongState(client: string, state: string | undefined): ParleyError {
  if (state === undefined) return new ParleyError('object.not-found', `there is no client ${client}`)
  return new ParleyError('enrolment.state', `${client} is ${state}`)
}

import { readApproval } from '../../core/attestation/approval.ts'
import type { Rollout } from '../../core/attestation/canary.ts'
import { IN_TOTO_PAYLOAD_TYPE, parseDsse, verifyDsse } from '../../core/attestation/dsse.ts'
import { fromUtf8 } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type {
  AliasMove,
  ApprovalRecord,
  CandidateRecord,
  Records,
  TagChange,
  VersionRecord,
  VersionState,
} from '../store/ports.ts'
import { ALIAS_LIFETIME_MS, moveRecord, recordIn } from './alias-records.ts'
import { collectGarbage, type Garbage, type GarbageRequest } from './collect-garbage.ts'
import { journalDigest } from './journal-digest.ts'
import type { Candidate } from './manifest.ts'
import { type PublishDeps, publishVersion } from './publish.ts'
import { manifestIn } from './published.ts'

export type RegistryDeps = Omit<PublishDeps, 'records'> & {
  readonly records: Records
  /** Who may approve versions, by name: Ed25519 public keys. */
  readonly approvers: (member: string) => Uint8Array | undefined
  /** Approvals by different members that an alias needs before it moves to a version; 0: none. */
  readonly approvalsNeeded: number
}

export type MoveRequest = {
  readonly model: string
  readonly alias: string
  readonly reason: string
  readonly actor: string
  /** The sequence of the alias's newest move that whoever asks has seen; 0 for none. Another one refuses. */
  readonly expect?: number | undefined
}

/** What followers of a model are told. */
export type RegistryEvent =
  | { readonly type: 'alias'; readonly model: string; readonly move: AliasMove }
  | { readonly type: 'state'; readonly model: string; readonly state: VersionState }

/** Versions and what is done with them: publication, aliases, approvals, withdrawals. All of it is history: nothing is overwritten. */
export class Registry {
  readonly #deps: RegistryDeps
  readonly #listeners = new Set<(event: RegistryEvent) => void>()
  /** Versions are published one after the other: each is signed with its number. */
  #publishing: Promise<unknown> = Promise.resolve()

  constructor(deps: RegistryDeps) {
    this.#deps = deps
  }

  /** The alias moves with the version, unless approvals are asked for: then it waits for `promote`. */
  publish(candidate: Candidate, alias: string): Promise<VersionRecord> {
    const published = this.#publishing.then(() => this.#publishNow(candidate, alias))
    this.#publishing = published.catch(() => {})
    return published
  }

  async #publishNow(candidate: Candidate, alias: string): Promise<VersionRecord> {
    const moves = this.#deps.approvalsNeeded === 0 ? { name: alias, reason: 'passed its gates' } : undefined
    const before = (await this.#deps.records.alias(candidate.model, alias))?.sequence
    const version = await publishVersion(this.#deps, candidate, moves)
    const move = await this.#deps.records.alias(candidate.model, alias)
    if (move !== undefined && move.sequence !== before) this.#tell({ type: 'alias', model: candidate.model, move })
    return version
  }

  /** Resolves when what was begun before is done, with its records. */
  async quiet(): Promise<void> {
    await this.#publishing
  }

  saveCandidate(candidate: CandidateRecord): Promise<void> {
    return this.#deps.records.saveCandidate(candidate)
  }

  /** Moves an alias to a version. Fails with `approval.missing`, `alias.conflict`, `version.withdrawn`, `object.not-found`. */
  async promote(
    request: MoveRequest & { readonly number: number; readonly rollout?: Rollout | undefined },
  ): Promise<AliasMove> {
    const { model, alias, number, rollout } = request
    await this.#checkApproved(model, number)
    if (rollout !== undefined) await this.#checkRollout(model, rollout)
    return this.#move(request, { model, alias, version: number }, rollout)
  }

  /**
   * Moves an alias back: to the version that it pointed at before the present one, or to `to`. A version that was approved
   * once needs no approval to be gone back to.
   */
  async rollback(request: MoveRequest & { readonly to?: number | undefined }): Promise<AliasMove> {
    const { model, alias } = request
    const moves = (await this.#deps.records.aliasHistory(model)).filter((move) => move.alias === alias)
    const present = moves.at(-1)
    if (present === undefined) throw new ParleyError('object.not-found', `${model} has no alias ${alias}`)
    const states = await this.#deps.records.versionStates(model)
    const withdrawn = (number: number) => states.findLast((one) => one.number === number)?.state === 'withdrawn'
    const earlier = moves.map(({ version }) => version).filter((version) => version !== present.version)
    const to = request.to ?? earlier.findLast((version) => !withdrawn(version))
    if (to === undefined) throw new ParleyError('run.conflict', `${alias} has no earlier version to go back to`)
    if (!earlier.includes(to) && request.to !== present.version) {
      throw new ParleyError('run.conflict', `${alias} never pointed at version ${to}: promote it`)
    }
    return this.#move(request, { model, alias, version: to }, undefined)
  }

  /** Says of a version that it is deprecated, withdrawn, or in use again. No alias may point at what is withdrawn. */
  async setState(state: Omit<VersionState, 'at'>): Promise<VersionState> {
    const { records, now } = this.#deps
    if (state.state === 'withdrawn') await this.#checkUnused(state.model, state.number)
    const said = { ...state, at: new Date(now()).toISOString() }
    await records.setVersionState(said)
    this.#tell({ type: 'state', model: state.model, state: said })
    return said
  }

  /** Sets a tag of a version, or takes it away where `value` is null. Undefined: it was so already. */
  tag(asked: Omit<TagChange, 'previous' | 'at'>): Promise<TagChange | undefined> {
    const { records, now } = this.#deps
    return records.setTag({ ...asked, at: new Date(now()).toISOString() })
  }

  /** Takes a member's signed word on a version. Fails with `approval.invalid`. */
  async approve(model: string, number: number, envelope: Uint8Array, _by?: string): Promise<ApprovalRecord> {
    const { records, approvers, crypto, now } = this.#deps
    const version = await this.#version(model, number)
    const invalid = (why: string, cause?: unknown) => new ParleyError('approval.invalid', why, { cause })
    let approval: ReturnType<typeof readApproval>
    let member: string
    try {
      const dsse = parseDsse(envelope, { canonical: true })
      // Whose word it claims to be says whose key it must be by.
      member = readApproval(dsse.payload).predicate.verifier.id
      const key = approvers(member)
      if (key === undefined) throw new Error(`${member} is no listed approver`)
      const verify = (message: Uint8Array, signature: Uint8Array) => crypto.verify(key, message, signature)
      approval = readApproval(await verifyDsse(dsse, IN_TOTO_PAYLOAD_TYPE, verify))
    } catch (cause) {
      throw invalid(cause instanceof Error ? cause.message : 'the approval cannot be read', cause)
    }
    const { root } = manifestIn(version.envelope)
    if (approval.subject.length !== 1 || approval.subject[0]?.digest.sha256 !== root) {
      throw invalid(`the approval is not of the version with the root ${root}`)
    }
    if (!approval.predicate.properties.includes('PARLEY_RELEASE_APPROVED'))
      throw invalid('it does not say that it approves')
    const record = { model, number, member, envelope: fromUtf8(envelope), at: new Date(now()).toISOString() }
    await records.saveApproval(record)
    return record
  }

  /** Signs records of aliases anew that expire within half of their life: consumers go on believing them. */
  async renew(): Promise<number> {
    const { records, crypto, now } = this.#deps
    let renewed = 0
    for (const model of await records.models()) {
      const history = await records.aliasHistory(model)
      for (const alias of new Set(history.map((move) => move.alias))) {
        const last = history.findLast((move) => move.alias === alias)
        if (last === undefined || last.envelope === '') continue
        const { record } = recordIn(crypto, last.envelope)
        if (Date.parse(record.expires) - now() > ALIAS_LIFETIME_MS / 2) continue
        const request = {
          model,
          alias,
          reason: 'renewed before it expires',
          actor: 'coordinator',
          expect: last.sequence,
        }
        await this.#move(request, { model, alias, version: last.version }, record.rollout)
        renewed++
      }
    }
    return renewed
  }

  /** Removes what nothing needs any more; no version is published meanwhile. See `collectGarbage`. */
  collectGarbage(request: GarbageRequest, _by?: string): Promise<Garbage> {
    const collected = this.#publishing.then(() => collectGarbage(this.#deps, request))
    this.#publishing = collected.catch(() => {})
    return collected
  }

  /** How many entries the run's journal has, at most `entries`, and SHA-256 over them: what a provenance attests. */
  journal(run: string, entries?: number): Promise<{ readonly entries: number; readonly digest: string }> {
    return journalDigest(this.#deps.crypto, this.#deps.journal, run, entries)
  }

  /** Calls `listener` with what happens from now on; what it returns ends that. */
  follow(listener: (event: RegistryEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async #move(
    { reason, actor, expect }: MoveRequest,
    target: { readonly model: string; readonly alias: string; readonly version: number },
    rollout: Rollout | undefined,
  ): Promise<AliasMove> {
    const move = await this.#deps.records.moveAlias(target, (version, last) => {
      if (expect !== undefined && (last?.sequence ?? 0) !== expect) {
        throw new ParleyError(
          'alias.conflict',
          `the newest move of ${target.alias} is ${last?.sequence ?? 0}, not ${expect}`,
        )
      }
      return moveRecord(this.#deps, { version, alias: target.alias, last, reason, actor, rollout })
    })
    this.#tell({ type: 'alias', model: target.model, move })
    return move
  }

  async #checkApproved(model: string, number: number): Promise<void> {
    const { records, approvalsNeeded } = this.#deps
    if (approvalsNeeded === 0) return
    const members = (await records.approvals(model, number)).map(({ member }) => member)
    if (members.length >= approvalsNeeded) return
    throw new ParleyError(
      'approval.missing',
      `${members.length} of ${approvalsNeeded} members approved version ${number} of ${model}`,
    )
  }

  /** The challenger is a version that may be in use, under its own root. */
  async #checkRollout(model: string, { number, root }: Rollout): Promise<void> {
    await this.#checkApproved(model, number)
    const version = await this.#version(model, number)
    const states = await this.#deps.records.versionStates(model)
    if (states.findLast((one) => one.number === number)?.state === 'withdrawn')
      throw new ParleyError('version.withdrawn')
    if (manifestIn(version.envelope).root !== root) {
      throw new ParleyError('request.invalid', `version ${number} of ${model} does not have the root ${root}`)
    }
  }

  async #checkUnused(model: string, number: number): Promise<void> {
    const history = await this.#deps.records.aliasHistory(model)
    for (const alias of new Set(history.map((move) => move.alias))) {
      const last = history.findLast((move) => move.alias === alias)
      const rollout =
        last === undefined || last.envelope === ''
          ? undefined
          : recordIn(this.#deps.crypto, last.envelope).record.rollout
      if (last?.version === number || rollout?.number === number) {
        throw new ParleyError('run.conflict', `${alias} points at version ${number}: move it first`)
      }
    }
  }

  async #version(model: string, number: number): Promise<VersionRecord> {
    const version = await this.#deps.records.version(model, number)
    if (version === undefined) throw new ParleyError('object.not-found', `there is no version ${number} of ${model}`)
    return version
  }

  #tell(event: RegistryEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}

import { type Act, act } from '../../core/audit/act.ts'
import { actorOfId, HOST } from '../../core/audit/actor.ts'
import type { AuditEntry, AuditSink } from '../../core/audit/sink.ts'
import { factKey, type RecordedFacts } from '../audit/recorded-facts.ts'
import type { AliasMove, ApprovalRecord, TagChange, VersionRecord, VersionState } from '../store/ports.ts'
import type { Garbage, GarbageRequest } from './collect-garbage.ts'
import type { Candidate } from './manifest.ts'
import { type MoveRequest, Registry, type RegistryDeps } from './registry.ts'
import { ROLLOUT_ACTOR } from './rollouts.ts'

const coordinator = { kind: 'system', id: 'coordinator' } as const

/** A registry in which nothing happens without its record: what people ask for is recorded before it is done, and after. */
export class AuditedRegistry extends Registry {
  readonly #audit: AuditSink
  readonly #records: RegistryDeps['records']
  /** Publications and moves that are not done, or not on record yet. */
  readonly #begun = new Set<Promise<unknown>>()

  constructor(deps: RegistryDeps, audit: AuditSink) {
    super(deps)
    this.#audit = audit
    this.#records = deps.records
  }

  /** Records what the store has and the log lacks, because a crash came between them. */
  async recordLate(facts: RecordedFacts): Promise<void> {
    const late = { late: true }
    for (const model of await this.#records.models()) {
      for (const version of await this.#records.versions(model)) {
        const entry = recordOfVersion(version, late)
        if (!facts.has(factKey(entry.action, entry.object.id))) await this.#audit.append(entry)
      }
      for (const move of await this.#records.aliasHistory(model)) {
        const { actor } = move
        const by = systemActors.has(actor) ? ({ kind: 'system', id: actor } as const) : actorOfId(actor)
        const entry = recordOfMove(move, by, late)
        if (!facts.has(factKey(entry.action, `${entry.object.id} ${move.sequence}`))) await this.#audit.append(entry)
      }
    }
  }

  override async quiet(): Promise<void> {
    await Promise.allSettled(this.#begun)
  }

  /** A publication that cannot be recorded fails with `audit.unavailable`, and may be there: it is done again after a restart. */
  override publish(candidate: Candidate, alias: string): Promise<VersionRecord> {
    return this.#beginning(() => this.#publish(candidate, alias))
  }

  async #publish(candidate: Candidate, alias: string): Promise<VersionRecord> {
    await this.#audit.settled()
    const moves = this.#following(({ alias: moved }) => moved === alias)
    const version = await super.publish(candidate, alias).finally(moves.leave)
    await this.#audit.append(recordOfVersion(version, { passed: candidate.gates.length }))
    for (const move of moves.seen) await this.#audit.append(recordOfMove(move, coordinator))
    await this.#audit.checkpoint()
    return version
  }

  override promote(request: Parameters<Registry['promote']>[0]): Promise<AliasMove> {
    const { number: version, rollout } = request
    const split = { challenger: rollout?.number, share: rollout?.share }
    return this.#moved(request, { version, ...split }, () => super.promote(request))
  }

  override rollback(request: Parameters<Registry['rollback']>[0]): Promise<AliasMove> {
    return this.#moved(request, { version: request.to, back: true }, () => super.rollback(request))
  }

  override setState(state: Omit<VersionState, 'at'>): Promise<VersionState> {
    const { model, number, reason, actor } = state
    const what = { action: stateActions[state.state], actor: actorOfId(actor) } as const
    const object = { kind: 'version', id: `${model}/${number}` }
    const details = { reason }
    return act(
      this.#audit,
      { ...what, object, details },
      () => super.setState(state),
      () => ({ object, details }),
    )
  }

  override tag(asked: Parameters<Registry['tag']>[0]): Promise<TagChange | undefined> {
    const { model, number, actor, key, value } = asked
    const object = { kind: 'version', id: `${model}/${number}` }
    const details = { key, value: value ?? undefined, removed: value === null }
    return act(
      this.#audit,
      { action: 'model.tag', actor: actorOfId(actor), object, details },
      () => super.tag(asked),
      (change) => ({ object, details: { ...details, changed: change !== undefined } }),
    )
  }

  override approve(model: string, number: number, envelope: Uint8Array, by = HOST): Promise<ApprovalRecord> {
    const object = { kind: 'version', id: `${model}/${number}` }
    return act(
      this.#audit,
      { action: 'model.approve', actor: actorOfId(by), object },
      () => super.approve(model, number, envelope),
      ({ member }) => ({ object, details: { member } }),
    )
  }

  override renew(): Promise<number> {
    return this.#beginning(() => this.#renew())
  }

  async #renew(): Promise<number> {
    await this.#audit.settled()
    const moves = this.#following(({ actor, reason }) => actor === coordinator.id && reason.startsWith('renewed'))
    const renewed = await super.renew().finally(moves.leave)
    for (const move of moves.seen) await this.#audit.append(recordOfMove(move, coordinator))
    return renewed
  }

  override collectGarbage(request: GarbageRequest, by = HOST): Promise<Garbage> {
    const object = { kind: 'store', id: 'blobs' }
    return act(
      this.#audit,
      { action: 'garbage.collect', actor: actorOfId(by), object, details: { ...request } },
      () => super.collectGarbage(request),
      ({ blobs, bytes, kept, removed }) => ({ object, details: { blobs, bytes, kept, removed } }),
    )
  }

  #moved(request: MoveRequest, details: AuditEntry['details'], work: () => Promise<AliasMove>): Promise<AliasMove> {
    const { model, alias, reason, actor, expect } = request
    // The coordinator itself, by the rule that the plan fixed.
    const by = actor === ROLLOUT_ACTOR ? ({ kind: 'system', id: actor } as const) : actorOfId(actor)
    const object = { kind: 'alias', id: `${model}@${alias}` }
    const asked: Act = {
      action: 'alias.move',
      actor: by,
      object,
      details: { ...details, reason, expect },
    }
    return this.#beginning(() =>
      act(this.#audit, asked, work, ({ sequence, version }) => ({
        object,
        details: { ...details, version, sequence, reason },
      })),
    )
  }

  async #beginning<Result>(work: () => Promise<Result>): Promise<Result> {
    const begun = work()
    this.#begun.add(begun)
    try {
      return await begun
    } finally {
      this.#begun.delete(begun)
    }
  }

  #following(wanted: (move: AliasMove) => boolean): {
    readonly seen: readonly AliasMove[]
    readonly leave: () => void
  } {
    const seen: AliasMove[] = []
    const leave = this.follow((event) => {
      if (event.type === 'alias' && wanted(event.move)) seen.push(event.move)
    })
    return { seen, leave }
  }
}

const stateActions = {
  'in-use': 'model.restore',
  deprecated: 'model.deprecate',
  withdrawn: 'model.withdraw',
} as const satisfies Record<VersionState['state'], AuditEntry['action']>

/** Who moves aliases without having been asked. */
const systemActors: ReadonlySet<string> = new Set([coordinator.id, ROLLOUT_ACTOR])

function recordOfVersion(
  { model, number, run, round, weights }: VersionRecord,
  marks: NonNullable<AuditEntry['details']>,
): AuditEntry {
  const object = { kind: 'version', id: `${model}/${number}` }
  return { action: 'model.publish', actor: coordinator, object, details: { run, round, weights, ...marks } }
}

function recordOfMove(
  { model, alias, version, sequence, reason }: AliasMove,
  actor: AuditEntry['actor'],
  marks: NonNullable<AuditEntry['details']> = {},
): AuditEntry {
  const object = { kind: 'alias', id: `${model}@${alias}` }
  return { action: 'alias.move', actor, object, details: { version, sequence, reason, ...marks } }
}

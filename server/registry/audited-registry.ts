import { type Act, act } from '../../core/audit/act.ts'
import { actorOfId, HOST } from '../../core/audit/actor.ts'
import type { AuditEntry, AuditSink } from '../../core/audit/sink.ts'
import type { AliasMove, ApprovalRecord, TagChange, VersionRecord, VersionState } from '../store/ports.ts'
import type { Garbage, GarbageRequest } from './collect-garbage.ts'
import type { Candidate } from './manifest.ts'
import { type MoveRequest, Registry, type RegistryDeps } from './registry.ts'
import { ROLLOUT_ACTOR } from './rollouts.ts'

const coordinator = { kind: 'system', id: 'coordinator' } as const

/** A registry in which nothing happens without its record: what people ask for is recorded before it is done, and after. */
export class AuditedRegistry extends Registry {
  readonly #audit: AuditSink

  constructor(deps: RegistryDeps, audit: AuditSink) {
    super(deps)
    this.#audit = audit
  }

  /** A publication that cannot be recorded fails with `audit.unavailable`, and may be there: it is done again after a restart. */
  override async publish(candidate: Candidate, alias: string): Promise<VersionRecord> {
    await this.#audit.settled()
    const moves = this.#following(({ alias: moved }) => moved === alias)
    const version = await super.publish(candidate, alias).finally(moves.leave)
    const { model, run, round, weights } = candidate
    const object = { kind: 'version', id: `${model}/${version.number}` }
    const details = { run, round, weights: weights.digest, passed: candidate.gates.length }
    await this.#audit.append({ action: 'model.publish', actor: coordinator, object, details })
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

  override async renew(): Promise<number> {
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
    return act(this.#audit, asked, work, ({ sequence, version }) => ({
      object,
      details: { ...details, version, sequence, reason },
    }))
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

function recordOfMove({ model, alias, version, sequence, reason }: AliasMove, actor: AuditEntry['actor']): AuditEntry {
  const object = { kind: 'alias', id: `${model}@${alias}` }
  return { action: 'alias.move', actor, object, details: { version, sequence, reason } }
}

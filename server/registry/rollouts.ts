import type { Clock } from '../../core/clock.ts'
import type { Crypto } from '../../core/crypto/primitives.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { decideRollout } from '../../core/rollout/decide.ts'
import type { Logger } from '../observe/logger.ts'
import type { BlobStore, Records } from '../store/ports.ts'
import { checkReport, type SignedOutcomes, tallyOf, verifyReport } from './outcome-reports.ts'
import { Pace } from './pace.ts'
import type { Registry } from './registry.ts'
import { type ActiveRollout, activeRollout, planOfVersion, type RolloutState } from './rollout-view.ts'
import type { Tally } from './tally.ts'
import { Watch } from './watch.ts'

export type RolloutsDeps = {
  readonly crypto: Pick<Crypto, 'sha256' | 'verify'>
  readonly clock: Clock
  readonly records: Records
  readonly blobs: Pick<BlobStore, 'read'>
  readonly registry: Pick<Registry, 'promote' | 'rollback' | 'follow'>
  /** Who may report, by id: Ed25519 public keys. */
  readonly consumers: (id: string) => Uint8Array | undefined
  readonly reportsPerMinute: number
  readonly logger: Pick<Logger, 'info' | 'error'>
  /** Told of what was done; by default nobody is. */
  readonly decided?: (done: RolloutDone) => void
}

/** What was done with a version that was rolled out, and who did it: a person, or `ROLLOUT_ACTOR`. */
export type RolloutDone = {
  readonly model: string
  readonly alias: string
  readonly challenger: number
  readonly decision: 'step-up' | 'promote' | 'rollback'
  readonly actor: string
}

export type TakenReport = { readonly sequence: number; readonly repeated: boolean }

/** Who moves aliases by the plan alone. */
export const ROLLOUT_ACTOR = 'rollout'

/**
 * Versions that are compared in use: takes the reports of consumers, says what the plan makes of them, and does what it lets the
 * coordinator do. What it knows follows from signed alias records and stored reports, so that a restart goes on.
 */
export class Rollouts {
  readonly #deps: RolloutsDeps
  readonly #pace: Pace
  readonly #watch: Watch
  readonly #tallies = new Map<string, { readonly rollout: string; readonly tally: Tally }>()
  readonly #plans = new Map<string, Plan>()
  /** One after the other: what a report is checked against is what is there when it is stored. */
  #last: Promise<unknown> = Promise.resolve()
  #leave = () => {}

  constructor(deps: RolloutsDeps) {
    this.#deps = deps
    this.#pace = new Pace(deps.reportsPerMinute)
    this.#watch = new Watch(deps.clock, (model, alias) => this.#goOn(model, alias))
  }

  /** Looks at all rollouts once, and from then on whenever something may have changed. */
  async start(): Promise<void> {
    this.#leave = this.#deps.registry.follow((event) => {
      if (event.type === 'alias') this.#watch.look(event.model, event.move.alias)
    })
    for (const model of await this.#deps.records.models()) {
      const aliases = new Set((await this.#deps.records.aliasHistory(model)).map(({ alias }) => alias))
      for (const alias of aliases) this.#watch.look(model, alias)
    }
  }

  /** Ends the timers, and resolves when nothing is being done any more. */
  async stop(): Promise<void> {
    this.#leave()
    await this.#watch.stop()
  }

  /** Resolves when nothing is being looked at. */
  settled(): Promise<void> {
    return this.#watch.settled()
  }

  /** Takes a consumer's signed report. Throws the codes `outcomes.…` of the catalogue. */
  async report(model: string, body: Uint8Array): Promise<TakenReport> {
    const signed = await verifyReport(this.#deps.crypto, body, this.#deps.consumers)
    const { report } = signed
    // Only after the signature: nobody can use up somebody else's.
    if (!this.#pace.take(report.consumer, this.#deps.clock.monotonic())) throw new ParleyError('outcomes.too-often')
    if (report.model !== model) throw new ParleyError('outcomes.invalid', `it is of ${report.model}, not of ${model}`)
    const taken = this.#last.then(() => this.#take(signed))
    this.#last = taken.catch(() => {})
    return taken
  }

  /** How the rollout of an alias stands. Throws `outcomes.no-rollout`. */
  async state(model: string, alias: string): Promise<RolloutState> {
    return this.#stateOf(await this.#active(model, alias))
  }

  /**
   * Does by hand what `state` says. Throws `run.conflict` where that is nothing, `alias.conflict` where the alias was moved
   * since `expect`.
   */
  async apply(
    model: string,
    alias: string,
    { actor, expect }: { readonly actor: string; readonly expect?: number | undefined },
  ): Promise<RolloutState> {
    const active = await this.#active(model, alias)
    const state = await this.#stateOf(active)
    const { decision } = state
    if (decision === null)
      throw new ParleyError('run.conflict', 'the plan of the challenger has no rule: move the alias')
    if (decision.decision === 'keep')
      throw new ParleyError('run.conflict', `nothing to do: ${decision.reasons[0] ?? ''}`)
    await this.#perform(active, state, { actor, expect: expect ?? active.sequence })
    return state
  }

  async #take(signed: SignedOutcomes): Promise<TakenReport> {
    const { crypto, clock, records } = this.#deps
    const { report, sha256, envelope } = signed
    const { model, consumer, rollout, sequence } = report
    const active = await this.#ofRollout(model, rollout)
    const tally = await this.#tally(active)
    const now = clock.now()
    if (!checkReport(crypto, active, tally, signed, now)) return { sequence, repeated: true }
    const at = new Date(now).toISOString()
    await records.saveOutcomes({ model, rollout, consumer, sequence, sha256, envelope, at })
    tally.add(report, sha256, now)
    this.#watch.look(model, active.alias)
    return { sequence, repeated: false }
  }

  async #active(model: string, alias: string): Promise<ActiveRollout> {
    const active = await activeRollout(this.#deps, model, alias)
    if (active === undefined) throw new ParleyError('outcomes.no-rollout', `${alias} of ${model} is in no rollout`)
    return active
  }

  /** The alias that is in the rollout of this id. */
  async #ofRollout(model: string, id: string): Promise<ActiveRollout> {
    const aliases = new Set((await this.#deps.records.aliasHistory(model)).map(({ alias }) => alias))
    for (const alias of aliases) {
      const active = await activeRollout(this.#deps, model, alias)
      if (active?.rollout.id === id) return active
    }
    throw new ParleyError('outcomes.no-rollout')
  }

  /** Kept between reports; made anew when a step begins, since it counts what came since. */
  async #tally(active: ActiveRollout): Promise<Tally> {
    const key = `${active.model}\n${active.alias}`
    const { id } = active.rollout
    const known = this.#tallies.get(key)
    if (known?.rollout === id && known.tally.since === active.since) return known.tally
    const tally = await tallyOf(this.#deps.records, active)
    this.#tallies.set(key, { rollout: id, tally })
    return tally
  }

  async #plan(model: string, number: number): Promise<Plan> {
    const key = `${model}/${number}`
    const plan = this.#plans.get(key) ?? (await planOfVersion(this.#deps, model, number))
    this.#plans.set(key, plan)
    return plan
  }

  async #stateOf(active: ActiveRollout): Promise<RolloutState> {
    const { model, alias, sequence, record, rollout, startedAt, since } = active
    const tally = await this.#tally(active)
    const { publish } = await this.#plan(model, rollout.number)
    // An alias that somebody split by hand is another experiment than the one that the plan fixed.
    const plan = publish.alias === alias ? publish.rollout : undefined
    const side = (number: number) => ({
      consumers: tally.consumersOf(number),
      requestsInStep: tally.requestsInStep(number),
    })
    const decision =
      plan === undefined
        ? null
        : decideRollout({
            plan,
            share: rollout.share,
            elapsedMs: this.#deps.clock.now() - since,
            champion: side(record.number),
            challenger: side(rollout.number),
          })
    return {
      model,
      alias,
      sequence,
      rollout: rollout.id,
      champion: record.number,
      challenger: rollout.number,
      share: rollout.share,
      startedAt: new Date(startedAt).toISOString(),
      since: new Date(since).toISOString(),
      reports: tally.reports,
      plan: plan ?? null,
      decision,
    }
  }

  /** Does what the plan lets be done without a person. Returns in how many milliseconds to look again, if nothing comes before. */
  async #goOn(model: string, alias: string): Promise<number | undefined> {
    const { logger } = this.#deps
    try {
      const active = await activeRollout(this.#deps, model, alias)
      if (active === undefined) return undefined
      const state = await this.#stateOf(active)
      const { plan, decision } = state
      const allowed = decision?.decision === 'rollback' ? plan?.automatic !== false : plan?.automatic === 'both'
      if (decision === null || decision.decision === 'keep' || !allowed) return decision?.waitMs
      await this.#perform(active, state, { actor: ROLLOUT_ACTOR, expect: active.sequence })
      return undefined
    } catch (err) {
      logger.error({ err, model, alias }, 'a rollout could not go on')
      return undefined
    }
  }

  async #perform(
    { model, alias, rollout }: ActiveRollout,
    { champion, challenger, decision }: RolloutState,
    { actor, expect }: { readonly actor: string; readonly expect: number },
  ): Promise<void> {
    if (decision === null) return
    const { registry, logger } = this.#deps
    const why = decision.reasons.join('; ')
    const move = (what: string) => ({ model, alias, actor, expect, reason: `${what}: ${why}`.slice(0, 2_000) })
    switch (decision.decision) {
      case 'keep':
        return
      case 'rollback':
        await registry.rollback({ ...move(`version ${challenger} is taken back`), to: champion })
        break
      case 'promote':
        await registry.promote({ ...move(`version ${challenger} goes to all consumers`), number: challenger })
        break
      case 'step-up': {
        const share = decision.share ?? rollout.share
        const what = `version ${challenger} goes to ${share / 100} % of the consumers`
        await registry.promote({ ...move(what), number: champion, rollout: { ...rollout, share } })
      }
    }
    logger.info({ model, alias, actor, decision: decision.decision, challenger }, 'a rollout went on')
    this.#deps.decided?.({ model, alias, challenger, decision: decision.decision, actor })
  }
}

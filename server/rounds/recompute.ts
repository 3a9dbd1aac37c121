import { z } from 'zod'
import type { Hasher } from '../../core/crypto/primitives.ts'
import { float32View, toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { aggregationSchema } from '../../core/plan/aggregation.ts'
import type { Plan } from '../../core/plan/plan.ts'
import type { Recomputation } from '../../core/run/recomputation.ts'
import type { ModelRef } from '../../core/run/round-configuration.ts'
import { noMemory } from '../aggregation/memory.ts'
import type { BlobStore, BlobWriter } from '../store/ports.ts'
import type { ActiveRun } from './active-run.ts'
import { type AggregationDeps, aggregateUpdates, type RoundInputs } from './aggregate-updates.ts'
import { checkRootData } from './root-update.ts'
import type { MadeRound, RunState } from './state.ts'

const { before, rule, server } = aggregationSchema.shape

/** What is to be done in another way; nothing asks for the same again, and shows that the same comes out. */
export const recomputeSchema = z.strictObject({
  without: z.array(z.string().min(1).max(100)).max(100_000).default([]),
  // What is not given stays as the plan has it: no defaults here.
  before: before.unwrap().optional(),
  rule: rule.unwrap().optional(),
  server: server.unwrap().optional(),
})
export type RecomputeRequest = z.input<typeof recomputeSchema>

export type RecomputeDeps = AggregationDeps & { readonly store: { readonly blobs: Pick<BlobStore, 'size'> } }

/**
 * Computes a round again from its stored updates, without some clients or by another rule, and compares. Nothing is
 * stored or published. Fails with `request.invalid` where the round has no such client or made no model, with
 * `object.not-found` where its updates are no longer kept, with `plan.infeasible` where the rule cannot do with so few.
 */
export async function recompute(
  deps: RecomputeDeps,
  active: ActiveRun,
  round: number,
  request: RecomputeRequest,
): Promise<Recomputation> {
  const { run, plan } = active
  const { without, ...changes } = parse(request)
  const record = madeRound(run.state, round)
  const inputs = withoutForeignState(plan, changes, inputsOf(run.state, record, without))
  for (const { digest, of, store } of neededBy(deps, inputs)) {
    if ((await store.size(digest)) !== undefined) continue
    throw new ParleyError('object.not-found', `${of} in round ${round} is no longer kept`)
  }
  const changed = changedPlan(plan, changes)
  if (record.root === undefined) checkRootData(changed, undefined, deps.rules)
  const comparison = new Comparison(deps, record.model, inputs)
  const { blobs, spool } = deps.store
  const store = { spool, blobs: { read: blobs.read.bind(blobs), create: () => comparison.writer() } }
  const made = await aggregateUpdates({ ...deps, store }, changed, inputs)
  if (made.report === undefined) throw new ParleyError('internal', 'aggregation gave no report')
  return {
    run: run.id,
    round,
    without,
    recorded: record.model.digest,
    recomputed: made.model.digest,
    identical: made.model.digest === record.model.digest,
    difference: comparison.result(),
    ...(record.report === undefined ? {} : { recordedReport: record.report }),
    ...(record.latency === undefined ? {} : { recordedLatency: record.latency }),
    recomputedReport: made.report,
  }
}

/** What must still be there: the updates, or the sums where updates were masked. */
function neededBy({ store }: RecomputeDeps, { accepted, sums }: RoundInputs) {
  if (sums === undefined) {
    return accepted.map(({ client, header }) => ({
      digest: header.sha256,
      of: `the update of ${client}`,
      store: store.spool,
    }))
  }
  return sums.map(({ name, vector }) => ({ digest: vector.digest, of: name, store: store.blobs }))
}

function parse(request: RecomputeRequest) {
  const parsed = recomputeSchema.safeParse(request)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new ParleyError('request.invalid', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
}

/** Another server optimizer begins anew: what the run's own has gathered means nothing to it. */
function withoutForeignState(
  plan: Plan,
  { server: changed }: { readonly server?: unknown },
  inputs: RoundInputs,
): RoundInputs {
  const [own] = Object.keys(plan.aggregation.server)
  if (changed === undefined || (typeof changed === 'object' && changed !== null && String(own) in changed))
    return inputs
  return { ...inputs, memory: { ...inputs.memory, optimizer: [] } }
}

function changedPlan(plan: Plan, changes: object): Plan {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined)
  return { ...plan, aggregation: { ...plan.aggregation, ...Object.fromEntries(given) } }
}

function madeRound({ history }: RunState, round: number): MadeRound {
  const record = history.find((one) => one.round === round)
  if (record === undefined) throw new ParleyError('request.invalid', `round ${round} is not over`)
  const { model } = record
  if (model === undefined) throw new ParleyError('request.invalid', `round ${round} failed and made no model`)
  return { ...record, model }
}

function inputsOf(state: RunState, record: MadeRound, without: readonly string[]): RoundInputs {
  const stranger = without.find((client) => !record.accepted.some((update) => update.client === client))
  if (stranger !== undefined) {
    throw new ParleyError('request.invalid', `round ${record.round} has no update of a client ${stranger}`)
  }
  if (record.unmasked !== undefined && without.length > 0) {
    throw new ParleyError('request.invalid', 'updates were masked: no client can be left out of a sum')
  }
  const accepted = record.accepted.filter(({ client }) => !without.includes(client))
  if (accepted.length === 0) throw new ParleyError('request.invalid', 'no update would be left')
  const earlier = state.history.filter(({ round, model }) => round < record.round && model !== undefined).at(-1)
  const { run, settings, base } = state
  const clip = earlier?.memory?.clip ?? settings.clip
  return {
    run,
    round: record.round,
    settings,
    model: earlier?.model ?? base,
    accepted,
    memory: earlier?.memory ?? noMemory,
    ...(record.root === undefined ? {} : { root: record.root }),
    ...(record.unmasked === undefined ? {} : { sums: record.unmasked.sums }),
    ...(clip === undefined ? {} : { clip }),
  }
}

/** Takes what aggregation writes, keeps only its digest, and holds the model against the one that the round made. */
class Comparison {
  readonly #deps: AggregationDeps
  readonly #recorded: ModelRef
  readonly #inputs: RoundInputs
  #writers = 0
  #difference = 0
  #moved = 0
  #movedNow = 0
  #product = 0

  constructor(deps: AggregationDeps, recorded: ModelRef, inputs: RoundInputs) {
    this.#deps = deps
    this.#recorded = recorded
    this.#inputs = inputs
  }

  /** The first one takes the model. */
  async writer(): Promise<BlobWriter> {
    const first = this.#writers++ === 0
    return new DigestWriter(this.#deps.crypto.hasher(), async (offset, bytes) => {
      if (first) await this.#compare(offset, bytes)
    })
  }

  result(): Recomputation['difference'] {
    const [moved, movedNow] = [Math.sqrt(this.#moved), Math.sqrt(this.#movedNow)]
    return {
      norm: Math.sqrt(this.#difference),
      relative: moved === 0 ? null : Math.sqrt(this.#difference) / moved,
      cosine: moved === 0 || movedNow === 0 ? null : Math.max(-1, Math.min(1, this.#product / (moved * movedNow))),
    }
  }

  async #compare(offset: number, bytes: Uint8Array): Promise<void> {
    const { model, settings } = this.#inputs
    const header = model.bytes - 4 * settings.parameters
    if (offset < header) return
    const now = float32View(bytes)
    const { blobs } = this.#deps.store
    const [then, base] = await Promise.all(
      [this.#recorded, model].map(async ({ digest }) => float32View(await blobs.read(digest, offset, bytes.length))),
    )
    for (let j = 0; j < now.length; j++) {
      const start = base?.[j] as number
      const [a, b] = [(then?.[j] as number) - start, (now[j] as number) - start]
      this.#difference += (a - b) ** 2
      this.#moved += a * a
      this.#movedNow += b * b
      this.#product += a * b
    }
  }
}

/** A writer that stores nothing. */
class DigestWriter implements BlobWriter {
  readonly #hash: Hasher
  readonly #take: (offset: number, bytes: Uint8Array) => Promise<void>
  #written = 0

  constructor(hash: Hasher, take: (offset: number, bytes: Uint8Array) => Promise<void>) {
    this.#hash = hash
    this.#take = take
  }

  get written(): number {
    return this.#written
  }

  async write(bytes: Uint8Array): Promise<void> {
    const offset = this.#written
    this.#written += bytes.length
    this.#hash.update(bytes)
    await this.#take(offset, bytes)
  }

  async commit(): Promise<string> {
    return toHex(this.#hash.digest())
  }

  async release(): Promise<void> {}
}

import { toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { comparesOnHoldout, isOnHoldout } from '../../core/plan/check-holdout.ts'
import type { Gate } from '../../core/plan/gates.ts'
import { roundPrivacyOf } from '../../core/plan/round-privacy.ts'
import type { ModelRef } from '../../core/run/round-configuration.ts'
import { noMemory, vectorsOf } from '../aggregation/memory.ts'
import type { Store } from '../store/ports.ts'
import type { ActiveRun } from './active-run.ts'
import { type AggregationDeps, aggregateUpdates, type RoundInputs } from './aggregate-updates.ts'
import { type HoldoutDeps, holdoutOf } from './holdout.ts'
import { latencyOf } from './latency.ts'
import { openCounts } from './masked/open-counts.ts'
import { openSums } from './masked/open-sums.ts'
import type { Matrices } from './matrices.ts'
import { type RootUpdate, rootUpdateOf } from './root-update.ts'
import type { Champion, RoundRecord, RunState } from './state.ts'
import { clipOf } from './step.ts'

export type AggregationWorkDeps = AggregationDeps & {
  readonly store: Pick<Store, 'blobs' | 'spool' | 'records'>
  readonly matrices: Matrices
  readonly rootUpdate: RootUpdate | undefined
  readonly holdouts: HoldoutDeps
  /** Rounds whose updates stay in the spool, counted back from the newest. */
  readonly keepRounds: number
  readonly now: () => number
}

/** What of a round takes long, for the hub. `maxRows`: held-out rows that one client may report. */
export function roundWork(deps: AggregationWorkDeps, maxRows: number) {
  return {
    aggregate: (active: ActiveRun) => aggregateRound(deps, active),
    openCounts: (active: ActiveRun) => openCounts({ ...deps, maxRows }, active),
  }
}

/** Makes the open round's model from its accepted updates, and tells the run. Rejects only when that cannot be told. */
export async function aggregateRound(deps: AggregationWorkDeps, active: ActiveRun): Promise<void> {
  const { run, plan } = active
  const { state } = run
  if (state.phase !== 'aggregating') return
  const { round } = state
  try {
    const root = await rootUpdateOf(deps, plan, state)
    const clip = clipOf(state)
    const privacy = clip === undefined ? undefined : roundPrivacyOf(plan, state.settings.parameters, clip)
    const unmasked =
      state.masking === undefined
        ? undefined
        : await openSums(deps, state, { maxNorm: plan.aggregation.screens.maxNorm, privacy })
    const inputs: RoundInputs = {
      ...inputsOf(state),
      ...(root === undefined ? {} : { root }),
      ...(unmasked === undefined ? {} : { sums: unmasked.sums }),
      ...(clip === undefined ? {} : { clip }),
    }
    const made = await aggregateUpdates(
      deps,
      plan,
      inputs,
      unmasked === undefined ? deps.matrices.of(active) : undefined,
    )
    const inUse = await championOf(deps, state)
    const holdout = await holdoutOf(deps.holdouts, plan, state, made, inUse)
    const latency = await latencyOf(deps.holdouts, plan, state, made)
    const champion = state.settings.gates.some(comparesOnClients) ? inUse : undefined
    await run.tell({
      type: 'aggregated',
      at: deps.now(),
      round,
      ...made,
      ...(root === undefined ? {} : { root }),
      ...(unmasked === undefined ? {} : { unmasked }),
      ...(champion === undefined ? {} : { champion }),
      ...(holdout === undefined ? {} : { holdout }),
      ...(latency === undefined ? {} : { latency }),
      ...(state.settings.evaluation.counts === undefined ? {} : { entropy: toHex(deps.crypto.randomBytes(32)) }),
    })
    await dropOld(deps, state)
  } catch (failure) {
    const error = ParleyError.from(failure)
    if (error.code === 'run.conflict' || error.code === 'store.full') throw error
    const known = error.code === 'masking.failed'
    const code = known ? error.code : 'round.aggregation-failed'
    const message = known ? error.message : `${error.code}: ${error.message}`
    await run.tell({ type: 'aggregation-failed', at: deps.now(), round, code, message })
  } finally {
    deps.matrices.end(run.id)
  }
}

function inputsOf(state: Extract<RunState, { phase: 'aggregating' }>): RoundInputs {
  const { run, round, settings, model, accepted, history } = state
  const memory = history.findLast((record) => record.model !== undefined)?.memory ?? noMemory
  return { run, round, settings, model, accepted, memory }
}

/** Whether clients evaluate the version in use beside the candidate. */
function comparesOnClients(gate: Gate): boolean {
  return 'maxDrop' in gate && gate.maxDrop !== undefined && !isOnHoldout(gate)
}

/** The version that the candidate has to be compared with: only where a gate asks for it, and only of the same layout. */
async function championOf(deps: AggregationWorkDeps, state: RunState): Promise<Champion | undefined> {
  const { model, alias, gates } = state.settings
  if (!gates.some((gate) => comparesOnClients(gate) || comparesOnHoldout(gate))) return undefined
  const holder = await deps.store.records.alias(model, alias)
  if (holder === undefined) return undefined
  const version = await deps.store.records.version(model, holder.version)
  if (version === undefined) return undefined
  const bytes = await deps.store.blobs.size(version.weights)
  if (bytes === undefined)
    throw new ParleyError('store.corrupt', `the weights of version ${holder.version} are missing`)
  return { version: holder.version, model: { digest: version.weights, bytes } }
}

// After a restart the old rounds are gone through once more.
const dropped = new WeakSet<RoundRecord>()

/**
 * Drops the updates of rounds that are no longer kept. The oldest round that is kept can still be computed again: so what
 * the one before it left behind goes a round later.
 */
async function dropOld({ store, keepRounds }: AggregationWorkDeps, state: RunState): Promise<void> {
  const oldest = state.round - keepRounds + 1
  const gone = state.history.filter((record) => record.round < oldest - 1 && !dropped.has(record))
  const last = state.history.filter(({ round }) => round === oldest - 1)
  const needed = state.history.filter(({ round }) => round >= oldest - 1)
  const used = new Set(needed.flatMap((record) => vectorsIn(record)))
  for (const { accepted } of [...gone, ...last]) {
    for (const { header } of accepted) await store.spool.remove(header.sha256)
  }
  for (const record of gone) {
    for (const digest of vectorsIn(record)) {
      if (!used.has(digest)) await store.blobs.remove(digest)
    }
    dropped.add(record)
  }
}

/** The digests of all vectors that a round left: for the next one, and to be computed again. */
function vectorsIn({ memory, root, unmasked }: RoundRecord): string[] {
  return [...vectorsOf(memory), ...rootsOf(root), ...(unmasked?.sums ?? []).map(({ vector }) => vector.digest)]
}

function rootsOf(root: ModelRef | undefined): string[] {
  return root === undefined ? [] : [root.digest]
}

import type { Crypto } from '../../core/crypto/primitives.ts'
import { SEALED_SEGMENT_BYTES } from '../../core/crypto/seal.ts'
import { float32View } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { aggregate } from '../aggregation/aggregate.ts'
import type { UpdateRow } from '../aggregation/rule.ts'
import { ruleOf } from '../aggregation/rules.ts'
import { serverOptimizerOf } from '../aggregation/server-optimizer.ts'
import type { Store } from '../store/ports.ts'
import type { ActiveRun } from './active-run.ts'
import { openerOf } from './collect.ts'
import type { RoundKeys } from './round-keys.ts'
import type { Champion, RunState } from './state.ts'
import { readSegment } from './upload.ts'

export type AggregationWorkDeps = {
  readonly crypto: Crypto
  readonly store: Pick<Store, 'blobs' | 'spool' | 'records'>
  readonly roundKeys: RoundKeys
  /** Rounds whose updates stay in the spool, counted back from the newest. */
  readonly keepRounds: number
  readonly now: () => number
}

/** Makes the open round's model from its accepted updates, and tells the run. Rejects only when that cannot be told. */
export async function aggregateRound(deps: AggregationWorkDeps, { run, plan }: ActiveRun): Promise<void> {
  const { state } = run
  if (state.phase !== 'aggregating') return
  const { round } = state
  try {
    const { model } = await aggregate({
      blobs: deps.store.blobs,
      model: state.model,
      parameters: state.settings.parameters,
      rows: rowsOf(deps, state),
      rule: ruleOf(plan.aggregation),
      optimizer: serverOptimizerOf(plan.aggregation),
    })
    const champion = await championOf(deps, state)
    await run.tell({
      type: 'aggregated',
      at: deps.now(),
      round,
      model,
      ...(champion === undefined ? {} : { champion }),
    })
    await dropOldUpdates(deps, state)
  } catch (failure) {
    const error = ParleyError.from(failure)
    if (error.code === 'run.conflict' || error.code === 'store.full') throw error
    const message = `${error.code}: ${error.message}`
    await run.tell({ type: 'aggregation-failed', at: deps.now(), round, code: 'round.aggregation-failed', message })
  }
}

function rowsOf(deps: AggregationWorkDeps, state: Extract<RunState, { phase: 'aggregating' }>): UpdateRow[] {
  const { parameters } = state.settings
  return state.accepted.map(({ client, header }) => {
    const segments = openerOf(deps, client, header, parameters)
    const scratch = new Uint8Array(Math.min(SEALED_SEGMENT_BYTES, header.bytes))
    return {
      client,
      samples: header.samples,
      tile: async (index) =>
        float32View(await readSegment(deps.store.spool, header.sha256, 4 * parameters, segments, index, scratch)),
    }
  })
}

/** The version that the candidate has to be compared with: only where a gate asks for it, and only of the same layout. */
async function championOf(deps: AggregationWorkDeps, state: RunState): Promise<Champion | undefined> {
  const { model, alias, gates } = state.settings
  if (gates.every((gate) => gate.maxDrop === undefined)) return undefined
  const holder = await deps.store.records.alias(model, alias)
  if (holder === undefined) return undefined
  const version = await deps.store.records.version(model, holder.version)
  if (version === undefined) return undefined
  const bytes = await deps.store.blobs.size(version.weights)
  if (bytes === undefined)
    throw new ParleyError('store.corrupt', `the weights of version ${holder.version} are missing`)
  return { version: holder.version, model: { digest: version.weights, bytes } }
}

async function dropOldUpdates({ store, keepRounds }: AggregationWorkDeps, state: RunState): Promise<void> {
  for (const { round, accepted } of state.history) {
    if (round !== state.round - keepRounds) continue
    for (const { header } of accepted) await store.spool.remove(header.sha256)
  }
}

import type { Crypto } from '../../../core/crypto/primitives.ts'
import { fromBase64 } from '../../../core/encoding/bytes.ts'
import { ParleyError } from '../../../core/errors/index.ts'
import type { Plan } from '../../../core/plan/plan.ts'
import { evaluationFromSum } from '../../../core/run/masked-evaluation.ts'
import {
  addVector,
  checksumKey,
  configHashOf,
  decodeSum,
  type MaskArithmetic,
  planUnmasking,
  removeMasks,
} from '../../../core/secagg/index.ts'
import type { ActiveRun } from '../active-run.ts'
import type { ClientResult, Evaluating } from '../state.ts'

export type OpenCountsDeps = {
  readonly crypto: Crypto
  readonly masks: MaskArithmetic
  readonly maxRows: number
  readonly now: () => number
}

/** Opens the sum of the masked counts of a round, and tells the run what it says. Rejects only when that cannot be told. */
export async function openCounts(deps: OpenCountsDeps, { run, plan }: ActiveRun): Promise<void> {
  const { state } = run
  if (state.phase !== 'evaluating' || state.masked?.complete !== true) return
  const { round } = state
  const found = await summed(deps, plan, state)
  const at = deps.now()
  await run.tell(
    'why' in found
      ? { type: 'counts-unopened', at, round, message: found.why }
      : { type: 'counts-opened', at, round, result: found },
  )
}

async function summed(deps: OpenCountsDeps, plan: Plan, state: Evaluating): Promise<ClientResult | { why: string }> {
  const { crypto, masks, maxRows } = deps
  const session = state.masked?.masking.session
  if (session?.phase !== 'unmask') throw new ParleyError('internal', 'the round has no counts to open')
  const unmasking = planUnmasking({ crypto }, session)
  const lies = unmasking.culprits.length === 0 ? '' : `; wrong shares came from ${unmasking.culprits.join(', ')}`
  const [bucket] = unmasking.ok ? unmasking.buckets : []
  if (bucket === undefined) {
    return { why: `the sum of the counts could not be opened: too few shares are left${lies}` }
  }
  const { survivors, masks: left } = bucket
  const { configuration } = session
  const vectors = survivors.map((client) => lanesOf(state, client))
  const sum = new Uint32Array(vectors[0]?.length ?? 0)
  for (const vector of vectors) addVector(sum, vector)
  await removeMasks(masks, left, sum)
  const key = checksumKey(crypto, configHashOf(crypto, configuration))
  const decoded = decodeSum(crypto, configuration, key, sum, survivors.length)
  if (!decoded.ok) return { why: `the sum of the counts is of no honest clients: ${decoded.failure}` }
  const models = state.champion === undefined ? 1 : 2
  const counts = evaluationFromSum(plan, decoded.counts, { models, clients: survivors.length, maxRows })
  if ('why' in counts) return { why: `the sum of the counts is of no honest clients: ${counts.why}` }
  const grouped = Object.keys(plan.evaluation.groups).length > 0
  return {
    client: 'sum',
    clients: survivors,
    counts: counts.counts,
    ...(grouped ? { groups: counts.groups, withheld: counts.withheld, lacking: counts.lacking } : {}),
  }
}

function lanesOf({ masked }: Evaluating, client: string): Uint32Array {
  const vector = masked?.vectors.find((one) => one.client === client)?.vector
  const bytes = vector === undefined ? undefined : fromBase64(vector)
  if (bytes === undefined) throw new ParleyError('internal', `${client} is in a sum and has no counts`)
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
}

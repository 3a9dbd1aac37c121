import { type AliasRecord, resolveAlias } from '../../core/attestation/alias-record.ts'
import type { Rollout } from '../../core/attestation/canary.ts'
import type { Crypto } from '../../core/crypto/primitives.ts'
import { fromUtf8 } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { parsePlan } from '../../core/plan/parse.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { versionFiles } from '../../core/release/manifest.ts'
import type { BlobStore, Records } from '../store/ports.ts'
import { recordIn } from './alias-records.ts'
import { manifestIn } from './published.ts'

export type { RolloutState } from '../../core/rollout/state.ts'

/** An alias that is split between two versions, as its signed records say. */
export type ActiveRollout = {
  readonly model: string
  readonly alias: string
  /** Of the alias's newest move. */
  readonly sequence: number
  readonly record: AliasRecord
  readonly rollout: Rollout
  /** When the rollout and its present step began, in milliseconds since the epoch. */
  readonly startedAt: number
  readonly since: number
}

/** The rollout of an alias now; undefined: it points at one version for all. */
export async function activeRollout(
  { records, crypto }: { readonly records: Records; readonly crypto: Pick<Crypto, 'sha256'> },
  model: string,
  alias: string,
): Promise<ActiveRollout | undefined> {
  const moves = (await records.aliasHistory(model)).filter((move) => move.alias === alias).reverse()
  const [newest] = moves
  if (newest === undefined || newest.envelope === '') return undefined
  const { record } = recordIn(crypto, newest.envelope)
  const { rollout } = record
  if (rollout === undefined) return undefined
  let startedAt = Date.parse(newest.at)
  let since = startedAt
  let same = true
  // Records that were only signed anew begin nothing.
  for (const move of moves.slice(1)) {
    const before = move.envelope === '' ? undefined : recordIn(crypto, move.envelope).record.rollout
    if (before?.id !== rollout.id) break
    startedAt = Date.parse(move.at)
    same &&= before.share === rollout.share
    if (same) since = startedAt
  }
  return { model, alias, sequence: newest.sequence, record, rollout, startedAt, since }
}

/** The number of the version that a consumer gets. */
export function sideOf(crypto: Pick<Crypto, 'sha256'>, { record }: ActiveRollout, consumer: string): number {
  return resolveAlias(crypto, record, consumer).number
}

/** The plan that a version came from. Throws `store.corrupt`. */
export async function planOfVersion(
  { records, blobs }: { readonly records: Records; readonly blobs: Pick<BlobStore, 'read'> },
  model: string,
  number: number,
): Promise<Plan> {
  const version = await records.version(model, number)
  const file =
    version &&
    manifestIn(version.envelope).files.find(({ path }: { readonly path: string }) => path === versionFiles.plan)
  if (file === undefined) throw new ParleyError('store.corrupt', `the plan of version ${number} of ${model} is missing`)
  return parsePlan(fromUtf8(await blobs.read(file.sha256, 0, file.bytes)), { maxBytes: file.bytes })
}

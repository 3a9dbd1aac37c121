import { toHex, utf8 } from '../../core/encoding/bytes.ts'
import { canonicalJson } from '../../core/encoding/canonical-json.ts'
import type { RolloutPlan } from '../../core/plan/rollout.ts'
import type { AliasMove, PrepareMove, VersionRecord } from '../store/ports.ts'
import { type AliasSigning, moveRecord, recordIn } from './alias-records.ts'
import { manifestIn } from './published.ts'

export type PublicationMove = {
  readonly alias: string
  readonly reason: string
  /** How the plan wants versions to come into use. */
  readonly rollout: RolloutPlan | undefined
  /** Published before. */
  readonly versions: readonly VersionRecord[]
}

/**
 * How an alias moves with a publication: to the new version; or, where the plan has a rollout and the alias points at a version, it
 * stays there, and the first step of the consumers get the new one. A rollout that is going on ends undecided by that.
 */
export function publicationMove(
  deps: AliasSigning,
  { alias, reason, rollout, versions }: PublicationMove,
): PrepareMove {
  return (version, last) => {
    const champion = last === undefined ? undefined : versions.find(({ number }) => number === last.version)
    const common = { alias, last, actor: 'coordinator' }
    const share = rollout?.steps[0]
    if (champion === undefined || share === undefined) return moveRecord(deps, { ...common, version, reason })
    const { root } = manifestIn(version.envelope)
    const id = rolloutId(deps, [version.model, alias, root])
    const began = `version ${version.number} ${reason}: it goes to ${share / 100} % of the consumers first`
    const record = moveRecord(deps, {
      ...common,
      version: champion,
      reason: `${began}${replaced(deps, last)}`,
      rollout: { id, number: version.number, root, share, include: [], exclude: [] },
    })
    return { ...record, version: champion.number }
  }
}

function replaced({ crypto }: AliasSigning, last: AliasMove | undefined): string {
  if (last === undefined || last.envelope === '') return ''
  const { rollout } = recordIn(crypto, last.envelope).record
  return rollout === undefined ? '' : `; the rollout of version ${rollout.number} ends undecided`
}

/** Another version has another id, so its consumers are drawn anew; publishing twice gives the same. */
function rolloutId({ crypto }: AliasSigning, of: readonly string[]): string {
  return `roll_${toHex(crypto.sha256(utf8(canonicalJson([...of])))).slice(0, 16)}`
}

import { LISTED_UPDATES, type UpdatesEvidence } from '../../core/attestation/provenance.ts'
import type { Crypto } from '../../core/crypto/primitives.ts'
import { toHex, utf8 } from '../../core/encoding/bytes.ts'
import { canonicalJson } from '../../core/encoding/canonical-json.ts'
import { metricsOf } from '../../core/metrics/compute.ts'
import { sumCounts } from '../../core/metrics/sum.ts'
import { groupMetrics, pooledMetrics } from '../gates/decide.ts'
import type { RunEvidence } from '../registry/manifest.ts'
import type { ActiveRun } from './active-run.ts'
import type { Publishing, RoundRecord } from './state.ts'

/** How the candidate came about, from the run's own state. */
export function evidenceOf(crypto: Pick<Crypto, 'sha256'>, state: Publishing, { plan }: ActiveRun): RunEvidence {
  const { candidate, startedAt } = state
  const history = state.history.filter(({ round }) => round <= candidate.round)
  const counts = sumCounts(candidate.results.flatMap((result) => result.counts[0] ?? []))
  return {
    plan,
    startedAt,
    rounds: history.flatMap((record) =>
      record.model === undefined ? [] : [{ round: record.round, pooled: pooledMetrics(record) }],
    ),
    sites: candidate.results.flatMap(({ client, clients, counts: [own] }) =>
      own === undefined || clients !== undefined ? [] : [{ client, counts: own, metrics: metricsOf(own) }],
    ),
    groups: groupMetrics(candidate).map(({ by, group, metrics }) => ({ by, group, metrics })),
    ...(counts === undefined ? {} : { counts }),
    participants: [...new Set(history.flatMap(({ accepted }) => accepted.map(({ client }) => client)))].sort(),
    updates: updatesOf(crypto, history),
    rejected: history.flatMap(({ round, refused }) => refused.map(({ client, code }) => ({ round, client, code }))),
  }
}

/** What went into the weights: single updates, or where they were masked, the sums that were opened. */
function updatesOf(crypto: Pick<Crypto, 'sha256'>, history: readonly RoundRecord[]): UpdatesEvidence {
  const digestOf = (value: Parameters<typeof canonicalJson>[0]) => toHex(crypto.sha256(utf8(canonicalJson(value))))
  const made = history.filter(({ model }) => model !== undefined)
  if (made.some(({ unmasked }) => unmasked !== undefined)) {
    return {
      kind: 'sums',
      sums: made.flatMap(({ round, unmasked }) =>
        (unmasked?.sums ?? []).map(({ name, vector }) => ({ round, group: name, digest: vector.digest })),
      ),
      roster: digestOf(made.map(({ round, cohort }) => ({ round, cohort }))),
    }
  }
  const updates = made.flatMap(({ round, accepted }) =>
    accepted.map(({ client, header }) => ({ round, client, digest: header.sha256 })),
  )
  if (updates.length <= LISTED_UPDATES) return { kind: 'updates', updates }
  return { kind: 'list', count: updates.length, digest: digestOf(updates) }
}

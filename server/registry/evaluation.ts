import type { Crypto } from '../../core/crypto/primitives.ts'
import { toHex, utf8 } from '../../core/encoding/bytes.ts'
import { canonicalJsonOfDefined } from '../../core/encoding/canonical-json.ts'
import type { Metrics } from '../../core/metrics/metrics.ts'
import type { Candidate } from './manifest.ts'

/**
 * The content of `evaluation.json`: what was measured, where, and what the gates said. Numbers are texts, so that no reader
 * rounds them differently.
 */
export function evaluationOf(crypto: Pick<Crypto, 'sha256'>, candidate: Candidate, testResult: string): object {
  const { weights, gates, metrics, evidence } = candidate
  return {
    v: 1,
    weights: weights.digest,
    gateDefinitions: toHex(crypto.sha256(utf8(canonicalJsonOfDefined(evidence.plan.gates)))),
    gates: gates.map(({ value, bound, interval, ...rest }) => ({
      ...rest,
      value: text(value),
      bound: text(bound),
      ...(interval === undefined
        ? {}
        : { interval: { low: text(interval.low), high: text(interval.high), confidence: text(interval.confidence) } }),
    })),
    pooled: metrics === undefined ? null : figures(metrics),
    sites: evidence.sites.map((site) => ({ site: site.client, metrics: figures(site.metrics) })),
    groups: evidence.groups.map((one) => ({ by: one.by, group: one.group, metrics: figures(one.metrics) })),
    /** SHA-256 of the attestation in which the coordinator says the same of the weights. */
    testResults: [testResult],
  }
}

function figures({ rows, ...rest }: Metrics): object {
  return { rows, ...Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, text(value ?? null)])) }
}

function text(value: number | null): string | null {
  return value === null ? null : String(value)
}

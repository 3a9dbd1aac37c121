import { expect, test } from 'vitest'
import { metricsOf } from '../../core/metrics/compute.ts'
import { manifestSchema } from '../../core/release/manifest.ts'
import { decideGates } from '../../server/gates/decide.ts'
import { type Candidate, manifestOf } from '../../server/registry/manifest.ts'
import { groupOf, outcomes } from './figures.ts'

const digest = 'ab'.repeat(32)
const counts = outcomes({ tp: 40, fn: 10, tn: 45, fp: 5 })
const results = [
  { client: 'a', counts: [counts], groups: [[groupOf('f', { tp: 20, fn: 5 }), groupOf('m', { tp: 20, fn: 5 })]] },
]

const candidate: Omit<Candidate, 'evidence'> = {
  model: 'heart',
  run: 'run_1',
  round: 1,
  weights: { digest, bytes: 100 },
  layout: digest,
  parameters: 4,
  plan: digest,
  base: digest,
  rule: 'mean',
  clients: { invited: 1, accepted: 1, refused: 0 },
  metrics: metricsOf(counts),
  gates: decideGates(
    [
      { metric: 'recallAtPrecision', atPrecision: 0.5, on: 'pooled', min: 0.5, confidence: 0.95, hard: true },
      { fairness: 'equalised-odds', groupBy: 'sex', maxGap: 0.5 },
      { metric: 'recall', groupBy: 'sex', on: 'worst-group', min: 0.5 },
      { size: { maxBytes: 1_000 } },
    ],
    { results, model: { bytes: 100 } },
  ),
}
const publication = { number: 1, parent: null, publishedAt: '2026-01-01T00:00:00.000Z', parleyVersion: '1' }
const manifest = manifestOf(candidate as Candidate, publication as Parameters<typeof manifestOf>[1])
const figures = manifestSchema.pick({ metrics: true, gates: true })

test('a manifest carries every metric, and of each verdict its rows, interval and hardness', () => {
  const { metrics, gates } = manifest
  expect(figures.parse(JSON.parse(JSON.stringify({ metrics, gates })))).toEqual({ metrics, gates })
  expect(manifest.metrics).toMatchObject({ rows: 100, specificity: '0.9', balancedAccuracy: String((0.8 + 0.9) / 2) })
  const [first, second, third, last] = manifest.gates
  expect(first).toMatchObject({ metric: 'recallAtPrecision', n: 100, hard: true, interval: { confidence: '0.95' } })
  expect(Number(first?.interval?.low)).toBeLessThan(Number(first?.value))
  // Neither group has a negative row, and so no false positive rate.
  expect(second).toMatchObject({ metric: 'equalised-odds', verdict: 'not-evaluable', value: null })
  expect(third).toMatchObject({ metric: 'recall', n: 25, value: '0.8' })
  expect(last).toMatchObject({ metric: 'bytes', value: '100', bound: '1000', verdict: 'pass' })
})

test('a manifest from before there were other metrics is one still', () => {
  const { balancedAccuracy, specificity, prAuc, calibrationError, brier, ...metrics } = manifest.metrics!
  expect([balancedAccuracy, specificity, prAuc, calibrationError, brier]).not.toContain(undefined)
  const gates = [{ gate: 'auc-min', metric: 'auc', verdict: 'pass', value: '0.8', bound: '0.7', explanation: 'enough' }]
  expect(figures.safeParse({ metrics, gates }).success).toBe(true)
})

/** A run in the midst of its seventh round, with all that a page can have to show of one. */
import type { Metrics } from '../../core/metrics/metrics.ts'
import type { RobustnessReport } from '../../core/run/robustness.ts'
import type { RoundSummary, RunView } from '../../core/run/view.ts'

const clients = ['hospital-a', 'hospital-b', 'hospital-c', 'hospital-d'] as const
const START = Date.parse('2026-01-02T09:00:00.000Z')
const at = (seconds: number) => new Date(START + seconds * 1_000).toISOString()

function metrics(round: number): Metrics {
  const near = 1 - 0.5 * 0.7 ** round
  return {
    rows: 400,
    accuracy: 0.86 * near,
    precision: 0.84 * near,
    recall: 0.8 * near,
    f1: 0.82 * near,
    auc: 0.91 * near,
    loss: 0.35 + 0.4 * 0.7 ** round,
  }
}

function robustness(round: number): RobustnessReport {
  const of = (client: string, i: number) => ({
    client,
    weight: i === 3 ? 0 : 1 / 3,
    kept: null,
    norm: i === 3 ? 9.4 : 1.1 + i / 10,
    distance: i === 3 ? 9.9 : 0.4 + i / 20,
    cosine: i === 3 ? -0.7 : 0.93 - i / 50,
    scale: 1,
    ...(i === 3 ? { leftOut: 'too far from the others' } : {}),
    marks: i === 3 ? (['norm', 'direction', 'left-out'] as const) : [],
  })
  return { rule: 'nnm, multi-krum', attackers: 1, norm: 1 / round + 1, clients: clients.map(of) }
}

function summary(round: number): RoundSummary {
  const refused = [
    { client: 'hospital-d', code: 'update.norm-limit', message: 'the norm is 31.4, and at most 10 is taken' },
  ] as const
  const out = round === 3
  return {
    round,
    openedAt: at(60 * round),
    closedAt: at(60 * round + 38 + (round % 3) * 6),
    cohort: clients,
    accepted: out ? clients.slice(0, 3) : clients,
    refused: out ? refused : [],
    bytes: 4 * 52_480,
    weights: String(round).repeat(64),
    pooled: metrics(round),
    clients: clients.map((client) => ({ client, metrics: metrics(round) })),
    robustness: robustness(round),
  }
}

export function richView(changes: Partial<RunView> = {}): RunView {
  return {
    run: 'run_1',
    model: 'heart',
    plan: 'a1b2c3d4e5f6'.padEnd(64, '0'),
    createdAt: at(0),
    phase: 'collecting',
    round: 7,
    rounds: 12,
    engaged: [
      { client: 'hospital-a', connected: true, phase: 'accepted', bytes: 52_480 },
      { client: 'hospital-b', connected: true, phase: 'uploading', bytes: 31_744 },
      { client: 'hospital-c', connected: false, phase: 'invited', bytes: 0 },
      { client: 'hospital-d', connected: true, phase: 'refused', bytes: 52_480, code: 'update.norm-limit' },
    ],
    window: { min: 3, max: 4, closesAt: new Date(Date.now() + 95_000).toISOString() },
    history: [1, 2, 3, 4, 5, 6].map(summary),
    suspects: [{ client: 'hospital-d', marked: 5, of: 6, marks: ['norm', 'direction'] }],
    privacy: { epsilon: 1.834, delta: 1e-5, rounds: 6, accountant: 'pld', budget: 4 },
    ...changes,
  }
}

export function publishedView(): RunView {
  const { window: _, ...rest } = richView({
    phase: 'over',
    engaged: [],
    outcome: {
      kind: 'published',
      version: 2,
      weights: '6'.repeat(64),
      gates: [
        {
          gate: 'auc-min',
          metric: 'auc',
          verdict: 'pass',
          value: 0.857,
          bound: 0.8,
          explanation: 'auc 0.857 is at least 0.8',
          n: 400,
          interval: { low: 0.821, high: 0.889, confidence: 0.95 },
          hard: true,
        },
      ],
    },
  })
  return rest
}

/** Made-up results of simulations, of any size; the same arguments give the same result. */
import type { Metrics } from '../../core/metrics/metrics.ts'
import { randomOf } from '../../core/random/random.ts'
import type { ClientRobustness, RobustnessMark } from '../../core/run/robustness.ts'
import type { SweepTable } from '../../sim/report/sweep-table.ts'
import type { SimulatedRound, SimulationResult } from '../../sim/results.ts'

export type Made = {
  readonly clients?: number
  readonly attackers?: number
  readonly rounds?: number
  /** Clients of a round; all by default. */
  readonly cohort?: number
  readonly classes?: number
  /** What the reports of a round know of an update’s part; `mixed` after a stage that mixes updates: nothing. */
  readonly rule?: 'weight' | 'kept' | 'mixed'
  readonly description?: string
}

export function madeResult(options: Made = {}): SimulationResult {
  const { clients = 10, attackers = 2, rounds = 15, classes = 10, rule = 'weight' } = options
  const cohort = options.cohort ?? clients
  const random = randomOf(7, 'report')
  const width = String(clients - 1).length
  const names = Array.from({ length: clients }, (_, i) => `client-${String(i).padStart(width, '0')}`)
  const bad = new Set(names.slice(clients - attackers))
  let ms = 0

  const metrics = (accuracy: number, rows: number): Metrics => ({
    rows,
    loss: 2.3 * (1 - accuracy) + 0.02,
    accuracy,
    precision: accuracy - 0.01,
    recall: accuracy - 0.02,
    f1: accuracy - 0.015,
    auc: classes === 2 ? Math.min(1, accuracy + 0.03) : null,
  })

  const round = (number: number): SimulatedRound => {
    const accuracy = 0.97 - 0.87 * Math.exp(-number / 6) + 0.02 * (random.uniform() - 0.5)
    const asked = sample(names, cohort, () => random.uniform())
    const refused = asked
      .filter(() => random.uniform() < 0.04)
      .map((client) => ({
        client,
        code: random.uniform() < 0.7 ? ('update.norm-exceeded' as never) : ('update.malformed' as never),
        message: 'the norm is 12.3, the plan allows 10',
      }))
    const out = new Set(refused.map(({ client }) => client))
    const accepted = asked.filter((client) => !out.has(client) && random.uniform() > 0.02)
    const honest = accepted.filter((client) => !bad.has(client)).length
    const reports = accepted.map((client): ClientRobustness => {
      const attacker = bad.has(client)
      const left = attacker ? random.uniform() < 0.7 : random.uniform() < 0.04
      const marks: RobustnessMark[] = left ? ['left-out'] : []
      if (attacker && random.uniform() < 0.5) marks.push('direction')
      return {
        client,
        weight: rule === 'weight' ? (left ? 0 : 1 / Math.max(1, honest)) : null,
        kept: rule === 'kept' ? (left ? 0.1 : 0.6 + 0.4 * random.uniform()) : null,
        norm: (attacker ? 4 : 1) * (0.6 + 0.6 * random.uniform()) * Math.exp(-number / 30),
        distance: 1,
        cosine: attacker ? -0.4 + 0.3 * random.uniform() : 0.4 + 0.3 * random.uniform(),
        scale: 1,
        ...(left ? { leftOut: 'far from its neighbours' } : {}),
        marks,
      }
    })
    const openedMs = ms
    ms += 20_000 + Math.floor(9_000 * random.uniform())
    return {
      round: number,
      openedAt: new Date(openedMs).toISOString(),
      closedAt: new Date(ms).toISOString(),
      openedMs,
      closedMs: ms,
      cohort: asked,
      accepted,
      refused,
      bytes: accepted.length * 813_000,
      weights: number.toString(16).padStart(64, 'a'),
      pooled: metrics(accuracy - 0.01, 40 * accepted.length),
      clients: accepted.map((client) => ({ client, metrics: metrics(accuracy - 0.2 * random.uniform() ** 2, 40) })),
      central: metrics(accuracy, 2_000),
      confusion: confusion(classes, accuracy, () => random.uniform()),
      ...(attackers === 0 ? {} : { attackSuccess: 0.3 * Math.exp(-number / 8) + 0.05 }),
      robustness: { rule: 'nnm, multi-krum', attackers, norm: 0.4 * Math.exp(-number / 30), clients: reports },
    }
  }
  const made = Array.from({ length: rounds }, (_, i) => round(i + 1))
  return {
    scenario: 'c'.repeat(64),
    plan: 'd'.repeat(64),
    description: options.description ?? 'Label flip against multi-Krum on uneven digits\nTwo of ten hospitals lie.',
    clients,
    attackers: [...bad],
    ...(attackers === 0 ? {} : { attack: 'label-flip' }),
    seed: 1,
    rounds: made,
    suspects: [...bad]
      .slice(0, Math.ceil(attackers / 2))
      .concat(names[1] ?? [])
      .map((client) => ({ client, marked: 9, of: 10, marks: ['direction'] })),
    outcome: {
      kind: 'published',
      version: 1,
      weights: 'e'.repeat(64),
      gates: [
        {
          gate: 'accuracy ≥ 0.9',
          metric: 'accuracy',
          verdict: 'pass',
          value: 0.96,
          bound: 0.9,
          explanation: '0.960 ≥ 0.900',
        },
      ],
    },
    weights: 'e'.repeat(64),
    virtualMs: ms,
    world: {
      classes,
      rows: names.map(() => Array.from({ length: classes }, () => Math.floor(90 * random.uniform() ** 3))),
    },
  }
}

function sample(names: readonly string[], n: number, uniform: () => number): string[] {
  if (n >= names.length) return [...names]
  const left = [...names]
  return Array.from({ length: n }, () => left.splice(Math.floor(uniform() * left.length), 1)[0]!).sort()
}

function confusion(classes: number, accuracy: number, uniform: () => number): number[] {
  return Array.from({ length: classes * classes }, (_, i) => {
    const right = Math.floor(i / classes) === i % classes
    return Math.round(right ? 200 * accuracy : (200 * (1 - accuracy) * 2 * uniform()) / (classes - 1))
  })
}

/** A full grid over some axes; scores fall with the position of each value. */
export function madeSweep(axes: Readonly<Record<string, readonly string[]>>): SweepTable {
  const random = randomOf(7, 'sweep')
  let rows: Record<string, string>[] = [{}]
  for (const [name, values] of Object.entries(axes))
    rows = rows.flatMap((row) => values.map((value) => ({ ...row, [name]: value })))
  return {
    description: 'Rules against attacks\nTen honest clients and some attackers, digits.',
    metric: 'accuracy',
    axes: Object.entries(axes).map(([name, values]) => ({ name, values })),
    rows: rows.map((values, i) => {
      const at = Object.entries(values).map(
        ([name, value]) => (axes[name] ?? []).indexOf(value) / (axes[name] ?? []).length,
      )
      const score = 0.98 - 0.5 * at.reduce((product, share) => product * (0.4 + share), 1) * (0.5 + random.uniform())
      const failed = i % 17 === 16
      return {
        values,
        score: failed ? null : Math.max(0.1, score),
        seeds: 3,
        seconds: 20 + 10 * random.uniform(),
        ...(failed
          ? { failure: 'round.no-updates: every update was refused' }
          : { spread: 0.01 * random.uniform(), weights: i.toString(16).padStart(64, '0') }),
      }
    }),
  }
}

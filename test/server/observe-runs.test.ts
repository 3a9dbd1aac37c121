import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ParleyError } from '../../core/errors/index.ts'
import type { RoundSummary, RunView } from '../../core/run/view.ts'
import { everyone } from '../../server/observe/coordinator-observer.ts'
import { measureWhenAsked } from '../../server/observe/gauges.ts'
import { silentLogger } from '../../server/observe/logger.ts'
import { measuredAppend } from '../../server/observe/measured-audit.ts'
import { createMetrics } from '../../server/observe/metrics.ts'
import { observing } from '../../server/observe/observer.ts'
import { quartilesOf } from '../../server/observe/quartiles.ts'
import { openDurableStore } from '../../server/store/durable/store.ts'
import { MemoryAudit } from '../support/audit.ts'
import { addingTrainer } from '../support/federation.ts'
import { planText } from '../support/plans.ts'
import { adminToken, Started } from '../support/started.ts'
import { view } from './http-fixtures.ts'

const seriesOf = (text: string, name: string) =>
  text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))

const roundWith = (norms: readonly number[]): RoundSummary => ({
  round: 1,
  openedAt: '2026-01-02T00:00:00.000Z',
  closedAt: '2026-01-02T00:01:00.000Z',
  cohort: ['a', 'b', 'c'],
  accepted: ['a', 'b', 'c'],
  refused: [],
  bytes: 1,
  clients: [],
  robustness: {
    rule: 'fedavg',
    attackers: null,
    norm: 1,
    clients: norms.map((norm, i) => ({
      client: `c${i}`,
      weight: 1,
      kept: null,
      norm,
      distance: 0,
      cosine: 1,
      scale: 1,
      marks: [],
    })),
  },
})

function measured(active: () => readonly RunView[]) {
  const metrics = createMetrics()
  let now = 0
  let reads = 0
  const room = { used: async () => ++reads * 100, free: async () => 7 }
  const certificates = () => [{ name: 'server', at: 5_000 }]
  measureWhenAsked(metrics, { clock: { monotonic: () => now }, active: async () => active(), certificates, room })
  return { metrics, advance: (ms: number) => (now += ms) }
}

describe('what is measured of runs', () => {
  const member = (client: string, phase: 'invited' | 'accepted') => ({ client, connected: true, phase, bytes: 0 })

  it('has cohort, norms, ε and its share, and leaves with the run', async () => {
    let active: RunView[] = [
      view('run_1', {
        round: 2,
        engaged: [member('a', 'invited'), member('b', 'accepted'), member('c', 'accepted')],
        history: [roundWith([4, 1, 2, 3])],
        privacy: { epsilon: 2, delta: 1e-5, rounds: 2, accountant: 'rdp', budget: 8 },
      }),
    ]
    const { metrics } = measured(() => active)
    const text = await metrics.render()
    expect(seriesOf(text, 'parley_run_round')).toEqual(['parley_run_round{run="run_1"} 2'])
    expect(seriesOf(text, 'parley_cohort_members')).toEqual([
      'parley_cohort_members{run="run_1",phase="invited"} 1',
      'parley_cohort_members{run="run_1",phase="accepted"} 2',
    ])
    expect(seriesOf(text, 'parley_update_norm')).toEqual([
      'parley_update_norm{run="run_1",quartile="lower"} 1.75',
      'parley_update_norm{run="run_1",quartile="median"} 2.5',
      'parley_update_norm{run="run_1",quartile="upper"} 3.25',
    ])
    expect(seriesOf(text, 'parley_privacy_epsilon')).toEqual(['parley_privacy_epsilon{run="run_1"} 2'])
    expect(seriesOf(text, 'parley_privacy_budget_used_ratio')).toEqual([
      'parley_privacy_budget_used_ratio{run="run_1"} 0.25',
    ])
    active = []
    expect(await metrics.render()).not.toContain('run_1')
  })

  it('is kept of the newest fifty', async () => {
    const { metrics } = measured(() => Array.from({ length: 80 }, (_, i) => view(`run_${i}`)))
    const rounds = seriesOf(await metrics.render(), 'parley_run_round')
    expect(rounds).toHaveLength(50)
    expect(rounds[0]).toContain('run_0"')
  })

  it('has the seconds of each phase, stragglers and verdicts of gates', async () => {
    const metrics = createMetrics()
    let now = 0
    const told = observing(silentLogger, metrics, () => now)
    const change = { run: 'run_1', model: 'm', round: 1 }
    told.phaseChanged({ ...change, phase: 'waiting' })
    now = 2_000
    told.phaseChanged({ ...change, phase: 'collecting' })
    now = 22_000
    told.roundClosed({ run: 'run_1', round: 1, seconds: 20, accepted: 2, silent: 3, made: true })
    const gate = { gate: 'g', metric: 'accuracy', value: 1, bound: 1, explanation: '' } as const
    told.runEnded({
      run: 'run_1',
      model: 'm',
      outcome: 'rejected',
      gates: [
        { ...gate, verdict: 'fail' },
        { ...gate, verdict: 'pass' },
        { ...gate, verdict: 'fail' },
      ],
    })
    const text = await metrics.render()
    expect(text).toContain('parley_phase_seconds_sum{phase="waiting"} 2\n')
    expect(text).toContain('parley_phase_seconds_sum{phase="collecting"} 20\n')
    expect(text).toContain('parley_stragglers_total 3\n')
    expect(text).toContain('parley_gate_verdicts_total{verdict="fail"} 2\n')
  })
})

describe('what is measured of the machine', () => {
  it('has certificates, free bytes at each look, and the bytes of the store at most every five minutes', async () => {
    const { metrics, advance } = measured(() => [])
    expect(await metrics.render()).toContain('parley_certificate_end_timestamp_seconds{certificate="server"} 5\n')
    advance(299_000)
    expect(await metrics.render()).toContain('parley_store_bytes 100\n')
    advance(2_000)
    const text = await metrics.render()
    expect(text).toContain('parley_store_bytes 200\n')
    expect(text).toContain('parley_store_free_bytes 7\n')
  })

  it('says nothing of a disk where there is none, and nothing wrong where it cannot be measured', async () => {
    const metrics = createMetrics()
    const clock = { monotonic: () => 0 }
    const none = { clock, active: async () => [], certificates: () => [] }
    measureWhenAsked(metrics, { ...none, room: undefined })
    expect(seriesOf(await metrics.render(), 'parley_store_free_bytes')).toEqual([])
    const broken = createMetrics()
    const active = () => Promise.reject(new Error('no view'))
    measureWhenAsked(broken, { ...none, active, room: undefined })
    expect(await broken.render()).toContain('parley_runs_active 0\n')
  })

  it('counts and times what is recorded', async () => {
    const metrics = createMetrics()
    const failures: unknown[] = []
    const audit = new MemoryAudit()
    let now = 0
    const tick = () => {
      now += 4
      return now
    }
    const object = { kind: 'run', id: 'run_1' }
    const entry = { action: 'run.start', actor: { kind: 'system', id: 'coordinator' }, object } as const
    await measuredAppend(audit, metrics, tick)(entry)
    const full = { append: () => Promise.reject(new ParleyError('audit.unavailable')) }
    const failing = measuredAppend(full, metrics, tick, (error) => failures.push(error))
    await expect(failing(entry)).rejects.toMatchObject({ code: 'audit.unavailable' })
    const text = await metrics.render()
    expect(text).toContain('parley_audit_appends_total{outcome="ok"} 1\n')
    expect(text).toContain('parley_audit_appends_total{outcome="failed"} 1\n')
    expect(text).toContain('parley_audit_append_seconds_sum 0.004\n')
    expect(failures).toHaveLength(1)
  })

  it('counts the whole folder of a store, and what is free beside it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-room-'))
    const store = await openDurableStore({ folder })
    try {
      const before = (await store.room?.used()) ?? 0
      await store.blobs.put(new Uint8Array(5_000))
      await writeFile(join(folder, 'spool', 'x'), new Uint8Array(100))
      const after = (await store.room?.used()) ?? 0
      expect(after - before).toBe(5_100)
      expect(await store.room?.free()).toBeGreaterThan(0)
    } finally {
      await store.close()
      await rm(folder, { recursive: true })
    }
  })
})

it('tells several observers, each what it wants to know', () => {
  const heard: string[] = []
  const told = everyone(
    { runStarted: ({ run }) => heard.push(`1 ${run}`) },
    {},
    { runStarted: ({ run }) => heard.push(`2 ${run}`) },
  )
  told.runStarted({ run: 'r', model: 'm', restored: false })
  told.sessionOpened('a', 'ws', 'x')
  expect(heard).toEqual(['1 r', '2 r'])
})

it('finds quartiles', () => {
  expect(quartilesOf([])).toBeUndefined()
  expect(quartilesOf([5])).toEqual({ lower: 5, median: 5, upper: 5 })
  expect(quartilesOf([3, 1, 2])).toEqual({ lower: 1.5, median: 2, upper: 2.5 })
})

it('is what a coordinator with clients tells at /metrics', async () => {
  const started = await Started.create({ clients: ['a', 'b', 'c', 'd'] })
  try {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    for (const name of ['a', 'b', 'c']) started.addClient(name, 'ws', addingTrainer(1))
    const slow = addingTrainer(1)
    started.addClient('d', 'grpc', {
      ...slow,
      async train(...args) {
        await held
        return await slow.train(...args)
      },
    })
    const { http } = started.running.urls
    const page = async () => (await fetch(`${http}/metrics`)).text()
    const { run } = await started.running.api.startRun(planText({ rounds: 1, count: { min: 4, max: 4 } }))
    await started.view(run, ({ engaged }) => engaged.filter(({ phase }) => phase === 'accepted').length === 3)
    const open = await page()
    expect(open).toContain(`parley_cohort_members{run="${run}",phase="accepted"} 3\n`)
    expect(open).toContain(`parley_cohort_members{run="${run}",phase="invited"} 1\n`)
    expect(open).toContain(`parley_run_round{run="${run}"} 1\n`)
    expect((await fetch(`${http}/v1/runs`, { headers: { authorization: `Bearer ${adminToken}x` } })).status).toBe(401)
    release()
    await started.view(run)
    const over = await page()
    expect(over).toContain('parley_auth_refused_total{code="auth.failed",carrier="http"} 1\n')
    expect(over).toContain('parley_alias_moves_total{by="coordinator"} 1\n')
    expect(over).toMatch(/parley_phase_seconds_count\{phase="collecting"\} 1\n/)
    expect(over).toContain('parley_versions_published_total 1\n')
    expect(over).not.toContain(run)
  } finally {
    await started.stop()
  }
})

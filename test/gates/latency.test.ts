import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { latencyLines } from '../../cli/latency-text.ts'
import { recomputationText } from '../../cli/run-text.ts'
import type { LatencyLook, LatencyMeter } from '../../core/run/latency.ts'
import type { RunView } from '../../core/run/view.ts'
import { decideGates } from '../../server/gates/decide.ts'
import { openDurableStore } from '../../server/store/durable/store.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { addingTrainer, Federation } from '../support/federation.ts'
import { planOf, planText } from '../support/plans.ts'

const look = (ms: number): LatencyLook => ({
  engine: 'tfjs-wasm',
  machine: { processors: 4, model: 'Some processor' },
  rows: 'synthetic',
  answers: 200,
  warmUp: 20,
  figures: [{ batch: 1, percentile: 95, ms }],
})
const GATE = '[{ latency: { maxMs: 20 } }]'

describe('a verdict on latency', () => {
  const { gates } = planOf({ gates: GATE })
  const verdictOn = (latency?: LatencyLook | { failure: string }) =>
    decideGates(gates, { results: [], ...(latency === undefined ? {} : { latency }) })[0]

  test('has the figure, how often, by what and where it was measured', () => {
    expect(verdictOn(look(20))).toEqual({
      gate: 'latency-p95-batch-1',
      metric: 'latency',
      verdict: 'pass',
      value: 20,
      bound: 20,
      n: 200,
      explanation:
        '95 % of the answers to one row came within 20 ms, at most 20 (200 answers after 20 to warm up, on rows drawn from the seed, tfjs-wasm, 4 processors, Some processor)',
    })
    expect(verdictOn(look(20.001))).toMatchObject({ verdict: 'fail', value: 20.001 })
  })

  test.each([
    ['nothing was measured', undefined, 'the round was not evaluated'],
    ['measuring failed', { failure: 'engine.unavailable: none works here' }, 'engine.unavailable: none works here'],
    ['another batch was measured', { ...look(1), figures: [{ batch: 2, percentile: 95, ms: 1 }] }, 'was not measured'],
    ['no figure is a number', look(Number.NaN), 'at most 20'],
  ])('is no pass where %s', (_, latency, reason) => {
    const verdict = verdictOn(latency)
    expect(verdict?.verdict).not.toBe('pass')
    expect(verdict?.explanation).toContain(reason)
  })
})

describe('a coordinator', () => {
  let federation: Federation
  afterEach(async () => {
    await federation.stop()
  })

  async function run(meter: LatencyMeter | undefined, plan: string, store = memoryStore()): Promise<RunView> {
    federation = new Federation({ store, ...(meter === undefined ? {} : { latency: meter }) })
    await federation.coordinator.start()
    federation.addClient('a', addingTrainer(1))
    federation.addClient('b', addingTrainer(3))
    const { run } = await federation.coordinator.startRun(plan)
    return await federation.view(run)
  }

  test('measures what a round made, and publishes what is quick enough', async () => {
    const measured: number[][] = []
    const meter: LatencyMeter = {
      measure: async (_, weights) => {
        measured.push([...weights])
        return look(measured.length)
      },
    }
    const view = await run(meter, planText({ rounds: 2, gates: GATE }))
    // Clients add 1 and 3 to every weight.
    expect(measured).toEqual([Array(4).fill(2), Array(4).fill(4)])
    expect(view.history.map(({ latency }) => latency)).toEqual([look(1), look(2)])
    expect(view.outcome).toMatchObject({ kind: 'published', gates: [{ verdict: 'pass', value: 2 }] })
    expect(latencyLines(view)).toEqual([
      'latency: 95 % of the answers to one row within 2 ms (200 answers after 20 to warm up, on rows drawn from the seed, tfjs-wasm, 4 processors, Some processor)',
    ])

    // A round that is computed again is not measured again: it says what was recorded.
    const again = await federation.coordinator.recompute(view.run, 2, {})
    expect(again).toMatchObject({ identical: true, recordedLatency: look(2) })
    expect(recomputationText(again)).toContain('Some processor); recorded, not recomputed')
    expect(measured).toHaveLength(2)
  })

  test('takes the figure from the journal after a restart, whatever it could measure then', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-latency-gate-'))
    try {
      const plan = planText({ rounds: 1, gates: GATE })
      const before = await run({ measure: async () => look(3) }, plan, await openDurableStore({ folder }))
      await federation.stop()
      federation = new Federation({
        store: await openDurableStore({ folder }),
        latency: { measure: async () => look(99) },
      })
      await federation.coordinator.start()
      const after = await federation.view(before.run)
      expect(after.history[0]?.latency).toEqual(look(3))
      expect(after.outcome).toEqual(before.outcome)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  test('rejects what is too slow', async () => {
    const view = await run({ measure: async () => look(21) }, planText({ rounds: 1, gates: GATE }))
    expect(view.outcome).toMatchObject({ kind: 'rejected', gates: [{ verdict: 'fail', value: 21, bound: 20 }] })
  })

  test('without an engine publishes nothing, and says what would help', async () => {
    const view = await run(undefined, planText({ rounds: 1, gates: GATE }))
    expect(view.outcome).toMatchObject({
      kind: 'rejected',
      gates: [
        { verdict: 'not-evaluable', value: null, explanation: expect.stringContaining('`parley coordinator` has one') },
      ],
    })
    expect(latencyLines(view)).toEqual([expect.stringContaining('latency: the coordinator has no engine')])
  })

  test('whose engine fails goes on with the round, and publishes nothing', async () => {
    const meter: LatencyMeter = { measure: () => Promise.reject(new Error('out of memory')) }
    const view = await run(meter, planText({ rounds: 1, gates: GATE }))
    expect(view.history[0]?.weights).toBeDefined()
    expect(view.outcome).toMatchObject({
      kind: 'rejected',
      gates: [{ verdict: 'not-evaluable', explanation: expect.stringContaining('out of memory') }],
    })
  })

  test('does not measure where no gate asks, or a round is not evaluated', async () => {
    let asked = 0
    const meter: LatencyMeter = { measure: async () => look(++asked) }
    await run(meter, planText({ rounds: 2, gates: GATE, extra: 'evaluation: { every: 2 }' }))
    expect(asked).toBe(1)
    await federation.stop()
    const view = await run(meter, planText({ rounds: 1 }))
    expect(asked).toBe(1)
    expect(view.history[0]).not.toHaveProperty('latency')
    expect(latencyLines(view)).toEqual([])
  })
})

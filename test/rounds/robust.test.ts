import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Trainer } from '../../client/training/ports.ts'
import { withControl } from '../../core/tensors/control.ts'
import { layoutBytes } from '../../core/tensors/layout.ts'
import { readLayout } from '../../core/tensors/safetensors.ts'
import type { Candidate } from '../../server/registry/manifest.ts'
import { openDurableStore } from '../../server/store/durable/store.ts'
import { addingTrainer, Federation, type FederationOptions, storedWeights, tinyLayout } from '../support/federation.ts'
import { planText } from '../support/plans.ts'

const opened: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of opened.splice(0).reverse()) await stop()
})

const honest: Readonly<Record<string, number>> = { a: 1, b: 1.1, c: 0.9, d: 1.05, e: 0.95, f: 1.02 }
const names = [...Object.keys(honest), 'x']

async function federated(options: FederationOptions = {}): Promise<Federation> {
  const federation = new Federation({ clients: names, ...options })
  opened.push(() => federation.stop())
  await federation.coordinator.start()
  return federation
}

/** Six honest clients, and one that sends what it likes. */
function withAttacker(federation: Federation, attack: number | Partial<Trainer> = -5): void {
  for (const [name, value] of Object.entries(honest)) federation.addClient(name, addingTrainer(value))
  federation.addClient('x', typeof attack === 'number' ? addingTrainer(attack) : addingTrainer(0, attack))
}

function plan(aggregation: string, rounds = 1, extra = ''): string {
  const count = { min: 7, max: 7 }
  return planText({ rounds, count, extra: `aggregation: ${aggregation}\n${extra}` })
}

describe('a run with an attacker', () => {
  test('ends near the honest clients by every kind of rule, and the report names the attacker', async () => {
    const federation = await federated()
    withAttacker(federation)
    for (const aggregation of [
      '{ rule: { krum: { f: 1 } } }',
      '{ rule: { trimmed-mean: { f: 1 } } }',
      '{ before: [{ arc: { f: 1 } }, nnm], rule: { multi-krum: { f: 1 } } }',
      '{ rule: { bulyan: { f: 1 } } }',
    ]) {
      const { run } = await federation.coordinator.startRun(plan(aggregation))
      const { outcome, history } = await federation.view(run)
      expect(outcome?.kind).toBe('published')
      const weights = await storedWeights(federation.store, history[0]!.weights!)
      for (const value of weights) expect(Math.abs(value - 1)).toBeLessThan(0.11)
      const attacker = history[0]!.robustness!.clients.find(({ client }) => client === 'x')!
      expect(attacker.marks).toEqual(expect.arrayContaining(['norm', 'direction', 'distance']))
      expect(attacker.weight ?? attacker.kept).toBe(0)
    }
  })

  test('shows it as suspicious after three rounds, and nobody else', async () => {
    const federation = await federated()
    withAttacker(federation)
    const { run } = await federation.coordinator.startRun(plan('{ rule: { krum: { f: 1 } } }', 3))
    const early = await federation.view(run, ({ history }) => history.length === 2)
    expect(early.suspects).toEqual([])
    const { suspects } = await federation.view(run)
    expect(suspects).toEqual([{ client: 'x', marked: 3, of: 3, marks: ['direction', 'distance', 'norm'] }])
  })

  test('is refused where the rule could not withstand what the plan assumes', async () => {
    const federation = await federated()
    const refusal = federation.coordinator.startRun(plan('{ rule: { krum: { f: 3 } } }'))
    await expect(refusal).rejects.toMatchObject({
      code: 'plan.infeasible',
      message: expect.stringMatching(
        /krum withstands at most f = 2 of 7 updates \(2f \+ 2 < n\).*trimmed-mean.*would withstand/,
      ),
    })
    for (const [aggregation, why] of [
      ['{ before: [nnm], rule: median }', /nnm does not know how many attackers/],
      ['{ before: [{ nnm: { f: 1 } }], rule: foolsgold }', /foolsgold looks at each client by itself/],
      ['{ before: [{ bucketing: { size: 2 } }], rule: { mean: { weights: samples } } }', /no longer one client's/],
      [
        '{ before: [{ bucketing: { size: 2 } }], rule: { bulyan: { f: 1 } } }',
        /4 points, which the stages before it make/,
      ],
      ['{ rule: fltrust }', /start it with --root-data/],
    ] as const) {
      const refused = federation.coordinator.startRun(plan(aggregation))
      await expect(refused).rejects.toMatchObject({ code: 'plan.infeasible', message: expect.stringMatching(why) })
    }
  })
})

describe('a round that is computed again', () => {
  async function finished(aggregation: string, options: FederationOptions = {}) {
    const federation = await federated(options)
    withAttacker(federation)
    const { run } = await federation.coordinator.startRun(plan(aggregation, 2))
    const view = await federation.view(run)
    return { federation, run, view }
  }

  test.each([0, 1 << 20])('gives the same bytes, with %d bytes of updates in memory', async (residentBytes) => {
    const aggregation =
      '{ before: [nnm], rule: { trimmed-mean: { f: 1 } }, server: { fedadam: { learningRate: 0.1 } } }'
    const { federation, run, view } = await finished(aggregation, { residentBytes })
    for (const { round, weights, robustness } of view.history) {
      const again = await federation.coordinator.recompute(run, round, {})
      expect(again).toMatchObject({ identical: true, recorded: weights, recomputed: weights, difference: { norm: 0 } })
      expect(again.recomputedReport).toEqual(robustness)
    }
  })

  test('without a client, or by another rule, shows the difference and keeps nothing', async () => {
    const { federation, run } = await finished('{ rule: mean }')
    const { coordinator, store } = federation
    const before: string[] = []
    for await (const digest of store.blobs.list()) before.push(digest)
    const without = await coordinator.recompute(run, 2, { without: ['x'] })
    // Of seven, the mean was (6.02 − 5)/7 in each of four coordinates; of six it is 6.02/6.
    expect(without.identical).toBe(false)
    expect(without.difference.norm).toBeCloseTo(2 * (6.02 / 6 - 1.02 / 7), 4)
    expect(without.difference.relative).toBeCloseTo((6.02 / 6 - 1.02 / 7) / (1.02 / 7), 3)
    expect(without.difference.cosine).toBeCloseTo(1, 5)
    expect(without.recomputedReport.clients.map(({ client }) => client)).not.toContain('x')
    const robust = await coordinator.recompute(run, 2, { rule: { krum: { f: 1 } } })
    expect(robust.recomputedReport.rule).toBe('krum')
    expect(robust.recordedReport?.rule).toBe('mean')
    const after: string[] = []
    for await (const digest of store.blobs.list()) after.push(digest)
    expect(after.sort()).toEqual(before.sort())
  })

  test('is refused where that makes no sense', async () => {
    const { federation, run } = await finished('{ rule: mean }')
    const again = (round: number, request: object) => federation.coordinator.recompute(run, round, request)
    await expect(again(3, {})).rejects.toMatchObject({ code: 'request.invalid' })
    await expect(again(1, { without: ['nobody'] })).rejects.toMatchObject({ code: 'request.invalid' })
    await expect(again(1, { without: names })).rejects.toMatchObject({ code: 'request.invalid' })
    await expect(again(1, { rule: { krum: { g: 1 } } })).rejects.toMatchObject({ code: 'request.invalid' })
    await expect(again(1, { rule: { krum: { f: 3 } } })).rejects.toMatchObject({ code: 'plan.infeasible' })
    await expect(again(1, { rule: 'fltrust' })).rejects.toMatchObject({ code: 'plan.infeasible' })
    await expect(federation.coordinator.recompute('run_none', 1, {})).rejects.toMatchObject({ code: 'run.not-found' })
    for await (const digest of federation.store.spool.list()) await federation.store.spool.remove(digest)
    await expect(again(1, {})).rejects.toMatchObject({ code: 'object.not-found' })
  })
})

test('what rounds leave to each other outlives the coordinator: the same model comes out', async () => {
  const aggregation = '{ rule: { centered-clipping: { radius: 1, f: 1 } }, server: { fedyogi: { learningRate: 0.1 } } }'
  const digests: (string | undefined)[] = []
  for (const restarts of [false, true]) {
    const folder = await mkdtemp(join(tmpdir(), 'parley-robust-'))
    opened.push(() => rm(folder, { recursive: true, force: true }))
    let federation = await federated({ store: await openDurableStore({ folder }) })
    withAttacker(federation)
    const { run } = await federation.coordinator.startRun(plan(aggregation, 4))
    if (restarts) {
      await federation.view(run, ({ history }) => history.length === 2)
      await federation.stop()
      federation = await federated({ store: await openDurableStore({ folder }) })
      withAttacker(federation)
    }
    const { history } = await federation.view(run)
    digests.push(history.at(-1)?.weights)
    expect(history.length).toBe(4)
    await federation.stop()
  }
  expect(digests[0]).toBeDefined()
  expect(digests[1]).toBe(digests[0])
})

describe('FLTrust', () => {
  test('trusts updates by how they agree with the coordinator’s own', async () => {
    const seen: number[] = []
    const federation = await federated({
      rootUpdate: async (_plan, round, weights) => {
        seen.push(round)
        return weights.map(() => 0.5)
      },
    })
    withAttacker(federation)
    const { run } = await federation.coordinator.startRun(plan('{ rule: fltrust }', 2))
    const { history } = await federation.view(run)
    expect(seen).toEqual([1, 2])
    const report = history[0]!.robustness!
    expect(report.clients.find(({ client }) => client === 'x')).toMatchObject({
      weight: 0,
      leftOut: expect.any(String),
    })
    // Every honest update is scaled to the norm of the root update: 0.5 in each of four coordinates.
    const weights = await storedWeights(federation.store, history[0]!.weights!)
    for (const value of weights) expect(value).toBeCloseTo(0.5, 5)
    const again = await federation.coordinator.recompute(run, 2, {})
    expect(again.identical).toBe(true)
    expect(seen).toEqual([1, 2])
  })

  test('fails the round where the root data gives no update', async () => {
    const federation = await federated({ rootUpdate: async () => new Float32Array([Number.NaN, 0, 0, 0]) })
    withAttacker(federation)
    const { run } = await federation.coordinator.startRun(plan('{ rule: fltrust }'))
    const { outcome } = await federation.view(run)
    expect(outcome).toMatchObject({ kind: 'failed', code: 'round.aggregation-failed' })
  })
})

describe('SCAFFOLD', () => {
  test('moves the control variate by the share that took part, and publishes the model without it', async () => {
    const layout = withControl(tinyLayout())
    const published: Candidate[] = []
    const federation = await federated({
      layout,
      publish: async (candidate) => {
        published.push(candidate)
        return 1
      },
    })
    // Each client moves its weights by its value, and its control variate by ten times that.
    const moving = (value: number): Trainer => ({
      ...addingTrainer(value),
      layout,
      train: async ({ weights }) => ({
        weights: weights.map((weight, j) => weight + (j < 4 ? value : 10 * value)),
        samples: 10,
        loss: 0.5,
        steps: 1,
      }),
    })
    for (const [name, value] of Object.entries(honest)) federation.addClient(name, moving(value))
    federation.addClient('x', moving(1))
    const text = plan('{ server: { fedavg: { learningRate: 0.5 } } }').replace(
      'optimizer: { sgd: { learningRate: 0.1 } }',
      'optimizer: { sgd: { learningRate: 0.1 } }, scaffold: { clients: 14 }',
    )
    const { run } = await federation.coordinator.startRun(text)
    const { outcome, history } = await federation.view(run)
    expect(outcome).toMatchObject({ kind: 'published', version: 1 })
    const mean = 7.02 / 7
    const values = await storedWeights(federation.store, history[0]!.weights!, 8)
    for (const value of values.slice(0, 4)) expect(value).toBeCloseTo(0.5 * mean, 5)
    for (const value of values.slice(4)) expect(value).toBeCloseTo(0.5 * 10 * mean, 4)
    const [candidate] = published
    expect(candidate).toMatchObject({ parameters: 4 })
    const bytes = await federation.store.blobs.read(candidate!.weights.digest, 0, candidate!.weights.bytes)
    expect(layoutBytes(readLayout(bytes).layout)).toEqual(layoutBytes(tinyLayout()))
    expect(await storedWeights(federation.store, candidate!.weights.digest)).toEqual(values.slice(0, 4))
  })
})

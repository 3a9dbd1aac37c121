/** Masked rounds from end to end: the product's coordinator and clients, over a real carrier. */
import { afterEach, describe, expect, test } from 'vitest'
import type { ClientOptions } from '../../client/node/options.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import { clientPolicy } from '../../core/secagg/index.ts'
import { addingTrainer, Federation, keyOf, storedWeights } from '../support/federation.ts'
import { planText } from '../support/plans.ts'

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
const known = Object.fromEntries(names.map((name) => [name, toHex(keyOf(name).publicKey)]))

/** What a small consortium lowers knowingly. */
function masking(change: Partial<Parameters<typeof clientPolicy>[0]> = {}): Pick<ClientOptions, 'masking'> {
  const policy = { known, minimum: 3, minKnown: 3, buckets: { minSize: 2, minSurvivors: 2, minKnown: 2 }, ...change }
  return { masking: { policy: clientPolicy(policy) } }
}

let federation: Federation
afterEach(() => federation.stop())

async function started(clients: readonly string[]): Promise<Federation> {
  federation = new Federation({ clients })
  await federation.coordinator.start()
  return federation
}

const plan = (privacy: string, count: number, extra = '', min = count) =>
  planText({ rounds: 2, count: { min, max: count }, extra: `privacy: ${privacy}\n${extra}` })

describe('a masked run', () => {
  test('makes the mean, and no update is in the spool as it was', async () => {
    await started(names.slice(0, 4))
    for (const [i, name] of names.slice(0, 4).entries())
      federation.addClient(name, addingTrainer(0.1 * (i + 1)), masking())
    const { run } = await federation.coordinator.startRun(plan('{ mode: masked }', 4))
    const view = await federation.view(run)
    expect(view.outcome).toMatchObject({ kind: 'published' })
    expect(view.history.map(({ accepted }) => accepted)).toEqual([names.slice(0, 4), names.slice(0, 4)])
    expect(view.history[0]!.sums).toMatchObject({
      opened: [{ name: 'sum-001', clients: names.slice(0, 4) }],
      spoiled: [],
    })
    const weights = await storedWeights(federation.store, view.history[1]!.weights!)
    for (const weight of weights) expect(weight).toBeCloseTo(0.5, 4)
    expect(federation.fatal).toEqual([])
  })

  test('a robust rule works on the sums of its buckets', async () => {
    await started(names)
    for (const [i, name] of names.entries()) {
      federation.addClient(name, addingTrainer(i === 7 ? 3 : 0.1), masking())
    }
    const extra = 'aggregation: { rule: median }'
    const { run } = await federation.coordinator.startRun(plan('{ mode: masked, buckets: { size: 2 } }', 8, extra))
    const view = await federation.view(run)
    expect(view.outcome).toMatchObject({ kind: 'published' })
    expect(view.history[0]!.sums!.opened).toHaveLength(4)
    expect(view.history[0]!.sums!.opened.flatMap(({ clients }) => clients).sort()).toEqual(names)
    const weights = await storedWeights(federation.store, view.history[1]!.weights!)
    for (const weight of weights) expect(weight).toBeCloseTo(0.2, 4)
  })
  test('can be computed again from its sums, of which no client can be left out', async () => {
    await started(names)
    for (const name of names) federation.addClient(name, addingTrainer(0.1), masking())
    const extra = 'aggregation: { rule: median }'
    const { run } = await federation.coordinator.startRun(plan('{ mode: masked, buckets: { size: 2 } }', 8, extra))
    await federation.view(run)
    expect(await federation.coordinator.recompute(run, 2, {})).toMatchObject({ identical: true })
    await expect(federation.coordinator.recompute(run, 2, { without: ['a'] })).rejects.toMatchObject({
      code: 'request.invalid',
      message: 'updates were masked: no client can be left out of a sum',
    })
  })

  test('loses the bucket of a client that leaves with its update under way, and no more', async () => {
    await started(names)
    const gone = new Promise<never>(() => {})
    for (const name of names) {
      const trainer = addingTrainer(0.1)
      federation.addClient(name, name === 'h' ? { ...trainer, train: () => gone } : trainer, masking())
    }
    const text = plan(
      '{ mode: masked, buckets: { size: 2 }, threshold: { dropout: 0.25 }, steps: 2s }',
      8,
      'aggregation: { rule: median }',
      6,
    ).replace(/time: \{[^}]*\}/, 'time: { min: 0s, max: 10s }')
    const { run } = await federation.coordinator.startRun(text.replace('rounds: 2', 'rounds: 1'))
    const view = await federation.view(run)
    const [round] = view.history
    expect(round!.accepted).not.toContain('h')
    expect(round!.sums!.opened.length).toBeGreaterThanOrEqual(3)
    for (const weight of await storedWeights(federation.store, round!.weights!)) expect(weight).toBeCloseTo(0.1, 4)
  })

  test('counts rows under the masks where the mean weighs by them', async () => {
    await started(names.slice(0, 4))
    for (const [i, name] of names.slice(0, 4).entries()) {
      federation.addClient(name, addingTrainer(i === 0 ? 1 : 0, { samples: i === 0 ? 30 : 10 }), masking())
    }
    const extra = 'aggregation: { rule: { mean: { weights: samples } } }'
    const { run } = await federation.coordinator.startRun(
      plan('{ mode: masked }', 4, extra).replace('rounds: 2', 'rounds: 1'),
    )
    const view = await federation.view(run)
    for (const weight of await storedWeights(federation.store, view.history[0]!.weights!))
      expect(weight).toBeCloseTo(0.5, 3)
  })

  test('a client without peers takes part in none, and says why', async () => {
    await started(names.slice(0, 4))
    for (const name of names.slice(0, 3)) federation.addClient(name, addingTrainer(0.1), masking())
    const alone = federation.addClient('d', addingTrainer(0.1))
    const { run } = await federation.coordinator.startRun(
      plan('{ mode: masked, threshold: { dropout: 0 }, steps: 2s }', 4, '', 3)
        .replace('rounds: 2', 'rounds: 1')
        .replace('min: 0s', 'min: 5s'),
    )
    const view = await federation.view(run)
    expect(view.history[0]).toMatchObject({
      accepted: ['a', 'b', 'c'],
      refused: [
        { client: 'd', code: 'masking.refused', message: expect.stringContaining('knows no peers') as unknown },
      ],
    })
    expect(alone.events.find(({ type }) => type === 'declined')).toMatchObject({ error: { code: 'masking.refused' } })
  })
})

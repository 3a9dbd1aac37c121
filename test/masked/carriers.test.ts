/** Masked rounds over the real carriers, with a client that is lost between its shares and its update. */
import { afterEach, describe, expect, test } from 'vitest'
import type { ClientEvent } from '../../client/node/options.ts'
import type { Trainer } from '../../client/training/ports.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { addingTrainer, storedWeights } from '../support/federation.ts'
import { gate } from '../support/honest-round.ts'
import { maskingOf } from '../support/masking.ts'
import { planText } from '../support/plans.ts'
import { Started } from '../support/started.ts'

const names = ['a', 'b', 'c', 'd'] as const

let started: Started | undefined
afterEach(() => started?.stop())

describe.each(['grpc', 'ws'] as const)('over %s', (carrier) => {
  test('the sum is that of those who are left, and the next round has everybody again', async () => {
    const store = memoryStore()
    started = await Started.create({ store })
    const [training, lost, back] = [gate(), gate(), gate()]
    const connected: Promise<void>[] = []
    const add = (name: string, i: number, change: Partial<Trainer> = {}) => {
      const { opened, open } = gate()
      connected.push(opened)
      const onEvent = ({ type }: ClientEvent) => (type === 'connected' ? open() : undefined)
      const trainer = { ...addingTrainer(0.1 * (i + 1)), ...change }
      return started!.addClient(name, carrier, trainer, { ...maskingOf(names), onEvent })
    }
    for (const [i, name] of names.slice(0, 3).entries()) {
      const honest = addingTrainer(0.1 * (i + 1))
      // Others have nothing to send before the one is gone: it drops out of a step that is open.
      const train: Trainer['train'] = async (request) => {
        await lost.opened
        return honest.train(request)
      }
      // The next round begins when the one is back.
      const evaluate: Trainer['evaluate'] = async (weights, signal) => {
        await back.opened
        return honest.evaluate(weights, signal)
      }
      add(name, i, { train, evaluate })
    }
    const train: Trainer['train'] = async () => {
      training.open()
      return new Promise<never>(() => {})
    }
    const node = add('d', 3, { train })
    await Promise.all(connected)
    const { run } = await started.running.api.startRun(
      planText({
        rounds: 2,
        count: { min: 3, max: 4 },
        time: { min: '1s', max: '20s' },
        extra: 'privacy: { mode: masked, threshold: { dropout: 0 } }\nevaluation: { window: { time: { min: 0s } } }',
      }),
    )
    await training.opened
    // It has shared its keys: its masks are in the sum.
    await started.view(run, ({ engaged }) => engaged.length === 4 && engaged.every(({ phase }) => phase === 'sharing'))
    await sharedBy(store, run, 4)
    await node.stop()
    lost.open()
    await started.view(run, ({ phase }) => phase === 'evaluating')
    add('d', 3)
    await Promise.all(connected)
    back.open()
    const view = await started.view(run)
    expect(view.outcome).toMatchObject({ kind: 'published' })
    expect(view.history[0]).toMatchObject({
      cohort: names,
      accepted: ['a', 'b', 'c'],
      sums: { opened: [{ name: 'sum-001', clients: ['a', 'b', 'c'] }], spoiled: [], culprits: [] },
    })
    expect(view.history[1]!.accepted).toEqual([...names])
    for (const weight of await storedWeights(store, view.history[0]!.weights!)) expect(weight).toBeCloseTo(0.2, 4)
    for (const weight of await storedWeights(store, view.history[1]!.weights!)) expect(weight).toBeCloseTo(0.45, 4)
  })
})

async function sharedBy(store: ReturnType<typeof memoryStore>, run: string, clients: number): Promise<void> {
  for (;;) {
    const entries = await store.journal.read(run)
    if (entries.filter((entry) => entry.includes('secagg-share+json')).length === clients) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

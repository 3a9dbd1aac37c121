import { afterEach, expect, test } from 'vitest'
import { addingTrainer, Federation, storedWeights } from '../support/federation.ts'
import { planText } from '../support/plans.ts'

let federation: Federation
afterEach(() => federation.stop())

test('two clients train two rounds, and the mean of their updates is added to the weights each time', async () => {
  federation = new Federation()
  await federation.coordinator.start()
  federation.addClient('a', addingTrainer(1))
  federation.addClient('b', addingTrainer(3))
  const { run } = await federation.coordinator.startRun(planText({ rounds: 2 }))
  const view = await federation.view(run)
  expect(view.outcome).toMatchObject({ kind: 'published', version: 1 })
  expect(view.history.map(({ accepted }) => accepted)).toEqual([
    ['a', 'b'],
    ['a', 'b'],
  ])
  expect(view.history.at(-1)?.pooled?.accuracy).toBe(0.8)
  expect(await storedWeights(federation.store, view.history[1]!.weights!)).toEqual([4, 4, 4, 4])
  expect(federation.fatal).toEqual([])
})

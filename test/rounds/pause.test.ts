import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { openDurableStore } from '../../server/store/durable/store.ts'
import { addingTrainer, Federation } from '../support/federation.ts'
import { planText } from '../support/plans.ts'

const plan = planText({ rounds: 3, count: { min: 2, max: 2 } })
const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function coordinatorIn(folder: string): Promise<Federation> {
  const store = await openDurableStore({ folder })
  const federation = new Federation({ store })
  stops.push(async () => {
    await federation.stop()
    await store.close()
  })
  await federation.coordinator.start()
  return federation
}

test('a run that is paused stays so over a restart, and goes on to its end when it is told to', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-pause-'))
  stops.push(() => rm(folder, { recursive: true, force: true }))
  const first = await coordinatorIn(folder)
  for (const [index, name] of ['a', 'b'].entries()) {
    const trainer = addingTrainer(1 + index / 3)
    first.addClient(name, {
      ...trainer,
      train: async (request) => {
        // In the middle of the first round, which comes to its end.
        if (name === 'a') await first.coordinator.pauseRun(run, 'a question')
        return trainer.train(request)
      },
    })
  }
  const { run } = await first.coordinator.startRun(plan)
  const held = await first.view(run, ({ phase, paused }) => phase === 'waiting' && paused !== undefined)
  expect(held).toMatchObject({ round: 2, paused: { reason: 'a question' } })
  expect(held.history.map(({ accepted }) => accepted)).toEqual([['a', 'b']])
  await stops.pop()?.()

  const second = await coordinatorIn(folder)
  const trained: string[] = []
  for (const [index, name] of ['a', 'b'].entries()) {
    const trainer = addingTrainer(1 + index / 3)
    second.addClient(name, {
      ...trainer,
      train: async (request) => {
        trained.push(name)
        return trainer.train(request)
      },
    })
    await second.next('opened')
  }
  expect(await second.coordinator.run(run)).toMatchObject({ phase: 'waiting', round: 2, paused: {} })
  expect(trained).toEqual([])
  await expect(second.coordinator.resumeRun('run_0')).rejects.toMatchObject({ code: 'run.not-found' })
  expect(await second.coordinator.resumeRun(run)).not.toHaveProperty('paused')
  const over = await second.view(run)
  expect(over).toMatchObject({ phase: 'over', outcome: { kind: 'published' } })
  expect(over.history.map(({ accepted }) => accepted)).toEqual(Array(3).fill(['a', 'b']))
  await expect(second.coordinator.resumeRun(run)).rejects.toMatchObject({ code: 'run.conflict' })
  await expect(second.coordinator.pauseRun(run, 'late')).rejects.toMatchObject({ code: 'run.conflict' })
})

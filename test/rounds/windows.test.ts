import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { addingTrainer } from '../support/federation.ts'
import { planText } from '../support/plans.ts'
import { forgeUpdate, RawClient, upload } from '../support/raw-client.ts'
import { Started } from '../support/started.ts'

const carriers = ['grpc', 'ws'] as const
const patient = 'evaluation: { window: { time: { min: 30s } } }'

let started: Started
beforeEach(async () => {
  started = await Started.create()
})
afterEach(() => started.stop())

test.each(carriers)(
  'over %s, a straggler’s update after the round closed is late, and the model is without it',
  async (carrier) => {
    const straggler = await RawClient.open(started.url(carrier), 'a')
    for (const [index, name] of ['b', 'c'].entries())
      started.addClient(name, carriers[index]!, addingTrainer(1 + 2 * index))
    // Three are asked for two updates: the first two close the round.
    const plan = planText({
      rounds: 1,
      count: { min: 2, max: 2 },
      time: { min: '20s' },
      extra: `${patient}\n`,
      overselect: 0.5,
    })
    const { run } = await started.running.api.startRun(plan)
    const update = forgeUpdate(await straggler.task(), 'a', Float32Array.of(1e3, 1e3, 1e3, 1e3))
    await straggler.task('evaluate')
    expect(await upload(straggler, update)).toMatchObject({ accepted: false, code: 'update.late' })
    const decline = {
      type: 'decline',
      run,
      round: 1,
      kind: 'evaluate',
      code: 'client.training-failed',
      message: '',
    } as const
    await straggler.send(decline)
    const view = await started.view(run)
    expect(view.history[0]?.accepted).toEqual(['b', 'c'])
    expect(view.outcome).toMatchObject({ kind: 'published' })
    expect(await upload(straggler, update)).toMatchObject({ accepted: false, code: 'update.late' })
    straggler.close()
  },
)

test('an update that was begun in time and completed too late is late', async () => {
  const straggler = await RawClient.open(started.url('grpc'), 'a')
  const held = await Promise.all(['b', 'c'].map((name) => RawClient.open(started.url('ws'), name)))
  const plan = planText({ rounds: 1, count: { min: 2, max: 2 }, time: { min: '20s' }, extra: patient, overselect: 0.5 })
  await started.running.api.startRun(plan)
  const update = forgeUpdate(await straggler.task(), 'a', new Float32Array(4))
  await straggler.send(update.header)
  const { digest } = await straggler.next('uploadReady')
  for (const client of held) {
    expect(await upload(client, forgeUpdate(await client.task(), client.name, new Float32Array(4)))).toMatchObject({
      accepted: true,
    })
  }
  await straggler.send({ type: 'uploadChunk', digest, offset: 0, data: update.sealed })
  expect(await straggler.next('receipt')).toMatchObject({ accepted: false, code: 'update.late' })
  for (const client of [straggler, ...held]) client.close()
})

describe('the order of arrival and the carriers', () => {
  const names = ['a', 'b', 'c'] as const
  // Added in another order, these have another sum in floating point.
  const deltas = { a: [1e14, 0.1, 0.001, 3e-8], b: [0.001, 0.2, 1e14, 1], c: [-1e14, 0.3, -1e14, -1] } as const
  const orders = names.flatMap((first) =>
    names
      .filter((name) => name !== first)
      .map((second) => [first, second, names.find((name) => ![first, second].includes(name))!]),
  )

  test('leave no trace in the model: three updates in all six orders give the same bytes', async () => {
    const digests = new Set<string>()
    for (const [number, order] of orders.entries()) {
      const clients = new Map<string, RawClient>()
      for (const [index, name] of names.entries()) {
        clients.set(name, await RawClient.open(started.url(carriers[(number + index) % 2]!), name))
      }
      const extra = 'aggregation: { screens: { maxNorm: 1.0e+15 } }'
      const { run } = await started.running.api.startRun(planText({ rounds: 1, count: { min: 3, max: 3 }, extra }))
      for (const name of order) {
        const client = clients.get(name)!
        const delta = Float32Array.from(deltas[name as keyof typeof deltas])
        expect(await upload(client, forgeUpdate(await client.task(), name, delta))).toMatchObject({ accepted: true })
      }
      for (const client of clients.values()) {
        await client.task('evaluate')
        await client.send({
          type: 'decline',
          run,
          round: 1,
          kind: 'evaluate',
          code: 'client.training-failed',
          message: '',
        })
      }
      const view = await started.view(run)
      expect(view.history[0]?.accepted).toEqual([...names])
      digests.add(view.history[0]?.weights ?? 'no model')
      for (const client of clients.values()) client.close()
    }
    expect(orders).toHaveLength(6)
    expect([...digests]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)])
  })
})

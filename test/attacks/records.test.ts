/** What a client says that its rows have paid is looked at before a byte of its update is taken. */
import { afterEach, describe, expect, test } from 'vitest'
import { addingTrainer } from '../support/federation.ts'
import { planText } from '../support/plans.ts'
import { forgeUpdate, RawClient, upload } from '../support/raw-client.ts'
import { Started } from '../support/started.ts'

let started: Started
let attacker: RawClient
afterEach(async () => {
  attacker.close()
  await started.stop()
})

async function receiptOf(privacy: string, changed: Record<string, unknown>) {
  started = await Started.create()
  attacker = await RawClient.open(started.url('ws'), 'a')
  started.addClient('b', 'grpc', addingTrainer(1))
  const plan = planText({ rounds: 1, count: { min: 2, max: 2 }, extra: `privacy: ${privacy}` })
  await started.running.api.startRun(plan)
  const task = await attacker.task()
  return await upload(attacker, forgeUpdate(task, 'a', new Float32Array(4), changed))
}

const hiding = '{ records: { clip: 1, multiplier: 1, epsilon: 4 } }'
const records = { delta: '0.00001', epsilon: '2', epsilonOfRound: '2' }

describe('an update of a plan that hides rows', () => {
  test('is taken where it says what that cost, and nothing of the loss', async () => {
    expect(await receiptOf(hiding, { records, loss: '0' })).toMatchObject({ accepted: true })
  })

  test.each<[string, Record<string, unknown>]>([
    ['says nothing of it', { loss: '0' }],
    ['tells the training loss', { records, loss: '0.5' }],
    ['tells ε at another δ', { records: { ...records, delta: '0.1' }, loss: '0' }],
    ['tells more than the plan allows', { records: { ...records, epsilon: '4.01' }, loss: '0' }],
    ['tells what is no number', { records: { ...records, epsilon: '1e999' }, loss: '0' }],
    ['tells what is no number of a round', { records: { ...records, epsilonOfRound: '1.2.3' }, loss: '0' }],
  ])('is refused by name where it %s', async (_what, changed) => {
    expect(await receiptOf(hiding, changed)).toMatchObject({ accepted: false, code: 'update.privacy-mismatch' })
  })
})

test('an update of another plan may not say that it hides rows', async () => {
  const receipt = await receiptOf('{}', { records, loss: '0' })
  expect(receipt).toMatchObject({ accepted: false, code: 'update.privacy-mismatch' })
})

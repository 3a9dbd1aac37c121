import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RoundConfiguration } from '../../core/run/round-configuration.ts'
import { addingTrainer, keyOf, tinyLayout } from '../support/federation.ts'
import { planText } from '../support/plans.ts'
import { forgeUpdate, RawClient, upload } from '../support/raw-client.ts'
import { Started } from '../support/started.ts'

/** Every refusal is an answer by name, costs no more than its frame, and the round goes on for the others. */
describe.each(['grpc', 'ws'] as const)('over %s, an update', (carrier) => {
  let started: Started
  let attacker: RawClient
  let task: RoundConfiguration
  let run: string
  const zero = new Float32Array(4)

  beforeEach(async () => {
    started = await Started.create()
    attacker = await RawClient.open(started.url(carrier), 'a')
    started.addClient('b', carrier === 'grpc' ? 'ws' : 'grpc', addingTrainer(1))
    started.addClient('c', carrier, addingTrainer(3))
    // All three are asked and two are needed: the round waits for the third until it declines, or for 20 s.
    const plan = planText({
      rounds: 1,
      count: { min: 2, max: 3 },
      time: { min: '20s' },
      extra: 'aggregation: { screens: { maxNorm: 10, maxSampleWeight: 1000 } }',
    })
    run = (await started.running.api.startRun(plan)).run
    task = await attacker.task()
  })
  afterEach(async () => {
    attacker.close()
    await started.stop()
  })

  async function roundGoesOn(): Promise<void> {
    const again = await RawClient.open(started.url(carrier), 'a')
    await again.send({ type: 'decline', run, round: 1, kind: 'train', code: 'client.training-failed', message: '' })
    await again.task('evaluate')
    await again.send({ type: 'decline', run, round: 1, kind: 'evaluate', code: 'client.training-failed', message: '' })
    const view = await started.view(run)
    again.close()
    expect(view.outcome).toMatchObject({ kind: 'published' })
    expect(view.history[0]?.accepted).toEqual(['b', 'c'])
  }

  test.each<[string, Record<string, unknown>, string]>([
    ['for another round', { round: 2 }, 'update.stale'],
    ['of another model', { model: 'ab'.repeat(32) }, 'update.stale'],
    ['for an unknown run', { run: 'run_0' }, 'update.stale'],
    ['of another layout', { layout: 'ab'.repeat(32) }, 'update.layout-mismatch'],
    ['of one value that would be broadcast', { bytes: 4 + 16 }, 'upload.length-invalid'],
    ['that promises 100 GB', { bytes: 100 * 2 ** 30 }, 'upload.length-invalid'],
    ['with a negative sample weight', { samples: -5 }, 'update.weight-limit'],
    ['with a sample weight of 0', { samples: 0 }, 'update.weight-limit'],
    ['with a sample weight of 1e12', { samples: 1e12 }, 'update.weight-limit'],
    ['with a fraction as sample weight', { samples: 0.5 }, 'update.weight-limit'],
    ['in the name of another client', { client: 'b' }, 'auth.identity-mismatch'],
    ['with a one-time key of small order', { oneTimeKey: '00'.repeat(32) }, 'update.seal-invalid'],
  ])('%s is refused by name before a byte of it is taken', async (_name, changed, code) => {
    const receipt = await upload(attacker, forgeUpdate(task, 'a', zero, changed))
    expect(receipt).toMatchObject({ accepted: false, code })
    await roundGoesOn()
  })

  test.each<[string, number[], string]>([
    ['with a NaN', [0, Number.NaN, 0, 0], 'update.not-finite'],
    ['with an infinite value', [0, 0, Number.NEGATIVE_INFINITY, 0], 'update.not-finite'],
    ['above the norm limit', [0, 0, 0, 11], 'update.norm-limit'],
    ['with the largest finite value', [3.4e38, 0, 0, 0], 'update.norm-limit'],
  ])('%s is refused by name', async (_name, values, code) => {
    const receipt = await upload(attacker, forgeUpdate(task, 'a', Float32Array.from(values)))
    expect(receipt).toMatchObject({ accepted: false, code })
    await roundGoesOn()
  })

  test('whose bytes do not have the signed digest is refused, and nothing of it is kept', async () => {
    const update = forgeUpdate(task, 'a', zero, { sha256: 'cd'.repeat(32) })
    const receipt = await upload(attacker, { ...update, digest: new Uint8Array(32).fill(0xcd) })
    expect(receipt).toMatchObject({ accepted: false, code: 'update.digest-mismatch' })
    await roundGoesOn()
  })

  test('with a changed byte does not open', async () => {
    const update = forgeUpdate(task, 'a', zero)
    update.sealed[3]! ^= 1
    const receipt = await upload(attacker, update)
    expect(receipt).toMatchObject({ accepted: false, code: 'update.seal-invalid' })
    await roundGoesOn()
  })

  test('in a chunk at a wrong place or of a wrong length is refused', async () => {
    const update = forgeUpdate(task, 'a', zero)
    await attacker.send(update.header)
    const { digest } = await attacker.next('uploadReady')
    await attacker.send({ type: 'uploadChunk', digest, offset: 1 << 40, data: update.sealed })
    expect(await attacker.next('receipt')).toMatchObject({ accepted: false, code: 'upload.chunk-invalid' })
    await attacker.send(update.header)
    await attacker.next('uploadReady')
    await attacker.send({ type: 'uploadChunk', digest, offset: 0, data: update.sealed.subarray(1) })
    expect(await attacker.next('receipt')).toMatchObject({ accepted: false, code: 'upload.chunk-invalid' })
    await roundGoesOn()
  })

  test('that is signed by another key ends the session by name', async () => {
    await attacker.send(forgeUpdate(task, 'a', zero, {}, keyOf('mallory')).header)
    expect(await attacker.closeCode()).toBe('auth.bad-signature')
    await roundGoesOn()
  })

  test('with an unknown field in its header ends the session by name', async () => {
    await attacker.send(forgeUpdate(task, 'a', zero, { weight: 5 }).header)
    expect(await attacker.closeCode()).toBe('frame.malformed')
    await roundGoesOn()
  })

  test('that was refused three times leaves its client out of the round', async () => {
    for (let attempt = 0; attempt < 3; attempt++) {
      await upload(attacker, forgeUpdate(task, 'a', Float32Array.of(Number.NaN, 0, 0, 0)))
    }
    // Three of three have answered one way or the other: the round does not wait for anybody.
    await attacker.task('evaluate')
    await attacker.send({
      type: 'decline',
      run,
      round: 1,
      kind: 'evaluate',
      code: 'client.training-failed',
      message: '',
    })
    const view = await started.view(run)
    expect(view.history[0]?.accepted).toEqual(['b', 'c'])
    expect(view.history[0]?.refused.map(({ code }) => code)).toEqual(Array(3).fill('update.not-finite'))
  })
})

describe.each(['grpc', 'ws'] as const)('over %s, a second update', (carrier) => {
  let started: Started
  let client: RawClient
  let task: RoundConfiguration
  let run: string

  beforeEach(async () => {
    started = await Started.create()
    client = await RawClient.open(started.url(carrier), 'a')
    started.addClient('b', carrier, { ...addingTrainer(1), train: () => new Promise(() => {}) })
    run = (await started.running.api.startRun(planText({ rounds: 1, count: { min: 2, max: 2 } }))).run
    task = await client.task()
  })
  afterEach(async () => {
    client.close()
    await started.stop()
  })

  test('of the same bytes gets the same receipt again; of other bytes it is a duplicate', async () => {
    const update = forgeUpdate(task, 'a', Float32Array.of(1, 1, 1, 1))
    expect(await upload(client, update)).toMatchObject({ accepted: true })
    expect(await upload(client, update)).toMatchObject({
      accepted: true,
      digest: expect.objectContaining({ length: 32 }),
    })
    const other = await upload(client, forgeUpdate(task, 'a', Float32Array.of(2, 2, 2, 2)))
    expect(other).toMatchObject({ accepted: false, code: 'update.duplicate' })
    const view = await started.running.api.run(run)
    expect(view.engaged.find((member) => member.client === 'a')).toMatchObject({ phase: 'accepted' })
  })

  test('of a client that was not selected is refused', async () => {
    const stranger = await RawClient.open(started.url(carrier), 'd')
    const receipt = await upload(stranger, forgeUpdate(task, 'd', new Float32Array(4)))
    expect(receipt).toMatchObject({ accepted: false, code: 'update.not-selected' })
    stranger.close()
  })
})

test.each([
  ['grpc', 'ws'],
  ['ws', 'grpc'],
] as const)(
  'a client that disappears in mid-upload over %s goes on over %s at the segment where it stopped',
  async (first, second) => {
    const parameters = 1_000_000
    const started = await Started.create({ parameters })
    const client = await RawClient.open(started.url(first), 'a')
    started.addClient('b', second, {
      ...addingTrainer(1),
      layout: tinyLayout(parameters),
      train: () => new Promise(() => {}),
    })
    const { run } = await started.running.api.startRun(
      planText({ rounds: 1, extra: 'aggregation: { screens: { maxNorm: 10000 } }' }),
    )
    const update = forgeUpdate(await client.task(), 'a', new Float32Array(parameters).fill(0.5))
    await client.send(update.header)
    await client.next('uploadReady')
    const segment = 1024 * 1024 + 16
    for (const offset of [0, segment]) {
      await client.send({
        type: 'uploadChunk',
        digest: update.digest,
        offset,
        data: update.sealed.slice(offset, offset + segment),
      })
    }
    // The coordinator has seen both segments before the client is gone.
    await started.view(run, (view) =>
      view.engaged.some((member) => member.client === 'a' && member.bytes === 2 * segment),
    )
    client.close()
    const back = await RawClient.open(started.url(second), 'a')
    await back.send(update.header)
    expect((await back.next('uploadReady')).offset).toBe(2 * segment)
    expect(await upload(back, update)).toMatchObject({ accepted: true })
    back.close()
    await started.stop()
  },
)

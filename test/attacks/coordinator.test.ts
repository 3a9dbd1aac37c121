import { afterEach, describe, expect, test } from 'vitest'
import { payloadTypes, signBytes } from '../../core/crypto/envelope.ts'
import { utf8 } from '../../core/encoding/bytes.ts'
import type { Frame } from '../../core/wire/frame.ts'
import {
  type Claim,
  digestBytes,
  FakeCoordinator,
  modelFile,
  planFile,
  refOf,
  taskOf,
} from '../support/fake-coordinator.ts'
import { addingTrainer, coordinatorKey, keyOf, tinyLayout } from '../support/federation.ts'

let fake: FakeCoordinator
afterEach(() => fake.stop())

const digest = new Uint8Array(32).fill(0xd1)
const envelope = { payloadType: '', payload: new Uint8Array(0), signature: new Uint8Array(64) }
const changed = (bytes: Uint8Array) => bytes.with(bytes.length - 1, bytes.at(-1)! ^ 1)

/** Whatever it was told, the client has trained nothing, evaluated nothing and sent nothing of its data. */
function nothingWasDone(): void {
  expect(fake.worked).toBe(0)
  for (const type of ['uploadOpen', 'uploadChunk', 'evaluation']) expect(fake.sent()).not.toContain(type)
}

async function declined(code: string): Promise<void> {
  expect(await fake.next('decline')).toMatchObject({ run: 'run_1', code })
  nothingWasDone()
}

async function sessionEnds(code: string): Promise<void> {
  expect((await fake.event('disconnected')).error?.code).toBe(code)
  nothingWasDone()
}

test('an honest coordinator gets its update: what the others below are refused is their lie and nothing else', async () => {
  fake = await FakeCoordinator.open()
  await fake.send(taskOf())
  expect(await fake.serve(planFile)).toBe(refOf(planFile).digest)
  expect(await fake.serve(modelFile)).toBe(refOf(modelFile).digest)
  await fake.next('uploadOpen')
  expect(fake.worked).toBe(1)
})

describe('before anything is proved to it, a coordinator', () => {
  test.each<[string, Claim, string]>([
    ['with another key is not trusted', { key: keyOf('mallory') }, 'node.untrusted-coordinator'],
    [
      'that names the pinned key and has not got it fails its proof',
      { signer: keyOf('mallory') },
      'auth.bad-signature',
    ],
    ['that chooses a version which was not offered is left', { version: 2 }, 'version.unsupported'],
  ])('%s', async (_name, claim, code) => {
    fake = new FakeCoordinator()
    await fake.challenge({ key: coordinatorKey, ...claim })
    await sessionEnds(code)
    expect(fake.sent()).toEqual(['hello', 'close'])
  })

  test('that plays the client is left', async () => {
    fake = new FakeCoordinator()
    await fake.send(await fake.next('hello'))
    await sessionEnds('session.protocol')
    expect(fake.sent()).toEqual(['hello', 'close'])
  })

  test('that says nothing is left after the time for a handshake', async () => {
    fake = new FakeCoordinator({ limits: { handshakeMs: 200 } })
    await sessionEnds('session.handshake-timeout')
    expect(fake.sent()).toEqual(['hello', 'close'])
  })

  test('that sends more than the handshake needs is left', async () => {
    fake = new FakeCoordinator()
    const { nonce } = await fake.next('hello')
    const publicKey = new Uint8Array(8_000)
    await fake.send({ type: 'challenge', version: 1, publicKey, nonce, capabilities: [], signature: nonce })
    await sessionEnds('frame.too-large')
  })
})

describe('a round configuration', () => {
  test.each<[string, Frame, string]>([
    ['that is signed by another key', taskOf({}, keyOf('mallory')), 'auth.bad-signature'],
    ['that was signed as something else', { type: 'task', configuration: mislabelled() }, 'auth.bad-signature'],
    ['with a field that nobody knows', taskOf({ budget: 5 }), 'frame.malformed'],
    ['of a mode that nobody knows', taskOf({ mode: 'clear' }), 'frame.malformed'],
    ['without a round key', taskOf({ roundKey: '' }), 'frame.malformed'],
    ['of round 0', taskOf({ round: 0 }), 'frame.malformed'],
  ])('%s ends the session before anything is asked for', async (_name, frame, code) => {
    fake = await FakeCoordinator.open()
    await fake.send(frame)
    await sessionEnds(code)
    expect(fake.sent()).not.toContain('blobRequest')
  })

  function mislabelled() {
    const { payload } = taskOf().configuration!
    return { ...signBytes(coordinatorKey, payloadTypes.manifest, payload), payloadType: payloadTypes.round }
  }

  test('for too small a cohort is declined before anything is asked for', async () => {
    fake = await FakeCoordinator.open({ minCohort: 3 })
    await fake.send(taskOf({ cohort: 2 }))
    await declined('node.plan-refused')
    expect(fake.sent()).not.toContain('blobRequest')
  })

  test('that goes back to an earlier round is declined', async () => {
    fake = await FakeCoordinator.open()
    await fake.send(taskOf({ round: 7 }))
    await fake.next('blobRequest')
    await fake.send(taskOf({ round: 6 }))
    await declined('node.rollback-refused')
  })

  test('that goes back to a round from before the client’s restart is declined', async () => {
    fake = await FakeCoordinator.open({ memory: { last: async () => 7, remember: async () => {} } })
    await fake.send(taskOf({ round: 6 }))
    await declined('node.rollback-refused')
    expect(fake.sent()).not.toContain('blobRequest')
  })

  test('of a plan of 100 GB is declined before any memory is taken', async () => {
    fake = await FakeCoordinator.open()
    await fake.send(taskOf({ plan: { digest: 'ab'.repeat(32), bytes: 100e9 } }))
    await declined('node.plan-refused')
    expect(fake.sent()).not.toContain('blobRequest')
  })

  test.each<[string, object]>([
    ['of 100 GB', { model: { digest: 'ab'.repeat(32), bytes: 100e9 } }],
    ['of 100 GB and as many parameters', { model: { digest: 'ab'.repeat(32), bytes: 100e9 }, parameters: 25e9 - 2 }],
    ['of 7 GB, below the limit, for a small model', { model: { digest: 'ab'.repeat(32), bytes: 7e9 } }],
    [
      'of 7 GB, below the limit, and as many parameters',
      { model: { digest: 'ab'.repeat(32), bytes: 7e9 }, parameters: 7e9 / 4 - 2 },
    ],
    ['too short for its parameters', { model: { digest: 'ab'.repeat(32), bytes: 16 } }],
  ])('of a model %s is declined before any memory is taken', async (_name, lie) => {
    fake = await FakeCoordinator.open()
    await fake.send(taskOf(lie))
    await fake.serve(planFile)
    const before = process.memoryUsage().arrayBuffers
    await declined('node.plan-refused')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e9)
    expect(fake.sent().filter((type) => type === 'blobRequest')).toHaveLength(1)
  })

  test('of another layout than the client builds from the plan is declined', async () => {
    fake = await FakeCoordinator.open({ trainer: async () => ({ ...addingTrainer(1), layout: tinyLayout(5) }) })
    await fake.send(taskOf())
    await fake.serve(planFile)
    await declined('node.plan-refused')
  })
})

describe('a blob', () => {
  test('of a plan with another digest is not read', async () => {
    fake = await FakeCoordinator.open()
    await fake.send(taskOf())
    await fake.serve(changed(planFile))
    await declined('node.model-mismatch')
  })

  test('that is signed for, and no plan, is declined by name', async () => {
    const plan = utf8('{"parley":1}')
    fake = await FakeCoordinator.open()
    await fake.send(taskOf({ plan: refOf(plan) }))
    await fake.serve(plan)
    await declined('plan.invalid')
  })

  test('of weights with another digest is not trained on', async () => {
    fake = await FakeCoordinator.open()
    await fake.send(taskOf())
    await fake.serve(planFile)
    await fake.serve(changed(modelFile))
    await declined('node.model-mismatch')
  })

  test('of weights that are signed for, and no safetensors file, is declined by name', async () => {
    const file = changed(modelFile).fill(0xff, 0, 8)
    fake = await FakeCoordinator.open()
    await fake.send(taskOf({ model: refOf(file) }))
    await fake.serve(planFile)
    await fake.serve(file)
    await declined('tensors.malformed')
  })

  test('that the coordinator does not have is declined by name', async () => {
    fake = await FakeCoordinator.open()
    await fake.send(taskOf())
    await fake.next('blobRequest')
    await fake.send({ type: 'blobAbsent', digest: digestBytes(refOf(planFile)) })
    await declined('object.not-found')
  })

  test.each<[string, number, Uint8Array]>([
    ['at another place', 1, planFile.subarray(1)],
    ['beyond the promised end', 0, new Uint8Array(planFile.length + 1)],
    ['without bytes', 0, new Uint8Array(0)],
  ])('in a chunk %s ends the session', async (_name, offset, data) => {
    fake = await FakeCoordinator.open()
    await fake.send(taskOf())
    const request = await fake.next('blobRequest')
    await fake.send({ type: 'blobChunk', digest: request.digest, offset, data })
    await sessionEnds('session.protocol')
  })

  test('that nobody asked for is passed over, and the one that was asked for still arrives', async () => {
    fake = await FakeCoordinator.open()
    await fake.send(taskOf())
    await fake.next('blobRequest')
    await fake.send({ type: 'blobChunk', digest, offset: 0, data: new Uint8Array(1_000) })
    await fake.serve(changed(planFile))
    await declined('node.model-mismatch')
  })
})

describe('in an open session, a coordinator', () => {
  test.each<[string, Uint8Array]>([
    ['a frame of an unknown type', Uint8Array.of(0x9a, 0x06, 0x00)],
    ['an empty frame', new Uint8Array(0)],
    ['bytes that are no frame', new Uint8Array(100).fill(0xff)],
  ])('that sends %s is left', async (_name, bytes) => {
    fake = await FakeCoordinator.open()
    await fake.sendBytes(bytes)
    await sessionEnds('frame.malformed')
  })

  test.each<Frame>([
    { type: 'hello', minVersion: 1, maxVersion: 1, publicKey: digest, nonce: digest, capabilities: [], agent: '' },
    { type: 'challenge', version: 1, publicKey: digest, nonce: digest, capabilities: [], signature: digest },
    { type: 'authenticate', signature: digest, auditRecords: 0 },
    { type: 'welcome', client: 'b', idleMs: 1, maxFrameBytes: 1, audit: null },
    { type: 'decline', run: 'r', round: 1, kind: 'train', code: 'interrupted', message: '' },
    { type: 'blobRequest', digest, offset: 0 },
    { type: 'uploadOpen', header: envelope },
    { type: 'uploadChunk', digest, offset: 0, data: new Uint8Array(3) },
    { type: 'evaluation', report: envelope },
  ])('that sends a $type is left', async (frame) => {
    fake = await FakeCoordinator.open()
    await fake.send(frame)
    await sessionEnds('session.protocol')
  })

  test('that calls for an update which nobody made gets nothing', async () => {
    fake = await FakeCoordinator.open()
    await fake.send({ type: 'uploadReady', digest, offset: 0 })
    await fake.send({
      type: 'receipt',
      run: 'r',
      round: 1,
      kind: 'train',
      digest,
      accepted: true,
      code: '',
      message: '',
    })
    await fake.send({ type: 'task', configuration: envelope })
    await sessionEnds('auth.bad-signature')
  })

  test('that falls silent is left', async () => {
    fake = await FakeCoordinator.open({ limits: { idleMs: 300 } })
    await sessionEnds('session.idle')
  })
})

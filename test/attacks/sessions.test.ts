import { createHash } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { type HandshakeTranscript, proveHandshake } from '../../core/crypto/handshake.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import type { SigningKey } from '../../core/crypto/primitives.ts'
import { fromHex } from '../../core/encoding/bytes.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { layoutLength } from '../../core/tensors/layout.ts'
import { encodeFrame, type Frame, type FrameOf } from '../../core/wire/frame.ts'
import { defaultLimits } from '../../core/wire/limits.ts'
import { keyOf, tinyLayout } from '../support/federation.ts'
import { HonestRound, type HonestRoundOptions, watchedStore } from '../support/honest-round.ts'
import { planText } from '../support/plans.ts'
import { forgeUpdate, RawClient } from '../support/raw-client.ts'

const KiB = 1024
const MiB = 1024 * KiB
const envelope = { payloadType: '', payload: new Uint8Array(0), signature: new Uint8Array(64) }
const digest = new Uint8Array(32).fill(0xd1)
const decline = { type: 'decline', run: 'run_0', round: 1, kind: 'train', code: 'interrupted', message: 'no' } as const

/** Bytes that look random and are the same every time. */
function noise(length: number, seed: string): Uint8Array {
  return new Uint8Array(createHash('shake256', { outputLength: length }).update(seed).digest())
}

function helloOf(key: SigningKey, changed: Partial<FrameOf<'hello'>> = {}): FrameOf<'hello'> {
  return {
    type: 'hello',
    minVersion: 1,
    maxVersion: 1,
    publicKey: key.publicKey,
    nonce: nodeCrypto.randomBytes(32),
    capabilities: ['mode:sealed'],
    agent: 'raw',
    ...changed,
  }
}

function authenticate(
  signer: SigningKey,
  hello: FrameOf<'hello'>,
  challenge: FrameOf<'challenge'>,
): FrameOf<'authenticate'> {
  const transcript: HandshakeTranscript = {
    minVersion: hello.minVersion,
    maxVersion: hello.maxVersion,
    version: challenge.version,
    offered: hello.capabilities,
    agreed: challenge.capabilities,
    clientKey: hello.publicKey,
    clientNonce: hello.nonce,
    coordinatorKey: challenge.publicKey,
    coordinatorNonce: challenge.nonce,
  }
  return { type: 'authenticate', signature: proveHandshake(signer, 'client', transcript), auditRecords: 0 }
}

describe.each(['grpc', 'ws'] as const)('over %s,', (carrier) => {
  let round: HonestRound
  const during = async (options?: HonestRoundOptions) => {
    round = await HonestRound.create(carrier, options)
    return round
  }
  afterEach(() => round.stop())

  describe('before it is authenticated, a peer', () => {
    test.each<[string, Frame]>([
      ['asks for a blob', { type: 'blobRequest', digest, offset: 0 }],
      ['authenticates without a Hello', { type: 'authenticate', signature: new Uint8Array(64), auditRecords: 0 }],
      ['opens an upload', { type: 'uploadOpen', header: envelope }],
      ['plays the coordinator', { type: 'welcome', client: 'a', idleMs: 1, maxFrameBytes: 1, audit: null }],
    ])('that %s first is refused as not authenticated', async (_name, frame) => {
      await during()
      const peer = await round.connect()
      await peer.send(frame)
      expect(await peer.closeCode()).toBe('session.not-authenticated')
      await round.finishes()
    })

    test('that greets twice is refused as not authenticated', async () => {
      await during()
      const peer = await round.connect()
      await peer.send(helloOf(keyOf('a')))
      await peer.next('challenge')
      await peer.send(helloOf(keyOf('a')))
      expect(await peer.closeCode()).toBe('session.not-authenticated')
      await round.finishes()
    })

    test('that sends noise is refused as malformed', async () => {
      await during()
      for (const length of [1, 60, 4 * KiB]) {
        const peer = await round.connect()
        await peer.sendBytes(noise(length, 'stranger'))
        expect(await peer.closeCode()).toBe('frame.malformed')
      }
      await round.finishes()
    })

    test('may not send more than the handshake needs, though the carrier takes larger frames', async () => {
      await during()
      const peer = await round.connect()
      const frame = encodeFrame(helloOf(keyOf('a'), { agent: 'x'.repeat(defaultLimits.handshakeBytes) }))
      expect(frame.length).toBeLessThan(defaultLimits.frameBytes)
      await peer.sendBytes(frame)
      expect(await peer.closeCode()).toBe('frame.too-large')
      await round.finishes()
    })

    test.each<[string, Partial<FrameOf<'hello'>>]>([
      ['a key of 31 bytes', { publicKey: new Uint8Array(31) }],
      ['a nonce of 31 bytes', { nonce: new Uint8Array(31) }],
      ['33 capabilities', { capabilities: Array<string>(33).fill('x') }],
      ['an agent of 101 characters', { agent: 'x'.repeat(101) }],
    ])('that greets with %s is refused as malformed', async (_name, changed) => {
      await during()
      const peer = await round.connect()
      await peer.send(helloOf(keyOf('a'), changed))
      expect(await peer.closeCode()).toBe('frame.malformed')
      await round.finishes()
    })

    test('that speaks later versions only is told the versions of both ends', async () => {
      await during()
      const peer = await round.connect()
      await peer.send(helloOf(keyOf('a'), { minVersion: 2, maxVersion: 5 }))
      const { code, message } = await peer.next('close')
      expect(code).toBe('version.unsupported')
      expect(message).toMatch(/speaks version 1\b.*client 2 to 5/)
      await round.finishes()
    })

    test('that is not listed learns so only after it has proved its key', async () => {
      await during()
      const mallory = keyOf('mallory')
      const liar = await round.connect()
      const lie = helloOf(mallory)
      await liar.send(lie)
      await liar.send(authenticate(keyOf('eve'), lie, await liar.next('challenge')))
      // As for a listed client with a wrong proof: the list cannot be probed with keys of others.
      expect(await liar.closeCode()).toBe('auth.bad-signature')
      const peer = await round.connect()
      const hello = helloOf(mallory)
      await peer.send(hello)
      await peer.send(authenticate(mallory, hello, await peer.next('challenge')))
      expect(await peer.closeCode()).toBe('auth.failed')
      await round.finishes()
    })

    test('that names the key of another is refused for its forged proof', async () => {
      await during()
      const peer = await round.connect()
      const hello = helloOf(keyOf('a'))
      await peer.send(hello)
      await peer.send(authenticate(keyOf('mallory'), hello, await peer.next('challenge')))
      expect(await peer.closeCode()).toBe('auth.bad-signature')
      await round.finishes()
    })

    test('that sends the coordinator’s own proof back is refused', async () => {
      await during()
      const peer = await round.connect()
      await peer.send(helloOf(keyOf('a')))
      const { signature } = await peer.next('challenge')
      await peer.send({ type: 'authenticate', signature, auditRecords: 0 })
      expect(await peer.closeCode()).toBe('auth.bad-signature')
      await round.finishes()
    })

    test('that replays a whole earlier handshake is refused', async () => {
      await during()
      const client = await round.connect()
      const hello = helloOf(keyOf('a'))
      await client.send(hello)
      const proof = authenticate(keyOf('a'), hello, await client.next('challenge'))
      await client.send(proof)
      expect(await client.next('welcome')).toMatchObject({ client: 'a' })
      client.close()
      const thief = await round.connect()
      await thief.send(hello)
      await thief.next('challenge')
      await thief.send(proof)
      expect(await thief.closeCode()).toBe('auth.bad-signature')
      await round.finishes()
    })

    test.each([
      ['says nothing', false],
      ['sends heartbeats only', true],
    ])('that %s is dropped after the time for a handshake', async (_name, beats) => {
      await during({ limits: { handshakeMs: 400 } })
      const peer = await round.connect()
      if (beats) for (let beat = 0; beat < 10; beat++) await peer.send({ type: 'heartbeat' })
      expect(await peer.closeCode()).toBe('session.handshake-timeout')
      await round.finishes({ sessionsHold: false })
    })
  })

  describe('in an open session, a client', () => {
    test.each<[string, Uint8Array]>([
      ['a truncated frame', encodeFrame(decline).subarray(0, -3)],
      ['a frame of an unknown type', Uint8Array.of(0x9a, 0x06, 0x00)],
      ['an empty frame', new Uint8Array(0)],
      ['random bytes', noise(1_000, 'client')],
      ['two bodies in one frame', new Uint8Array([...encodeFrame({ type: 'heartbeat' }), ...encodeFrame(decline)])],
    ])('that sends %s is dropped as malformed', async (_name, bytes) => {
      await during()
      const client = await round.open()
      await client.sendBytes(bytes)
      expect(await client.closeCode()).toBe('frame.malformed')
      await round.ended('frame.malformed')
      await round.finishes()
    })

    test('that sends a frame above the limit is dropped as too large', async () => {
      await during()
      const client = await round.open()
      client.sendBytes(new Uint8Array(defaultLimits.frameBytes + 1)).catch(() => {})
      expect(await client.closeCode()).toBe('frame.too-large')
      await round.ended('frame.too-large')
      await round.finishes()
    })

    test('that falls silent is dropped as idle', async () => {
      await during({ limits: { idleMs: 600 } })
      const client = await round.open()
      expect(await client.closeCode()).toBe('session.idle')
      await round.finishes({ sessionsHold: false })
    })

    test.each<Frame>([
      helloOf(keyOf('a')),
      { type: 'challenge', version: 1, publicKey: digest, nonce: digest, capabilities: [], signature: digest },
      { type: 'authenticate', signature: digest, auditRecords: 0 },
      { type: 'welcome', client: 'a', idleMs: 1, maxFrameBytes: 1, audit: null },
      { type: 'task', configuration: envelope },
      { type: 'blobChunk', digest, offset: 0, data: new Uint8Array(3) },
      { type: 'blobAbsent', digest },
      { type: 'uploadReady', digest, offset: 0 },
      { type: 'receipt', run: 'r', round: 1, kind: 'train', digest, accepted: true, code: '', message: '' },
    ])('that sends a $type is dropped for breaking the protocol', async (frame) => {
      await during()
      const client = await round.open()
      await client.send(frame)
      expect(await client.closeCode()).toBe('session.protocol')
      await round.finishes()
    })

    test('that declines an unknown kind of task is dropped as malformed; an unknown run is passed over', async () => {
      await during()
      const client = await round.open()
      await client.send(decline)
      await client.send({ ...decline, kind: 'aggregate' })
      expect(await client.next('close')).toMatchObject({
        code: 'frame.malformed',
        message: expect.stringMatching(/kind/),
      })
      await round.finishes()
    })

    test('that has a newer session loses the older one, and the newer one works', async () => {
      await during()
      const first = await round.open()
      const second = await round.open()
      expect(await first.closeCode()).toBe('session.replaced')
      await second.send({ type: 'blobRequest', digest, offset: 0 })
      await second.next('blobAbsent')
      await round.finishes()
    })

    test('gets no blob but those of its tasks, and none from beyond its end', async () => {
      const { store } = watchedStore()
      const secret = fromHex(await store.blobs.put(noise(100, 'a blob of somebody else')))!
      await during({ attackerAsked: true, store })
      const { attacker, task } = round
      const plan = fromHex(task.plan.digest)!
      await attacker.send({ type: 'blobRequest', digest: secret, offset: 0 })
      expect((await attacker.nextOf('blobAbsent', 'blobChunk')).type).toBe('blobAbsent')
      await attacker.send({ type: 'blobRequest', digest: plan, offset: task.plan.bytes + 1 })
      expect((await attacker.nextOf('blobAbsent', 'blobChunk')).type).toBe('blobAbsent')
      await attacker.send({ type: 'blobRequest', digest: plan, offset: 0 })
      expect((await attacker.nextOf('blobAbsent', 'blobChunk')).type).toBe('blobChunk')
      await round.finishes()
    })

    test('that is in no cohort gets not even the model that others train', async () => {
      await during({ attackerAsked: true })
      const { task } = round
      const model = task.kind === 'train' ? fromHex(task.model.digest)! : digest
      const stranger = await round.open('d')
      await stranger.send({ type: 'blobRequest', digest: model, offset: 0 })
      expect((await stranger.nextOf('blobAbsent', 'blobChunk')).type).toBe('blobAbsent')
      stranger.close()
      await round.finishes()
    })

    test('may have eight downloads pending; with the ninth it is dropped', async () => {
      const { store, hold } = watchedStore()
      await during({ attackerAsked: true, store })
      const { attacker, task } = round
      const plan = fromHex(task.plan.digest)!
      const request = { type: 'blobRequest', digest: plan, offset: 0 } as const
      const release = hold()
      for (let pending = 0; pending < 8; pending++) await attacker.send(request)
      // Answered after all eight have been taken in, and while none of them has been served.
      await attacker.send(forgeUpdate(task, 'a', new Float32Array(4), { run: 'run_0' }).header)
      expect(await attacker.next('receipt')).toMatchObject({ code: 'update.stale' })
      release()
      for (let pending = 0; pending < 8; pending++) await attacker.next('blobChunk')
      const releaseAgain = hold()
      for (let pending = 0; pending < 9; pending++) await attacker.send(request)
      expect(await attacker.next('close')).toMatchObject({
        code: 'session.protocol',
        message: 'too many downloads at once',
      })
      releaseAgain()
      await round.finishes()
    })

    test('may send 256 chunks that nobody waits for; with more it is dropped', async () => {
      await during()
      const client = await round.open()
      const chunk = { type: 'uploadChunk', digest, offset: 0, data: new Uint8Array(1_000) } as const
      for (let sent = 0; sent < 256; sent++) await client.send(chunk)
      await client.send({ type: 'blobRequest', digest, offset: 0 })
      await client.next('blobAbsent')
      await client.send(chunk)
      expect(await client.closeCode()).toBe('session.protocol')
      await round.finishes()
    })

    test('that asks for a large model and reads nothing is dropped, and little of the model is read for it', async () => {
      const parameters = 10 * MiB
      const { store, readBytes } = watchedStore()
      let model: Uint8Array = digest
      await during({
        store,
        limits: { stallMs: 500, handshakeMs: 500, sendQueueBytes: 2 * MiB },
        config: {
          initialModel: async (plan: Plan) => {
            const layout = tinyLayout(plan.name === 'large' ? parameters : 4)
            return { layout, weights: new Float32Array(layoutLength(layout)) }
          },
        },
        // Alone, the attacker is the whole cohort of a run of its own with a large model.
        attackerFirst: async (started) => {
          const attacker = await RawClient.open(started.url(carrier), 'a')
          await started.running.api.startRun(
            planText({ name: 'large', count: { min: 1, max: 1 }, time: { max: '1h' } }),
          )
          const task = await attacker.task()
          if (task.kind === 'train') model = fromHex(task.model.digest)!
          return attacker
        },
      })
      const readBefore = readBytes()
      await round.attacker.send({ type: 'blobRequest', digest: model, offset: 0 })
      await round.ended('session.slow-consumer')
      // What the sockets of both ends and HTTP/2 hold, and not the 40 MiB that were asked for.
      expect(readBytes() - readBefore).toBeLessThan(24 * MiB)
      await round.finishes({ sessionsHold: false })
    })
  })
})

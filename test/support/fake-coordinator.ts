import { createClientNode } from '../../client/node/client.ts'
import type { ClientEvent, ClientOptions } from '../../client/node/options.ts'
import type { Trainer } from '../../client/training/ports.ts'
import { type Envelope, payloadTypes, signBytes } from '../../core/crypto/envelope.ts'
import { proveHandshake } from '../../core/crypto/handshake.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import type { SigningKey } from '../../core/crypto/primitives.ts'
import { bytesView, concatBytes, fromHex, toHex, utf8 } from '../../core/encoding/bytes.ts'
import { canonicalPlan } from '../../core/plan/parse.ts'
import { systemClock } from '../../core/system-clock.ts'
import { layoutBytes } from '../../core/tensors/layout.ts'
import { writeHeader } from '../../core/tensors/safetensors.ts'
import type { Connection } from '../../core/wire/connection.ts'
import { decodeFrame, encodeFrame, type Frame, type FrameOf } from '../../core/wire/frame.ts'
import { defaultLimits, type Limits } from '../../core/wire/limits.ts'
import { memoryPipe } from '../../core/wire/pipe.ts'
import { addingTrainer, coordinatorKey, keyOf, tinyLayout } from './federation.ts'
import { planOf } from './plans.ts'

/** What a coordinator says of itself in the handshake; by default the truth. */
export type Claim = { readonly key?: SigningKey; readonly signer?: SigningKey; readonly version?: number }

const layout = tinyLayout()
export const planFile = utf8(canonicalPlan(planOf({ rounds: 100 })))
export const modelFile = concatBytes(writeHeader(layout), bytesView(new Float32Array(4)))
export const refOf = (bytes: Uint8Array) => ({ digest: toHex(nodeCrypto.sha256(bytes)), bytes: bytes.length })

/** A task to train as an honest coordinator gives it, with whatever differs. */
export function taskOf(changed: object = {}, signer = coordinatorKey): FrameOf<'task'> {
  const configuration = {
    v: 1,
    run: 'run_1',
    round: 1,
    rounds: 100,
    plan: refOf(planFile),
    layout: toHex(nodeCrypto.sha256(layoutBytes(layout))),
    parameters: 4,
    cohort: 3,
    kind: 'train',
    mode: 'sealed',
    model: refOf(modelFile),
    roundKey: toHex(nodeCrypto.agreementKey(new Uint8Array(32).fill(9)).publicKey),
    ...changed,
  }
  const envelope: Envelope = signBytes(signer, payloadTypes.round, utf8(JSON.stringify(configuration)))
  return { type: 'task', configuration: envelope }
}

/** A client node whose one connection ends in the hands of a test that plays the coordinator, frame by frame. */
export class FakeCoordinator {
  /** Everything that the client has sent, in order. */
  readonly received: Frame[] = []
  readonly events: ClientEvent[] = []
  /** How often anything was trained or evaluated. */
  worked = 0
  readonly #waiting = new Set<() => void>()
  readonly #node
  readonly #connected: Promise<Connection>

  constructor(
    options: Partial<Omit<ClientOptions, 'limits'>> & {
      limits?: Partial<Limits>
      trainer?: () => Promise<Trainer>
    } = {},
  ) {
    let dialled: (connection: Connection) => void = () => {}
    this.#connected = new Promise((resolve) => {
      dialled = resolve
    })
    let dials = 0
    const rounds = new Map<string, number>()
    const trainer = addingTrainer(1)
    this.#node = createClientNode({
      crypto: nodeCrypto,
      clock: systemClock,
      identity: keyOf('a'),
      coordinatorKey: coordinatorKey.publicKey,
      dials: [
        async () => {
          // Later attempts meet somebody who never answers: what is to be seen is the first session.
          const [ours, theirs] = memoryPipe()
          if (dials++ === 0) dialled(ours)
          return theirs
        },
      ],
      trainer: async () => ({
        ...trainer,
        train: (request) => {
          this.worked++
          return trainer.train(request)
        },
        evaluate: (weights, signal) => {
          this.worked++
          return trainer.evaluate(weights, signal)
        },
      }),
      memory: { last: async (run) => rounds.get(run), remember: async (run, round) => void rounds.set(run, round) },
      minCohort: 2,
      agent: 'test',
      unsafeAllowAnyPlan: true,
      ...options,
      limits: { ...defaultLimits, ...options.limits },
      onEvent: (event) => {
        this.events.push(event)
        this.#wake()
      },
    })
    this.#node.start()
    void this.#connected.then((connection) => this.#listen(connection))
  }

  /** The handshake with whatever is claimed in it; resolves when the challenge is out. */
  async challenge({ key = coordinatorKey, signer = key, version = 1 }: Claim = {}): Promise<void> {
    const hello = await this.next('hello')
    const nonce = nodeCrypto.randomBytes(32)
    const signature = proveHandshake(signer, 'coordinator', {
      minVersion: hello.minVersion,
      maxVersion: hello.maxVersion,
      version,
      offered: hello.capabilities,
      agreed: hello.capabilities,
      clientKey: hello.publicKey,
      clientNonce: hello.nonce,
      coordinatorKey: key.publicKey,
      coordinatorNonce: nonce,
    })
    const { publicKey } = key
    await this.send({ type: 'challenge', version, publicKey, nonce, capabilities: hello.capabilities, signature })
  }

  /** An open session. */
  static async open(options?: ConstructorParameters<typeof FakeCoordinator>[0]): Promise<FakeCoordinator> {
    const fake = new FakeCoordinator(options)
    await fake.challenge()
    await fake.next('authenticate')
    await fake.send({
      type: 'welcome',
      client: 'a',
      idleMs: 60_000,
      maxFrameBytes: defaultLimits.frameBytes,
      audit: null,
    })
    return fake
  }

  async send(frame: Frame): Promise<void> {
    await this.sendBytes(encodeFrame(frame))
  }

  async sendBytes(bytes: Uint8Array): Promise<void> {
    await (await this.#connected).send(bytes)
  }

  /** Answers the client's next request with these bytes, whatever it asked for; returns the digest of what it asked. */
  async serve(bytes: Uint8Array): Promise<string> {
    const before = this.received.length
    const { digest, offset } = await this.next('blobRequest', this.#served)
    this.#served = Math.max(
      before,
      this.received.findIndex((frame) => frame.type === 'blobRequest' && frame.digest === digest) + 1,
    )
    await this.send({ type: 'blobChunk', digest, offset, data: bytes })
    return toHex(digest)
  }
  #served = 0

  /** The first frame of this type, from the frame of this number on. */
  async next<T extends Frame['type']>(type: T, from = 0): Promise<FrameOf<T>> {
    return this.#until(() => this.received.slice(from).find((frame): frame is FrameOf<T> => frame.type === type))
  }

  async event<T extends ClientEvent['type']>(type: T): Promise<Extract<ClientEvent, { type: T }>> {
    return this.#until(() =>
      this.events.find((event): event is Extract<ClientEvent, { type: T }> => event.type === type),
    )
  }

  /** The types of the frames that the client has sent. */
  sent(): string[] {
    return this.received.map(({ type }) => type)
  }

  stop(): Promise<void> {
    return this.#node.stop()
  }

  async #listen(connection: Connection): Promise<void> {
    try {
      for await (const bytes of connection.frames) {
        this.received.push(decodeFrame(bytes))
        this.#wake()
      }
    } catch {
      // The client has closed with a code.
    }
  }

  async #until<Value>(look: () => Value | undefined): Promise<Value> {
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake)
          resolve()
        }
        this.#waiting.add(wake)
      })
    }
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }
}

export const digestBytes = (ref: { readonly digest: string }): Uint8Array => fromHex(ref.digest) ?? new Uint8Array(0)

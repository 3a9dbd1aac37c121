/**
 * Masked rounds with somebody in them who does not keep to the rules, frame by frame: a client against the product's
 * coordinator, and a coordinator against the product's client. docs/threat-model.md says what is promised.
 */
import { afterEach, describe, expect, test } from 'vitest'
import { dialUrl } from '../../client/carriers/dial.ts'
import { sealVector } from '../../client/node/update.ts'
import { type Envelope, preAuthenticationEncoding } from '../../core/crypto/envelope.ts'
import { nodeCrypto as crypto } from '../../core/crypto/node.ts'
import type { SigningKey } from '../../core/crypto/primitives.ts'
import { fromHex, fromUtf8, toHex, utf8 } from '../../core/encoding/bytes.ts'
import { canonicalJsonOfDefined } from '../../core/encoding/canonical-json.ts'
import { canonicalPlan } from '../../core/plan/parse.ts'
import type { RoundConfiguration, TrainConfiguration } from '../../core/run/round-configuration.ts'
import { trainingDigest } from '../../core/run/training-digest.ts'
import {
  advertise,
  broadcastFor,
  type ClientContext,
  type ClientState,
  type CoordinatorState,
  checksumKey,
  chooseGraph,
  closePhase,
  configHashOf,
  confirmSurvivors,
  delivered,
  type Expectation,
  encodeInput,
  maskInput,
  type RefusalReason,
  type SessionConfiguration,
  secaggPayloadTypes,
  shareKeys,
  signConfiguration,
  startSession,
  type Transition,
  take,
  unmask,
  vectorDigest,
} from '../../core/secagg/index.ts'
import type {
  ConfirmationsBroadcast,
  MembersBroadcast,
  RosterBroadcast,
  SurvivorsBroadcast,
} from '../../core/secagg/messages.ts'
import type { Frame, FrameOf } from '../../core/wire/frame.ts'
import { defaultLimits } from '../../core/wire/limits.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { FakeCoordinator, modelFile, refOf, taskOf } from '../support/fake-coordinator.ts'
import { addingTrainer, coordinatorKey, keyOf, storedWeights } from '../support/federation.ts'
import { gate } from '../support/honest-round.ts'
import { maskingOf, Recorder, stepOf } from '../support/masking.ts'
import { planOf, planText } from '../support/plans.ts'
import { type ForgedUpdate, forgeUpdate, RawClient } from '../support/raw-client.ts'
import { Started } from '../support/started.ts'

const names = ['a', 'b', 'c', 'd'] as const
type Kind = 'configuration' | 'roster' | 'members' | 'survivors' | 'confirmations'

const cleanUp: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of cleanUp.splice(0).reverse()) await stop()
})

function contextOf(name: string): ClientContext {
  return { crypto, signingKey: keyOf(name), policy: maskingOf(names).masking!.policy }
}

/** Signed as it should be, whatever it is. */
function signed(key: SigningKey, payloadType: string, payload: Uint8Array): Envelope {
  return { payloadType, payload, signature: key.sign(preAuthenticationEncoding(payloadType, payload)) }
}

/** The honest half of a client, as the test steps it. */
class Half {
  readonly name: string
  state: ClientState | undefined
  readonly sent: Envelope[] = []
  lanes: Uint32Array | undefined

  constructor(name: string) {
    this.name = name
  }

  advertise(configuration: Envelope, expected: Expectation): Envelope {
    return this.#moved(advertise(contextOf(this.name), configuration, expected, (length) => crypto.randomBytes(length)))
  }

  answer(broadcast: { readonly kind: Kind }): Envelope {
    const context = contextOf(this.name)
    const state = this.state!
    if (broadcast.kind === 'roster') return this.#moved(shareKeys(context, state, broadcast))
    if (broadcast.kind === 'survivors') return this.#moved(confirmSurvivors(context, state, broadcast))
    if (broadcast.kind === 'confirmations') return this.#moved(unmask(context, state, broadcast))
    if (state.phase !== 'shared') throw new Error('the half is in another step')
    const { configuration } = state
    const key = checksumKey(crypto, configHashOf(crypto, configuration))
    const input = { values: new Float64Array(configuration.coordinates).fill(0.4), weight: 1 }
    const lanes = encodeInput(crypto, configuration, key, input, (length) => crypto.randomBytes(length))
    this.lanes = lanes
    return this.#moved(maskInput(context, state, broadcast, lanes))
  }

  #moved(transition: Transition<ClientState>): Envelope {
    if (!transition.ok) throw new Error(`${this.name} left: ${transition.refusal.text}`)
    this.state = transition.state
    this.sent.push(transition.message)
    return transition.message
  }
}

describe('a client against the coordinator', () => {
  /** Three honest clients, and one in the hands of the test, in the cohort of a run with one round at least. */
  async function begin(rounds = 1, held = false) {
    const store = memoryStore()
    const started = await Started.create({ store, clients: [...names, 'e'] })
    cleanUp.push(() => started.stop())
    const recorder = new Recorder()
    const heard: Frame[] = []
    const slow = gate()
    recorder.lost = async (client, frame) => {
      heard.push(frame)
      // One advertises last, so that the first step stays open for as long as a test wants.
      if (client === 'c' && stepOf(frame) === 'advertise') await slow.opened
      return false
    }
    if (!held) slow.open()
    for (const [i, name] of names.slice(0, 3).entries()) {
      const dials = [recorder.over(name, dialUrl(started.url('ws')))]
      started.addClient(name, 'ws', addingTrainer(0.1 * (i + 1)), { ...maskingOf(names), dials })
    }
    const puppet = await Puppet.open(started)
    const { run } = await started.running.api.startRun(
      planText({
        rounds,
        count: { min: 3, max: 4 },
        time: { min: '10s', max: '20s' },
        extra:
          'privacy: { mode: masked, threshold: { dropout: 0 } }\nevaluation: { window: { count: { min: 3 }, time: { min: 0s, max: 10s } } }',
      }),
    )
    await puppet.begin()
    /** What clients said, as the journal has it. */
    const journal = async (client: string) =>
      (await store.journal.read(run)).filter(
        (entry) => entry.includes('"masking-answer"') && entry.includes(`"client":"${client}"`),
      )
    return { store, started, puppet, run, heard, journal, slow }
  }

  class Puppet extends Half {
    raw: RawClient
    task: TrainConfiguration | undefined
    readonly #started: Started
    readonly #early: FrameOf<'maskingStep'>[] = []
    #configured: [Envelope, Expectation] | undefined

    private constructor(started: Started, raw: RawClient) {
      super('d')
      this.#started = started
      this.raw = raw
      cleanUp.push(() => this.raw.close())
    }

    static async open(started: Started): Promise<Puppet> {
      return new Puppet(started, await RawClient.open(started.url('ws'), 'd'))
    }

    async begin(): Promise<void> {
      this.task = trainOf(await this.raw.task())
    }

    async asked(): Promise<{ readonly kind: Kind; readonly payload?: string; readonly signature?: string }> {
      const { payload } = this.#early.shift() ?? (await this.raw.next('maskingStep'))
      return JSON.parse(fromUtf8(payload)) as { kind: Kind }
    }

    /** Uploads and gives the receipt. The next step may be asked for before that comes. */
    async uploads({ header, digest, sealed }: ForgedUpdate): Promise<FrameOf<'receipt'>> {
      await this.raw.send(header)
      for (;;) {
        const frame = await this.raw.nextOf('uploadReady', 'receipt', 'maskingStep')
        if (frame.type === 'receipt') return frame
        if (frame.type === 'maskingStep') this.#early.push(frame)
        else await this.raw.send({ type: 'uploadChunk', digest, offset: frame.offset, data: sealed })
      }
    }

    /** The honest answer to the next step, not sent. */
    async honest(): Promise<Envelope> {
      const message = await this.asked()
      if (message.kind !== 'configuration') return this.answer(message)
      const { run, round, model, layout, plan, parameters } = this.task!
      this.#configured = [
        {
          payloadType: secaggPayloadTypes.configuration,
          payload: utf8(message.payload!),
          signature: fromHex(message.signature!)!,
        },
        {
          client: 'd',
          coordinatorKey: coordinatorKey.publicKey,
          task: run,
          model: trainingDigest(crypto, { model: model.digest, layout, plan: plan.digest, clip: undefined }),
          coordinates: parameters,
          lastRound: round - 1,
        },
      ]
      return this.advertise(...this.#configured)
    }

    /** Another set of keys for the session. */
    advertisesAnew(): Envelope {
      return new Half('d').advertise(...this.#configured!)
    }

    /** Whatever was sent before has been looked at. */
    async passed(): Promise<void> {
      await this.raw.send({ type: 'blobRequest', digest: new Uint8Array(32), offset: 0 })
      await this.raw.next('blobAbsent')
    }

    say(message: Envelope, { run = this.task!.run, round = this.task!.round } = {}): Promise<void> {
      return this.raw.send({ type: 'maskingAnswer', run, round, message })
    }

    async declines(): Promise<void> {
      const { run, round } = this.task!
      const code = 'client.training-failed'
      await this.raw.send({ type: 'decline', run, round, kind: 'train', code, message: '' })
    }

    async reconnects(): Promise<void> {
      this.raw = await RawClient.open(this.#started.url('ws'), 'd')
    }

    async sealed(lanes: Uint32Array): Promise<ForgedUpdate> {
      const deps = { crypto, identity: keyOf('d'), client: 'd', breathe: async () => {} }
      const { envelope, digest, sealed } = await sealVector(deps, this.task!, lanes)
      return { header: { type: 'uploadOpen', header: envelope }, digest, sealed }
    }
  }

  function trainOf(task: RoundConfiguration): TrainConfiguration {
    if (task.kind !== 'train') throw new Error('a task to train was due')
    return task
  }

  test('wrong, replayed, reordered and foreign messages in every step change nothing', async () => {
    const { store, started, puppet, run, heard, journal, slow } = await begin(1, true)
    const stranger = await RawClient.open(started.url('grpc'), 'e')
    cleanUp.push(() => stranger.close())
    const noise = (payloadType: string, payload: string, signer = keyOf('d')) =>
      signed(signer, payloadType, utf8(payload))
    const types = Object.values(secaggPayloadTypes)
    for (const _step of ['advertise', 'share', 'input', 'survivors', 'unmask']) {
      const earlier = [...puppet.sent]
      const honest = await puppet.honest()
      const value = JSON.parse(fromUtf8(honest.payload)) as Record<string, unknown>
      const changed = (change: object) => noise(honest.payloadType, JSON.stringify({ ...value, ...change }))
      const others = heard.flatMap((frame) => (frame.type === 'maskingAnswer' ? [frame.message!] : []))
      for (const wrong of [
        ...types.flatMap((type) => [noise(type, ''), noise(type, '{}'), noise(type, '[[['), noise(type, 'null')]),
        noise('application/vnd.parley.secagg-other+json', fromUtf8(honest.payload)),
        noise('', ''),
        ...earlier,
        ...others,
        changed({ client: 'a' }),
        changed({ client: 'e' }),
        changed({ config: 'ab'.repeat(32) }),
        changed({ roster: 'ab'.repeat(32) }),
        changed({ more: 1 }),
        changed({ v: 2 }),
        noise(honest.payloadType, fromUtf8(honest.payload), keyOf('e')),
        { ...honest, signature: honest.signature.slice(1) },
        { ...honest, signature: new Uint8Array(0) },
      ]) {
        await puppet.say(wrong)
      }
      await puppet.say(honest, { round: 2 })
      await puppet.say(honest, { run: 'run_other' })
      await stranger.send({ type: 'maskingAnswer', run, round: 1, message: honest })
      await stranger.send({ type: 'maskingAnswer', run, round: 1, message: changed({ client: 'e' }) })
      await puppet.say(honest)
      await puppet.say(honest)
      if (honest.payloadType === secaggPayloadTypes.advertise) {
        await puppet.say(puppet.advertisesAnew())
        await puppet.passed()
        slow.open()
      }
      if (puppet.lanes !== undefined && honest.payloadType === secaggPayloadTypes.input) {
        await puppet.say(changed({ digest: 'ab'.repeat(32) }))
        const receipt = await puppet.uploads(await puppet.sealed(puppet.lanes))
        expect(receipt).toMatchObject({ accepted: true })
      }
    }
    const view = await started.view(run, ({ phase }) => phase === 'evaluating')
    const evaluating = trainedOf(await puppet.raw.task('evaluate'))
    await puppet.raw.send({
      type: 'decline',
      ...evaluating,
      kind: 'evaluate',
      code: 'client.training-failed',
      message: '',
    })
    const over = await started.view(run)
    expect(view.phase).toBe('evaluating')
    expect(over.outcome).toMatchObject({ kind: 'published' })
    expect(over.history[0]).toMatchObject({ accepted: names, refused: [], sums: { spoiled: [], culprits: [] } })
    for (const weight of await storedWeights(store, over.history[0]!.weights!)) expect(weight).toBeCloseTo(0.25, 3)
    // One message of each step came through, as it was.
    const said = (await journal('d')).map(
      (entry) => (JSON.parse(entry) as { message: { payload: string } }).message.payload,
    )
    expect(said).toEqual(puppet.sent.map(({ payload }) => fromUtf8(payload)))
    for (const name of names) expect(await journal(name)).toHaveLength(5)
    for (const entry of await journal('d')) expect(JSON.parse(entry)).toMatchObject({ round: 1 })
    expect(await journal('e')).toEqual([])
    // And those that were refused are counted.
    const metrics = await (await fetch(`${started.running.urls.http}/metrics`)).text()
    expect(metrics).toMatch(/^parley_updates_refused_total\{code="masking.refused"\} [1-9]/m)
  })

  function trainedOf({ run, round }: RoundConfiguration) {
    return { run, round }
  }

  test.each([
    ['is larger than a step may be', new Uint8Array(defaultLimits.maskingBytes + 1).fill(32)],
    ['is not UTF-8', Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d)],
  ])('a message that %s costs its sender the session, and nobody else anything', async (_what, payload) => {
    const { started, puppet, run } = await begin()
    await puppet.say(signed(keyOf('d'), secaggPayloadTypes.advertise, payload))
    expect(await puppet.raw.closeCode()).toBe('frame.malformed')
    await puppet.reconnects()
    await puppet.declines()
    const view = await started.view(run, ({ history, phase }) => phase === 'evaluating' || history.length > 0)
    expect(view.engaged.map(({ client }) => client)).toContain('a')
    const over = await afterEvaluation(started, puppet, run)
    expect(over.history[0]!.accepted).toEqual(['a', 'b', 'c'])
  })

  async function afterEvaluation(started: Started, puppet: Puppet, run: string) {
    const task = await puppet.raw.task('evaluate')
    const decline = { type: 'decline', kind: 'evaluate', code: 'client.training-failed', message: '' } as const
    await puppet.raw.send({ ...decline, run: task.run, round: task.round })
    return started.view(run)
  }

  test('a vector that was not announced, or is another, is refused by name, and its sender is out at last', async () => {
    const { started, puppet, run } = await begin()
    for (const _step of ['advertise', 'share']) await puppet.say(await puppet.honest())
    const announcement = await puppet.honest()
    const lanes = puppet.lanes!
    const other = lanes.map((lane) => lane + 1)
    expect(await puppet.uploads(await puppet.sealed(lanes))).toMatchObject({
      accepted: false,
      code: 'update.not-selected',
    })
    await puppet.say(announcement)
    expect(await puppet.uploads(await puppet.sealed(other))).toMatchObject({
      accepted: false,
      code: 'update.not-selected',
    })
    const announced = toHex(vectorDigest(crypto, lanes))
    const values = new Float32Array(other.buffer)
    const lie = forgeUpdate(puppet.task!, 'd', values, { mode: 'masked', vector: announced, samples: 1, steps: 0 })
    expect(await puppet.uploads(lie)).toMatchObject({ accepted: false, code: 'update.digest-mismatch' })
    const clear = forgeUpdate(puppet.task!, 'd', new Float32Array(4))
    expect(await puppet.uploads(clear)).toMatchObject({ accepted: false, code: 'update.late' })
    const over = await afterEvaluation(started, puppet, run)
    expect(over.history[0]!.accepted).toEqual(['a', 'b', 'c'])
    expect(over.history[0]!.refused.map(({ client, code }) => `${client} ${code}`).slice(0, 3)).toEqual([
      'd update.not-selected',
      'd update.not-selected',
      'd update.digest-mismatch',
    ])
  })

  test('an update in the clear is refused in a masked round', async () => {
    const { started, puppet, run } = await begin()
    const clear = forgeUpdate(puppet.task!, 'd', new Float32Array(4))
    expect(await puppet.uploads(clear)).toMatchObject({ accepted: false, code: 'update.stale' })
    await puppet.declines()
    const over = await afterEvaluation(started, puppet, run)
    expect(over.history[0]!.accepted).toEqual(['a', 'b', 'c'])
  })

  test('masks that do not cancel, as those of another model, spoil the sum: no model is made of it', async () => {
    const { store, started, puppet, run } = await begin(3)
    for (let round = 1; round <= 3; round++) {
      if (round > 1) await puppet.begin()
      for (const _step of ['advertise', 'share']) await puppet.say(await puppet.honest())
      const announcement = JSON.parse(fromUtf8((await puppet.honest()).payload)) as object
      const lanes = new Uint32Array(crypto.randomBytes(puppet.lanes!.byteLength).buffer)
      const digest = toHex(vectorDigest(crypto, lanes))
      const payload = utf8(canonicalJsonOfDefined({ ...announcement, digest }))
      await puppet.say(signed(keyOf('d'), secaggPayloadTypes.input, payload))
      expect(await puppet.uploads(await puppet.sealed(lanes))).toMatchObject({ accepted: true })
      for (const _step of ['survivors', 'unmask']) await puppet.say(await puppet.honest())
    }
    const view = await started.view(run)
    expect(view.outcome).toMatchObject({ kind: 'failed', code: 'masking.failed' })
    expect((view.outcome as { message: string }).message).toMatch(/no sum could be opened: .*(range|mismatch)/)
    expect(view.history.map(({ weights }) => weights)).toEqual([undefined, undefined, undefined])
    expect(await store.records.versions('tiny')).toEqual([])
  })
})

describe('a coordinator against the client', () => {
  const planFile = utf8(
    canonicalPlan(
      planOf({ rounds: 100, count: { min: 3, max: 4 }, extra: 'privacy: { mode: masked, threshold: { dropout: 0 } }' }),
    ),
  )
  const coin = crypto.sha256(utf8('coin'))
  const graph = chooseGraph({ clients: 4, corrupted: 0, dropouts: 0, server: 'semi-malicious' })
  const order: readonly Kind[] = ['configuration', 'roster', 'members', 'survivors', 'confirmations']

  function configurationOf(change: Partial<SessionConfiguration> = {}): SessionConfiguration {
    const { configuration: task } = taskOf({ mode: 'masked', plan: refOf(planFile), coordinates: 4 })
    const { run, round, model, layout, plan } = JSON.parse(fromUtf8(task!.payload)) as TrainConfiguration
    return {
      v: 1,
      protocol: 'parley/secagg/1',
      task: run,
      round,
      session: '00112233445566778899aabbccddeeff',
      model: trainingDigest(crypto, { model: model.digest, layout, plan: plan.digest, clip: undefined }),
      coordinates: 4,
      bits: 16,
      clip: 1,
      modulusBits: 32,
      weight: { min: 1, max: 1 },
      noiseBound: 0,
      extras: [],
      cohort: 4,
      minimum: 3,
      threat: { corrupted: 0, dropouts: 0, server: 'semi-malicious' },
      graph: graph.ok ? graph.graph : { kind: 'complete', threshold: 1 },
      buckets: null,
      coin: toHex(crypto.sha256(coin)),
      beacon: null,
      deadlines: { advertise: 60_000, share: 60_000, input: 60_000, survivors: 60_000, unmask: 60_000 },
      ...change,
    }
  }

  /** The product's client `a` in a session with the honest halves of the others, stepped by a coordinator that may lie. */
  class Play {
    readonly fake: FakeCoordinator
    readonly peers = new Map<string, Half>(names.slice(1).map((name) => [name, new Half(name)]))
    readonly configuration = configurationOf()
    readonly #task = taskOf({ mode: 'masked', plan: refOf(planFile), coordinates: 4, cohort: 4 })
    state: CoordinatorState

    private constructor(fake: FakeCoordinator) {
      this.fake = fake
      cleanUp.push(() => fake.stop())
      const identities = Object.fromEntries(names.map((name) => [name, toHex(keyOf(name).publicKey)]))
      this.state = startSession({ crypto }, this.configuration, coin, identities)
    }

    /** A session in which the honest coordinator would now ask for `kind`. */
    static async until(kind: Kind): Promise<Play> {
      const play = new Play(await FakeCoordinator.open(maskingOf(names)))
      await play.fake.send(play.#task)
      for (const step of order.slice(0, order.indexOf(kind))) await play.#step(step)
      return play
    }

    /** What an honest coordinator says now. */
    honest<Broadcast extends { readonly kind: Kind }>(client = 'a'): Broadcast {
      return broadcastFor({ crypto }, this.state, client) as unknown as Broadcast
    }

    async ask(message: object): Promise<void> {
      await this.send(utf8(canonicalJsonOfDefined(message as Record<string, never>)))
    }

    async send(payload: Uint8Array): Promise<void> {
      await this.fake.send({ type: 'maskingStep', run: 'run_1', round: 1, payload })
    }

    async configure(change: Partial<SessionConfiguration> = {}, signer = coordinatorKey): Promise<void> {
      const { payload, signature } = signConfiguration(signer, { ...this.configuration, ...change })
      await this.ask({ kind: 'configuration', payload: fromUtf8(payload), signature: toHex(signature) })
    }

    /** Everything that the client has said so far in the session, by step. */
    answers(): string[] {
      return this.fake.received.flatMap((frame) =>
        frame.type === 'maskingAnswer' ? [/secagg-(\w+)/.exec(frame.message!.payloadType)![1]!] : [],
      )
    }

    /** The client has left for this reason, said so, and said nothing else since it had answered so often. */
    async refused(reason: RefusalReason, answered: readonly string[]): Promise<void> {
      const { error } = await this.fake.event('declined')
      expect(error.code).toBe('masking.refused')
      expect(error.message.slice(0, error.message.indexOf(':'))).toBe(reason)
      expect(await this.fake.next('decline')).toMatchObject({ code: 'masking.refused', kind: 'train', round: 1 })
      // Whatever else is asked of it, it has left.
      if (this.state.phase !== 'advertise') await this.ask(this.honest())
      else await this.configure()
      const before = this.fake.received.length
      await this.fake.send(this.#task)
      await this.fake.next('decline', before)
      expect(this.answers()).toEqual(answered)
      expect(this.fake.sent()).not.toContain('close')
    }

    async answerTo(kind: Kind): Promise<Envelope> {
      const type = {
        configuration: 'advertise',
        roster: 'share',
        members: 'input',
        survivors: 'survivors',
        confirmations: 'unmask',
      }[kind]
      for (let from = 0; ; ) {
        const frame = await this.fake.next('maskingAnswer', from)
        if (frame.message!.payloadType === secaggPayloadTypes[type as 'advertise']) return frame.message!
        from = this.fake.received.indexOf(frame) + 1
      }
    }

    async #step(kind: Kind): Promise<void> {
      if (kind === 'configuration') await this.configure()
      else await this.ask(this.honest())
      if (kind === 'members') {
        await this.fake.serve(planFile)
        await this.fake.serve(modelFile)
      }
      const said: [string, Envelope][] = [['a', await this.answerTo(kind)]]
      for (const [name, half] of this.peers) said.push([name, this.#half(half, kind)])
      for (const [name, message] of said) {
        const taken = take({ crypto }, this.state, name, message)
        expect(taken.receipt).toEqual({ ok: true })
        this.state = taken.state
        if (kind !== 'members') continue
        const { digest } = JSON.parse(fromUtf8(message.payload)) as { digest: string }
        this.state = delivered(this.state, name, digest).state
      }
      if (kind === 'confirmations') return
      const closed = closePhase({ crypto }, this.state)
      if (!closed.ok) throw new Error(closed.failure.reason)
      this.state = closed.state
    }

    #half(half: Half, kind: Kind): Envelope {
      if (kind !== 'configuration') return half.answer(this.honest(half.name))
      const { task, model, coordinates } = this.configuration
      const expected = { client: half.name, coordinatorKey: coordinatorKey.publicKey, task, model, coordinates }
      return half.advertise(signConfiguration(coordinatorKey, this.configuration), { ...expected, lastRound: 0 })
    }
  }

  const all = ['advertise', 'share', 'input', 'survivors', 'unmask']

  test('is answered in every step when it is honest, and a second time with the same bytes', async () => {
    const play = await Play.until('confirmations')
    await play.ask(play.honest())
    const first = await play.answerTo('confirmations')
    const before = play.fake.received.length
    await play.ask(play.honest())
    const last = await play.fake.next('maskingAnswer', before)
    expect(last.message).toEqual(first)
    expect(play.answers()).toEqual([...all, 'unmask'])
  })

  test.each<[string, RefusalReason, Partial<SessionConfiguration>]>([
    ['fewer clients in a sum', 'policy-cohort', { minimum: 2 }],
    ['a threshold of one', 'policy-graph', { graph: { kind: 'complete', threshold: 1 } }],
    ['a sparse graph', 'policy-graph', { graph: { kind: 'regular', degree: 2, threshold: 2 } }],
    ['no assumption about itself', 'policy-threat', { threat: { corrupted: 0, dropouts: 0, server: 'semi-honest' } }],
    ['coordinates that cut nothing', 'policy-encoding', { clip: 1e9 }],
    ['two bits', 'policy-encoding', { bits: 2 }],
    ['weights without bound', 'policy-encoding', { weight: { min: 1, max: 200_000 }, bits: 4, cohort: 4 }],
    ['buckets of one', 'policy-buckets', { buckets: { size: 1, minSurvivors: 1 } }],
    ['another modulus', 'malformed', { modulusBits: 8 as 32 }],
    ['another protocol', 'malformed', { protocol: 'parley/secagg/0' as 'parley/secagg/1' }],
    ['another model', 'wrong-model', { model: 'ab'.repeat(32) }],
    ['another run', 'wrong-task', { task: 'run_2' }],
    ['other coordinates', 'wrong-task', { coordinates: 5 }],
    ['an old round', 'old-round', { round: 1 }],
  ])('that asks for %s gets no key', async (what, reason, change) => {
    const play = await Play.until('configuration')
    if (what === 'an old round') {
      // The client has begun round 1 and comes back to it with keys that it has forgotten.
      await play.fake.stop()
      const memory = { last: async () => 1, remember: async () => {} }
      const again = await FakeCoordinator.open({ ...maskingOf(names), memory })
      cleanUp.push(() => again.stop())
      await again.send(taskOf({ mode: 'masked', plan: refOf(planFile), coordinates: 4, cohort: 4 }))
      const { payload, signature } = signConfiguration(coordinatorKey, configurationOf(change))
      const message = { kind: 'configuration', payload: fromUtf8(payload), signature: toHex(signature) }
      await again.send({ type: 'maskingStep', run: 'run_1', round: 1, payload: utf8(canonicalJsonOfDefined(message)) })
      expect((await again.event('declined')).error.message).toMatch(/^old-round: /)
      expect(again.sent()).not.toContain('maskingAnswer')
      return
    }
    await play.configure(change)
    await play.refused(reason, [])
  })

  test.each<[string, (play: Play) => Promise<void>]>([
    ['is signed by another', (play) => play.configure({}, keyOf('b'))],
    ['is not UTF-8', (play) => play.send(Uint8Array.of(0x7b, 0xff, 0x7d))],
    ['is no JSON', (play) => play.send(utf8('{"kind":'))],
    ['is null', (play) => play.send(utf8('null'))],
    ['is of no known step', (play) => play.ask({ kind: 'secrets' })],
    ['is as large as a frame', (play) => play.send(new Uint8Array(defaultLimits.maskingBytes).fill(0x20))],
    ['has members of other types', (play) => play.ask({ kind: 'configuration', payload: { a: 1 }, signature: [] })],
  ])('whose message %s gets no key', async (_what, attack) => {
    const play = await Play.until('configuration')
    await attack(play)
    await play.refused('malformed', [])
  })

  test.each<[string, Kind, RefusalReason, (play: Play) => object]>([
    [
      'a key of another client',
      'roster',
      'bad-signature',
      (play) => {
        const { rows, ...rest } = play.honest<RosterBroadcast>()
        return { ...rest, rows: rows.map((row) => (row.client === 'b' ? { ...row, maskKey: 'ab'.repeat(32) } : row)) }
      },
    ],
    [
      'an identity that the client knows otherwise',
      'roster',
      'known-identity',
      (play) => {
        const { rows, ...rest } = play.honest<RosterBroadcast>()
        const identityKey = toHex(keyOf('mallory').publicKey)
        return { ...rest, rows: rows.map((row) => (row.client === 'b' ? { ...row, identityKey } : row)) }
      },
    ],
    [
      'clients that it has invented',
      'roster',
      'too-few-known',
      (play) => {
        const { rows, ...rest } = play.honest<RosterBroadcast>()
        return {
          ...rest,
          rows: rows
            .map((row) => (row.client === 'a' ? row : { ...row, client: `x${row.client}` }))
            .map((row) => (row.client === 'a' ? row : { ...row, identityKey: toHex(keyOf(row.client).publicKey) })),
        }
      },
    ],
    [
      'the client left out',
      'roster',
      'own-row',
      (play) => {
        const { rows, ...rest } = play.honest<RosterBroadcast>()
        return { ...rest, rows: rows.filter(({ client }) => client !== 'a') }
      },
    ],
    [
      'another key of the client itself',
      'roster',
      'own-row',
      (play) => {
        const { rows, ...rest } = play.honest<RosterBroadcast>()
        return {
          ...rest,
          rows: rows.map((row) => (row.client === 'a' ? { ...row, channelKey: 'ab'.repeat(32) } : row)),
        }
      },
    ],
    [
      'two clients',
      'roster',
      'too-few-clients',
      (play) => {
        const { rows, ...rest } = play.honest<RosterBroadcast>()
        return { ...rest, rows: rows.slice(0, 2) }
      },
    ],
    [
      'a client twice',
      'roster',
      'roster-order',
      (play) => {
        const { rows, ...rest } = play.honest<RosterBroadcast>()
        return { ...rest, rows: [rows[0], rows[1], rows[1], rows[2]] }
      },
    ],
    [
      'a key of small order',
      'roster',
      'weak-key',
      (play) => {
        const { rows, ...rest } = play.honest<RosterBroadcast>()
        return { ...rest, rows: rows.map((row) => (row.client === 'b' ? { ...row, maskKey: '00'.repeat(32) } : row)) }
      },
    ],
    [
      'another coin than it had promised',
      'roster',
      'coin-mismatch',
      (play) => ({ ...play.honest(), coin: 'ab'.repeat(32) }),
    ],
    [
      'the roster of another session',
      'roster',
      'wrong-session',
      (play) => ({ ...play.honest(), config: 'ab'.repeat(32) }),
    ],
    [
      'more clients than were asked',
      'roster',
      'malformed',
      (play) => {
        const { rows, ...rest } = play.honest<RosterBroadcast>()
        return { ...rest, rows: Array.from({ length: 1_000 }, (_, i) => ({ ...rows[0], client: `c${1000 + i}` })) }
      },
    ],
    [
      'the survivors, before anything was sent',
      'roster',
      'wrong-phase',
      (play) => {
        return { ...play.honest<RosterBroadcast>(), kind: 'survivors' }
      },
    ],
    [
      'the confirmations, before anything was confirmed',
      'survivors',
      'wrong-phase',
      (play) => {
        return {
          v: 1,
          config: play.honest<SurvivorsBroadcast>().config,
          kind: 'confirmations',
          signers: [],
          signatures: [],
        }
      },
    ],
    [
      'the client left out of the members',
      'members',
      'not-a-member',
      (play) => {
        const { members, coins, ...rest } = play.honest<MembersBroadcast>()
        return { ...rest, members: members.slice(1), coins: coins.slice(1) }
      },
    ],
    [
      'another coin of a client',
      'members',
      'coin-mismatch',
      (play) => {
        const { coins, ...rest } = play.honest<MembersBroadcast>()
        return { ...rest, coins: coins.with(1, 'ab'.repeat(32)) }
      },
    ],
    [
      'the shares of one client as those of another',
      'members',
      'sealed-share',
      (play) => {
        const { sealed, ...rest } = play.honest<MembersBroadcast>()
        const each = sealed.length / 3
        return { ...rest, sealed: sealed.slice(each, 2 * each) + sealed.slice(0, each) + sealed.slice(2 * each) }
      },
    ],
    [
      'too few members',
      'members',
      'too-few-clients',
      (play) => {
        const { members, coins, ...rest } = play.honest<MembersBroadcast>()
        return { ...rest, members: members.slice(0, 2), coins: coins.slice(0, 2) }
      },
    ],
    [
      'survivors without the client',
      'survivors',
      'not-a-survivor',
      (play) => ({ ...play.honest(), survivors: [1, 2, 3] }),
    ],
    ['too few survivors', 'survivors', 'too-few-survivors', (play) => ({ ...play.honest(), survivors: [0, 1] })],
    [
      'survivors that were no members',
      'survivors',
      'wrong-survivors',
      (play) => ({ ...play.honest(), survivors: [0, 1, 2, 9] }),
    ],
    ['a survivor twice', 'survivors', 'wrong-survivors', (play) => ({ ...play.honest(), survivors: [0, 1, 1, 2] })],
    [
      'too few confirmations',
      'confirmations',
      'too-few-confirmations',
      (play) => {
        const { signers, signatures, ...rest } = play.honest<ConfirmationsBroadcast>()
        return { ...rest, signers: signers.slice(0, 2), signatures: signatures.slice(0, 2) }
      },
    ],
    [
      'one confirmation three times',
      'confirmations',
      'too-few-confirmations',
      (play) => {
        const { signers, signatures, ...rest } = play.honest<ConfirmationsBroadcast>()
        return {
          ...rest,
          signers: [0, 1, 1, 1],
          signatures: [signatures[0], signatures[1], signatures[1], signatures[1]],
        }
      },
    ],
    [
      'confirmations of other survivors',
      'confirmations',
      'too-few-confirmations',
      (play) => {
        // The others were shown a list without d, and signed it.
        const { signatures, ...rest } = play.honest<ConfirmationsBroadcast>()
        const others = [...play.peers.values()].map(({ name }) => {
          const half = play.peers.get(name)!
          const survivors = JSON.parse(fromUtf8(half.sent.at(-1)!.payload)) as object
          const payload = utf8(canonicalJsonOfDefined({ ...survivors, survivors: 'ab'.repeat(32) }))
          return Buffer.from(signed(keyOf(name), secaggPayloadTypes.survivors, payload).signature).toString('base64')
        })
        return { ...rest, signatures: [signatures[0], ...others] }
      },
    ],
  ])('that shows %s is left in the step of the %s, for %s', async (_what, kind, reason, attack) => {
    const play = await Play.until(kind)
    const before = all.slice(0, order.indexOf(kind))
    await play.ask(attack(play))
    if (kind === 'members') {
      await play.fake.serve(planFile)
      await play.fake.serve(modelFile)
    }
    await play.refused(reason, before)
  })

  test('that begins with the roster, or the members, gets nothing', async () => {
    for (const kind of ['roster', 'members', 'survivors', 'confirmations']) {
      const play = await Play.until('configuration')
      await play.ask({ kind, v: 1 })
      await play.refused('wrong-phase', [])
    }
  })

  test('that has two lists of survivors for one client gets a signature for one, and no shares', async () => {
    const play = await Play.until('survivors')
    await play.ask({ ...play.honest(), survivors: [0, 1, 2] })
    await play.answerTo('survivors')
    await play.ask({ ...play.honest(), survivors: [0, 1, 3] })
    await play.refused('already-answered', ['advertise', 'share', 'input', 'survivors'])
  })

  test.each<[Kind, string]>([
    ['roster', 'two rosters'],
    ['confirmations', 'a second time for shares, with other confirmations'],
  ])('that asks after the %s for %s gets one answer', async (kind) => {
    const play = await Play.until(kind)
    const honest = play.honest<{ kind: Kind; signers?: number[]; signatures?: string[]; rows?: object[] }>()
    await play.ask(honest)
    await play.answerTo(kind)
    const { signers, signatures, rows } = honest
    await play.ask(
      kind === 'roster'
        ? { ...honest, rows: rows!.slice(0, 3) }
        : { ...honest, signers: signers!.slice(0, 3), signatures: signatures!.slice(0, 3) },
    )
    await play.refused('already-answered', all.slice(0, order.indexOf(kind) + 1))
  })

  test('that has another configuration for each client cannot show one the others’ keys', async () => {
    const play = await Play.until('configuration')
    await play.configure()
    const own = await play.answerTo('configuration')
    // The others train another model: their keys are signed for it.
    const configuration = configurationOf({ model: 'ab'.repeat(32) })
    const envelope = signConfiguration(coordinatorKey, configuration)
    const rows = [...play.peers.values()].map((half) => {
      const { task, model, coordinates } = configuration
      const expected = { client: half.name, coordinatorKey: coordinatorKey.publicKey, task, model, coordinates }
      return rowOf(half.advertise(envelope, { ...expected, lastRound: 0 }))
    })
    const config = toHex(configHashOf(crypto, play.configuration))
    const roster = { v: 1, config, kind: 'roster', rows: [rowOf(own), ...rows], coin: toHex(coin), beacon: null }
    await play.ask(roster)
    await play.refused('bad-signature', ['advertise'])
  })

  function rowOf({ payload, signature }: Envelope): object {
    const { v, config, ...row } = JSON.parse(fromUtf8(payload)) as Record<string, unknown>
    return { ...row, signature: Buffer.from(signature).toString('base64') }
  }
})

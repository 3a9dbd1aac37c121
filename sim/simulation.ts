import {
  type ClientNode,
  createClientNode,
  type Difference,
  memoryControls,
  type Trainer,
  withScaffold,
} from '../client/index.ts'
import type { RuleTable } from '../core/aggregation/rule.ts'
import type { SigningKey } from '../core/crypto/primitives.ts'
import { toHex, utf8 } from '../core/encoding/bytes.ts'
import { ParleyError } from '../core/errors/index.ts'
import type { Base } from '../core/import/base-model.ts'
import { metricsOf } from '../core/metrics/compute.ts'
import { frozenTensors } from '../core/plan/freeze.ts'
import { canonicalPlan, planCheck } from '../core/plan/parse.ts'
import type { Plan } from '../core/plan/plan.ts'
import { plainRate } from '../core/plan/training.ts'
import type { RoundSummary, RunView } from '../core/run/view.ts'
import type { ClientPolicy, MaskArithmetic } from '../core/secagg/index.ts'
import { withoutControl } from '../core/tensors/control.ts'
import type { Layout } from '../core/tensors/layout.ts'
import { type Kernels, maskArithmeticIn } from '../kernels/index.ts'
import { combineUpdates, type InitialModel, parseAllowList } from '../server/index.ts'
import type { ChosenAttack } from './attacks/registry.ts'
import { SharedBlobs } from './engine/blobs.ts'
import { VirtualClock } from './engine/clock.ts'
import { SimulatedCoordinator } from './engine/coordinator.ts'
import { insecureSimulationCrypto } from './engine/crypto.ts'
import { differenceInKernels } from './engine/difference.ts'
import { LIMITS } from './engine/limits.ts'
import { simulatedDial } from './engine/pipe.ts'
import { SealedMemory } from './engine/sealed-memory.ts'
import { simulationStore } from './engine/spool.ts'
import { FaultyLine } from './faults/faulty-line.ts'
import { leaving } from './faults/leaving.ts'
import { attackingTrainer, deltaOf } from './nodes/attacker.ts'
import { UpdateBoard } from './nodes/board.ts'
import { passing, pooledTrainer } from './nodes/honest.ts'
import { virtualPolicy } from './nodes/policy.ts'
import { RecordLedgers } from './nodes/record-ledgers.ts'
import { tampering } from './nodes/tamper.ts'
import { WeightsCache } from './nodes/weights.ts'
import type { TrainingPool } from './pool/pool.ts'
import { confusionOf, type SimulatedRound, type SimulatedRun, type SimulationEvent } from './results.ts'
import { trainingTime } from './world/devices.ts'
import type { Scenario } from './world/scenario.ts'

export type SimulationDeps = {
  readonly scenario: Scenario
  /** Ids of its clients; the last ones are the attackers. */
  readonly names: readonly string[]
  readonly attack: ChosenAttack | undefined
  /** All rules that the plan may name; undefined: those of the registry. */
  readonly rules: RuleTable | undefined
  readonly initial: InitialModel
  /** The model that the plan starts from, where it names one. */
  readonly base?: Base
  readonly pool: TrainingPool
  /** Training rows of a client. */
  readonly rowsOf: (client: number) => number
  readonly kernels: Kernels
  /** Replaces every honest client's trainer: for experiments without training. */
  readonly trainer?: (client: number, layout: Layout) => Trainer
  readonly onEvent: (event: SimulationEvent) => void
}

/** One run of a scenario: the product's coordinator and clients in virtual time. */
export class Simulation {
  readonly #deps: SimulationDeps
  readonly #clock = new VirtualClock()
  readonly #store = simulationStore()
  readonly #sealed: SealedMemory
  readonly #difference: Difference
  readonly #policy: ClientPolicy
  readonly #masks: MaskArithmetic
  readonly #checkPlan: (value: unknown) => Plan
  readonly #blobs = new SharedBlobs(() => this.#store)
  readonly #weights = new WeightsCache()
  readonly #board = new UpdateBoard()
  readonly #records: RecordLedgers
  readonly #names: readonly string[]
  readonly #identity: SigningKey
  readonly #coordinator: SimulatedCoordinator
  readonly #nodes: ClientNode[] = []
  readonly #rounds: SimulatedRound[] = []
  readonly #lines: FaultyLine[] = []
  /** Why the rule of a round failed. */
  readonly #undecided = new Map<number, SimulatedRound['failure']>()
  /** As the coordinator says it: what happens to clients follows from it, and must not depend on how fast rounds are evaluated. */
  #openRound = 1
  #connected = 0
  #closed = false
  #wake: () => void = () => {}
  #allConnected: () => void = () => {}
  #run = ''
  #startedMs = 0

  constructor(deps: SimulationDeps) {
    this.#deps = deps
    this.#checkPlan = planCheck(deps)
    this.#records = new RecordLedgers(deps.scenario.plan)
    this.#sealed = new SealedMemory(deps.kernels)
    this.#difference = differenceInKernels(deps.kernels)
    const { world } = deps.scenario
    const crypto = insecureSimulationCrypto(world.seed)
    this.#names = deps.names
    this.#identity = crypto.signingKey(utf8('coordinator'))
    this.#masks = maskArithmeticIn(deps.kernels, crypto)
    const publicKeyOf = (id: string) => crypto.signingKey(utf8(id)).publicKey
    this.#policy = virtualPolicy(this.#names, publicKeyOf)
    this.#coordinator = new SimulatedCoordinator({
      clock: this.#clock,
      crypto,
      identity: this.#identity,
      store: this.#store,
      limits: LIMITS,
      allowList: parseAllowList({
        clients: this.#names.map((id) => ({ id, publicKey: toHex(publicKeyOf(id)) })),
      }),
      kernels: deps.kernels,
      rules: deps.rules,
      initialModel: async () => deps.initial,
      baseFiles: async () => deps.base,
      undecided: (round, { code, message }) => this.#undecided.set(round, { code, message }),
      observer: {
        sessionOpened: () => {
          this.#connected++
          if (this.#connected === world.clients) this.#allConnected()
        },
        roundClosed: ({ round }) => {
          this.#openRound = round + 1
          this.#store.forgetUpdates()
          this.#sealed.roundOver()
          this.#closes()
        },
        runEnded: () => this.#closes(),
        updateDecided: ({ code }) => {
          if (code === undefined) this.#restartWhenDue()
        },
      },
    })
  }

  get virtualMs(): number {
    return this.#clock.monotonic() - this.#startedMs
  }

  /** Time goes no further, and `run` fails with `interrupted`. */
  interrupt(): void {
    this.#clock.interrupt()
  }

  /** Runs the scenario to its end. */
  async run(): Promise<SimulatedRun> {
    const { scenario, onEvent, initial } = this.#deps
    await this.#clock.run(this.#connect())
    onEvent({
      type: 'ready',
      clients: scenario.world.clients,
      rounds: scenario.plan.rounds,
      parameters: initial.weights.length,
    })
    this.#startedMs = this.#clock.monotonic()
    const view = await this.#clock.run(this.#wholeRun())
    await this.#clock.run(this.#stop())
    return { view, rounds: this.#rounds, records: await this.#records.most() }
  }

  async #connect(): Promise<void> {
    await this.#coordinator.start()
    const everybody = new Promise<void>((resolve) => {
      this.#allConnected = resolve
    })
    this.#names.forEach((_, client) => {
      this.#nodes.push(this.#nodeOf(client))
    })
    for (const node of this.#nodes) node.start()
    await everybody
  }

  async #wholeRun(): Promise<RunView> {
    const { run } = await this.#coordinator.api.startRun(canonicalPlan(this.#deps.scenario.plan))
    this.#run = run
    for (;;) {
      await this.#somethingClosed()
      const view = await this.#coordinator.api.run(run)
      await this.#tellOf(view)
      if (view.phase === 'over') return view
    }
  }

  /** A round, or the run, has come to its end since the last time. */
  async #somethingClosed(): Promise<void> {
    if (!this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#closed = false
    // The coordinator that said so may have died since: the next one has the run.
    while (!this.#coordinator.alive) await passing(this.#clock, 1)
  }

  #closes(): void {
    this.#closed = true
    this.#wake()
  }

  async #stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()))
    await this.#coordinator.kill()
  }

  /** Adds the rounds that have closed since the last time. */
  async #tellOf({ history, rounds, phase }: RunView): Promise<void> {
    for (const summary of history.slice(this.#rounds.length)) {
      const last = phase === 'over' && summary === history.at(-1)
      const round = await this.#clock.holding(() => this.#simulatedRound(summary, last))
      this.#rounds.push(round)
      this.#deps.onEvent({ type: 'round', round, of: rounds })
    }
  }

  async #simulatedRound(summary: RoundSummary, last: boolean): Promise<SimulatedRound> {
    const { scenario, pool } = this.#deps
    const ms = (time: string) => Date.parse(time) - this.#clock.now() + this.virtualMs
    const times = { openedMs: ms(summary.openedAt), closedMs: ms(summary.closedAt) }
    const { evaluateEvery } = scenario.world
    const due = evaluateEvery > 0 && (last || (this.#rounds.length + 1) % evaluateEvery === 0)
    if (summary.weights === undefined) {
      const failure = this.#undecided.get(summary.round)
      return { ...summary, ...times, ...(failure === undefined ? {} : { failure }) }
    }
    if (!due) return { ...summary, ...times }
    const weights = { id: summary.weights, values: await this.#plainWeights(summary.weights) }
    const result = await pool.take({ kind: 'evaluate', client: 'all', weights }).result()
    const probed = await pool.take({ kind: 'evaluate', client: 'probe', weights }).result()
    if (result.kind !== 'evaluate' || probed.kind !== 'evaluate')
      throw new TypeError('the pool answered another question')
    const success = metricsOf(probed.counts).accuracy
    const confusion = confusionOf(result.counts)
    return {
      ...summary,
      ...times,
      central: metricsOf(result.counts),
      ...(confusion === undefined ? {} : { confusion }),
      ...(probed.counts.rows === 0 || success === null ? {} : { attackSuccess: success }),
    }
  }

  /** The weights of a model file, without control variates. */
  async #plainWeights(digest: string): Promise<Float32Array> {
    const { initial } = this.#deps
    const size = (await this.#store.blobs.size(digest)) ?? 0
    const file = await this.#blobs.get(digest, size)
    if (file === undefined) throw new ParleyError('store.corrupt', `model ${digest} is missing`)
    const total = initial.weights.length
    const plain = this.#deps.scenario.plan.training.scaffold === undefined ? total : total / 2
    return new Float32Array(file.buffer, file.byteOffset + size - 4 * total, plain)
  }

  #nodeOf(client: number): ClientNode {
    const { scenario, attack } = this.#deps
    const { world } = scenario
    const name = this.#names[client] as string
    const crypto = insecureSimulationCrypto(world.seed + client + 1)
    const identity = crypto.signingKey(utf8(name))
    const malformed = this.#attacks(client) && attack?.attack.kind === 'frames' ? attack : undefined
    const line = new FaultyLine({
      world,
      client,
      round: () => this.#openRound,
      tamper:
        malformed?.attack.kind === 'frames'
          ? tampering(malformed.attack.malform(malformed.options), identity, world.seed)
          : undefined,
    })
    this.#lines.push(line)
    const last = new Map<string, number>()
    return createClientNode({
      crypto,
      clock: this.#clock,
      identity,
      coordinatorKey: this.#identity.publicKey,
      dials: [simulatedDial(this.#clock, this.#coordinator.handler, line, name)],
      checkPlan: this.#checkPlan,
      trainer: async () => this.#trainerOf(client, line),
      memory: { last: async (run) => last.get(run), remember: async (run, round) => void last.set(run, round) },
      sharedBlobs: this.#blobs.get,
      sealedMemory: this.#sealed.take,
      difference: this.#difference,
      masking: { policy: this.#policy, masks: this.#masks },
      ...this.#records.of(name),
      limits: LIMITS,
      minCohort: 1,
      agent: 'simulation',
      unsafeAllowAnyPlan: true,
    })
  }

  #attacks(client: number): boolean {
    const { clients, attackers } = this.#deps.scenario.world
    return client >= clients - (attackers?.count ?? 0)
  }

  #trainerOf(client: number, line: FaultyLine): Trainer {
    const { scenario, initial, pool, attack } = this.#deps
    const { scaffold, optimizer } = scenario.plan.training
    const layout = scaffold === undefined ? initial.layout : withoutControl(initial.layout)
    const made =
      this.#deps.trainer?.(client, layout) ??
      pooledTrainer(
        {
          clock: this.#clock,
          pool,
          weights: this.#weights,
          layout,
          trainingMs: () => this.#trainingMs(client) * line.slowness(),
          rowsOf: this.#deps.rowsOf,
          seed: scenario.world.seed,
        },
        client,
      )
    const whole = scaffold === undefined ? made : withScaffold(made, plainRate(optimizer) ?? 0, memoryControls())
    const trainer = leaving(whole, line)
    if (this.#attacks(client) && attack !== undefined) return attackingTrainer(this.#attackerDeps(attack), trainer)
    return this.#showing(trainer, client)
  }

  /** Leaves its update on the board where attackers may see it. */
  #showing(trainer: Trainer, client: number): Trainer {
    const name = this.#names[client] as string
    if (this.#deps.scenario.world.attackers?.sees !== 'updates') return trainer
    return {
      ...trainer,
      train: async (request) => {
        try {
          const result = await trainer.train(request)
          this.#board.post(request.seed, name, deltaOf(request.weights, result.weights))
          return result
        } catch (failure) {
          this.#board.post(request.seed, name, undefined)
          throw failure
        }
      },
    }
  }

  #attackerDeps(attack: ChosenAttack) {
    const { scenario, kernels, rules, initial } = this.#deps
    const { aggregation, training } = scenario.plan
    return {
      clock: this.#clock,
      board: this.#board,
      attack,
      seed: scenario.world.seed,
      sees: scenario.world.attackers?.sees ?? ('own' as const),
      maxNorm: aggregation.screens.maxNorm,
      frozen: frozenTensors(training.freeze, initial.layout),
      cohort: async () => {
        const { engaged } = await this.#coordinator.api.run(this.#run)
        const members = engaged.map(({ client }) => client)
        const honest = members.filter((name) => !this.#attacks(this.#names.indexOf(name)))
        return { honest, attackers: members.length - honest.length }
      },
      aggregate: (updates: readonly Float32Array[]) => combineUpdates(kernels, updates, aggregation, { rules }),
    }
  }

  /** Virtual milliseconds of one round's training on a device without trouble. */
  #trainingMs(client: number): number {
    const { scenario } = this.#deps
    const { stepsPerSecond } = scenario.world.devices
    if (stepsPerSecond === undefined) return 0
    return trainingTime(scenario, client, this.#deps.rowsOf(client), stepsPerSecond)
  }

  /** Kills the coordinator with its first update of the round in, and brings it back later. */
  #restartWhenDue(): void {
    const due = this.#deps.scenario.world.faults.find(
      (fault) => 'restart' in fault && fault.restart.round === this.#openRound && !this.#restarted.has(this.#openRound),
    )
    if (due === undefined || !('restart' in due)) return
    const round = this.#openRound
    this.#restarted.add(round)
    // After whatever goes on at this instant.
    this.#clock.after(0, () => {
      void this.#coordinator.kill().then(async () => {
        await passing(this.#clock, due.restart.downMs)
        await this.#coordinator.start()
        this.#deps.onEvent({ type: 'restarted', round })
      })
    })
  }

  readonly #restarted = new Set<number>()
}

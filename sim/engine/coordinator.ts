import type { RuleTable } from '../../core/aggregation/rule.ts'
import type { Crypto, SigningKey } from '../../core/crypto/primitives.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { Base } from '../../core/import/base-model.ts'
import type { Plan } from '../../core/plan/plan.ts'
import type { ConnectionHandler } from '../../core/wire/connection.ts'
import type { Limits } from '../../core/wire/limits.ts'
import type { Kernels } from '../../kernels/index.ts'
import {
  type AllowList,
  Coordinator,
  type CoordinatorObserver,
  decideAside,
  type InitialModel,
  type Store,
  silentObserver,
} from '../../server/index.ts'
import type { VirtualClock } from './clock.ts'
import { mortalStore } from './life.ts'

export type SimulatedCoordinatorOptions = {
  readonly clock: VirtualClock
  readonly crypto: Crypto
  readonly identity: SigningKey
  readonly store: Store
  readonly limits: Limits
  readonly allowList: AllowList
  readonly kernels: Kernels
  /** All rules that plans may name; undefined: those of the registry. */
  readonly rules: RuleTable | undefined
  readonly initialModel: (plan: Plan) => Promise<InitialModel>
  /** What the plan starts from, whether it names a version or a file. */
  readonly baseFiles: () => Promise<Base | undefined>
  /** The rule of a round failed: nothing is made of its updates. */
  readonly undecided: (round: number, error: ParleyError) => void
  readonly observer: Partial<CoordinatorObserver>
}

/** The product's coordinator in virtual time, which can die at any instant and come back on its store. */
export class SimulatedCoordinator {
  readonly #options: SimulatedCoordinatorOptions
  #life: { readonly coordinator: Coordinator; readonly cut: () => void } | undefined
  #failure: ParleyError | undefined

  constructor(options: SimulatedCoordinatorOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { clock, store, observer, kernels, undecided, ...rest } = this.#options
    const mortal = mortalStore(store)
    const coordinator: Coordinator = new Coordinator({
      ...rest,
      clock,
      kernels: inRealTime(kernels, clock),
      decide: (question) =>
        clock.holding(() =>
          decideAside(question).catch(async (failure: unknown) => {
            for (const { round } of await coordinator.runs()) undecided(round, ParleyError.from(failure))
            throw failure
          }),
        ),
      store: mortal.store,
      sealingSecret: new Uint8Array(32).fill(1),
      publish: async () => 1,
      keepRounds: 1,
      residentBytes: 0,
      observer: {
        ...silentObserver,
        ...observer,
        fatal: (error) => {
          this.#failure ??= error
        },
      },
    })
    this.#life = { coordinator, cut: mortal.cut }
    await coordinator.start()
  }

  /** Dies at once: what it had under way comes to nothing. */
  async kill(): Promise<void> {
    const life = this.#life
    this.#life = undefined
    life?.cut()
    await life?.coordinator.stop()
  }

  get api(): Coordinator {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#life === undefined) throw new ParleyError('internal', 'the simulated coordinator is dead')
    return this.#life.coordinator
  }

  get alive(): boolean {
    return this.#life !== undefined
  }

  /** Takes connections while it lives. */
  readonly handler = (): ConnectionHandler | undefined => this.#life?.coordinator.serve
}

/** Aggregation may use threads: virtual time waits for them. */
function inRealTime(kernels: Kernels, clock: VirtualClock): Kernels {
  return {
    threads: kernels.threads,
    allocate: (bytes) => kernels.allocate(bytes),
    addressOf: (values) => kernels.addressOf(values),
    gram: (job) => clock.holding(() => kernels.gram(job)),
    combine: (job) => clock.holding(() => kernels.combine(job)),
    columns: (job) => clock.holding(() => kernels.columns(job)),
    dots: (job) => clock.holding(() => kernels.dots(job)),
    signs: (job) => clock.holding(() => kernels.signs(job)),
    subtract: (job) => kernels.subtract(job),
    squares: (job) => kernels.squares(job),
    addLanes: (job) => kernels.addLanes(job),
    addMasks: (job) => clock.holding(() => kernels.addMasks(job)),
    close: () => kernels.close(),
  }
}

import type { Trainer, TrainRequest, TrainResult } from '../../client/index.ts'
import { type FrozenTensor, zeroFrozen } from '../../core/plan/freeze.ts'
import { type Random, randomOf } from '../../core/random/random.ts'
import type { CraftInput } from '../attacks/attack.ts'
import type { ChosenAttack } from '../attacks/registry.ts'
import type { VirtualClock } from '../engine/clock.ts'
import type { UpdateBoard } from './board.ts'
import { passing } from './honest.ts'

export type AttackerDeps = {
  readonly clock: VirtualClock
  readonly board: UpdateBoard
  readonly attack: ChosenAttack
  readonly seed: number
  readonly sees: 'own' | 'updates'
  readonly maxNorm: number
  /** What the plan freezes: the coordinator takes no update that moves it, as attackers know. */
  readonly frozen: readonly FrozenTensor[]
  /** The open round's cohort: ids of its honest clients, and how many attackers are in it. */
  readonly cohort: () => Promise<{ readonly honest: readonly string[]; readonly attackers: number }>
  /** The plan's own stages and rule. */
  readonly aggregate: (updates: readonly Float32Array[]) => Promise<Float32Array>
}

/** A client that trains like others, and then sends something else. */
export function attackingTrainer(deps: AttackerDeps, trainer: Trainer): Trainer {
  const { attack, options } = deps.attack
  let last: { readonly round: number; readonly weights: Float32Array } | undefined
  const train = async (request: TrainRequest): Promise<TrainResult> => {
    const before = last
    last = { round: request.seed, weights: request.weights.slice() }
    if (attack.kind === 'frames') return await trainer.train(request)
    if (attack.kind === 'data') {
      const result = await trainer.train(request)
      const { attackers, honest } = await deps.cohort()
      const clients = attackers + honest.length
      const scale = attack.scale?.(options, { clients, attackers }) ?? 1
      return { ...result, weights: moved(request.weights, deltaOf(request.weights, result.weights), scale) }
    }
    const previous = before?.round === request.seed - 1 ? deltaOf(before.weights, request.weights) : undefined
    const own = new OwnUpdate(trainer, request)
    const { attackers, honest } = await deps.cohort()
    const granted = deps.sees === 'updates'
    const seen = granted && attack.knowledge === 'updates' ? await deps.board.all(request.seed, honest) : []
    const input: CraftInput = {
      size: request.weights.length,
      own: () => own.delta(),
      honest: seen,
      attackers,
      clients: attackers + honest.length,
      maxNorm: deps.maxNorm,
      previous,
      round: request.seed,
      random: colluding(deps.seed, request.seed),
      ...(granted ? { aggregate: (updates) => inTurn(deps, updates) } : {}),
    }
    // Not while the clock is held: training on its own data takes the attacker virtual time too.
    const vector = (await attack.craft(input, options)).slice()
    zeroFrozen(vector, 0, deps.frozen)
    const { samples, loss, steps } = await own.claims()
    return { weights: moved(request.weights, vector, 1), samples, loss, steps }
  }
  return { ...trainer, train }
}

/** One after the other: which of several attackers is the first to know must not depend on the threads. */
async function inTurn({ clock, aggregate }: AttackerDeps, updates: readonly Float32Array[]): Promise<Float32Array> {
  await passing(clock, 0)
  return await clock.holding(() => aggregate(updates))
}

/** Attackers of a round draw the same. */
function colluding(seed: number, round: number): Random {
  return randomOf(seed, `attack/${round}`)
}

/** What honest training would give, trained when it is first asked for. */
class OwnUpdate {
  readonly #trainer: Trainer
  readonly #request: TrainRequest
  #result: Promise<TrainResult> | undefined

  constructor(trainer: Trainer, request: TrainRequest) {
    this.#trainer = trainer
    this.#request = request
  }

  async delta(): Promise<Float32Array> {
    return deltaOf(this.#request.weights, (await this.#train()).weights)
  }

  /** What an attacker says of its training: what is true, where it trained, else what nobody would wonder at. */
  async claims(): Promise<Pick<TrainResult, 'samples' | 'loss' | 'steps'>> {
    return (await this.#result) ?? { samples: 1, loss: 0, steps: 1 }
  }

  #train(): Promise<TrainResult> {
    this.#result ??= this.#trainer.train(this.#request)
    return this.#result
  }
}

export function deltaOf(before: Float32Array, after: Float32Array): Float32Array {
  return after.map((value, j) => value - (before[j] as number))
}

function moved(weights: Float32Array, delta: Float32Array, scale: number): Float32Array {
  return weights.map((value, j) => value + scale * (delta[j] as number))
}

import { randomOf } from '../../core/random/random.ts'
import type { Frame } from '../../core/wire/frame.ts'
import type { Journey, Line } from '../engine/pipe.ts'
import type { WorldPlan } from '../world/scenario.ts'

export type FaultyLineDeps = {
  readonly world: WorldPlan
  readonly client: number
  /** Number of the open round; 0 before the first. */
  readonly round: () => number
  /** What an attacker does to its frames. */
  readonly tamper: ((frame: Frame) => Frame) | undefined
}

/** The line of one client, with the network and the faults of the world. */
export class FaultyLine implements Line {
  readonly #deps: FaultyLineDeps
  /** Round in which the client went away; it comes back with the next. */
  #goneIn = 0

  constructor(deps: FaultyLineDeps) {
    this.#deps = deps
  }

  open(): boolean {
    const round = this.#deps.round()
    if (this.#goneIn === round && round > 0) return false
    return !this.#deps.world.faults.some((fault) => {
      if (!('partition' in fault)) return false
      const { share, from, rounds } = fault.partition
      return round >= from && round < from + rounds && this.#draw('partition', from) < share
    })
  }

  /** The client goes away until the next round. */
  leave(): void {
    this.#goneIn = this.#deps.round()
  }

  /** Whether a fault of this phase strikes the client in the open round. */
  drops(phase: 'training' | 'upload' | 'evaluation'): boolean {
    const round = this.#deps.round()
    return this.#deps.world.faults.some(
      (fault) =>
        'dropout' in fault &&
        fault.dropout.phase === phase &&
        this.#draw(`dropout/${phase}`, round) < fault.dropout.rate,
    )
  }

  /** By which training takes longer in the open round. */
  slowness(): number {
    const round = this.#deps.round()
    return this.#deps.world.faults.reduce((factor, fault) => {
      if (!('straggler' in fault)) return factor
      return this.#draw('straggler', round) < fault.straggler.rate ? factor * fault.straggler.factor : factor
    }, 1)
  }

  tamper(frame: Frame): Frame {
    return this.#deps.tamper?.(frame) ?? frame
  }

  travel(frame: Frame, bytes: number, direction: 'up' | 'down'): Journey | undefined {
    if (!this.open()) return undefined
    const round = this.#deps.round()
    if (direction === 'up' && frame.type === 'uploadChunk' && this.drops('upload')) {
      this.leave()
      return undefined
    }
    const { network, faults } = this.#deps.world
    const repeated =
      (frame.type === 'uploadChunk' || frame.type === 'uploadOpen') &&
      direction === 'up' &&
      faults.some((fault) => 'duplicate' in fault && this.#draw('duplicate', round) < fault.duplicate.rate)
    const jitter = faults.reduce((sum, fault) => {
      if (!('reorder' in fault)) return sum
      return sum + this.#draw(`jitter/${frame.type}/${direction}`, round) * fault.reorder.jitterMs
    }, 0)
    const transfer = network.bytesPerSecond === undefined ? 0 : (1000 * bytes) / network.bytesPerSecond
    return {
      delayMs: this.#within(network.latencyMs, `latency/${frame.type}`) + transfer + jitter,
      copies: repeated ? 2 : 1,
    }
  }

  #within(range: number | [number, number], stream: string): number {
    if (typeof range === 'number') return range
    const [low, high] = range
    return low + (high - low) * this.#draw(stream, this.#deps.round())
  }

  /** From 0 to 1; the same for the same client, round and purpose. */
  #draw(purpose: string, round: number): number {
    const { world, client } = this.#deps
    return randomOf(world.seed, `${purpose}/${client}/${round}`).uniform()
  }
}

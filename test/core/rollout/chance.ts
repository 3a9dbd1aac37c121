import { type Random, randomOf } from '../../../core/random/random.ts'

/** Chance that comes out the same each time: simulations must not fail now and then. */
export class Chance {
  readonly #random: Random

  constructor(seed: number) {
    this.#random = randomOf(seed, 'rollout')
  }

  /** Uniform, from 0 to below 1. */
  next(): number {
    return this.#random.uniform()
  }

  happens(probability: number): boolean {
    return this.next() < probability
  }

  /** How often something of this probability happens in so many trials. */
  count(trials: number, probability: number): number {
    let count = 0
    for (let i = 0; i < trials; i++) if (this.happens(probability)) count++
    return count
  }

  shuffled<One>(list: readonly One[]): One[] {
    return this.#random.shuffle([...list])
  }
}
